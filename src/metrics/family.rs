//! Series that many threads count in, each in a cell of its own.

use prometheus::Registry;
use prometheus::core::Collector;
use prometheus::core::Desc;
use prometheus::proto::LabelPair;
use prometheus::proto::Metric;
use prometheus::proto::MetricFamily;
use prometheus::proto::MetricType;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

/// What a sharded family counts.
#[derive(Clone, Copy, Debug)]
pub struct About<const LABELS: usize> {
    /// Its name, `portreeve_…`.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub help: &'static str,
    /// The names of its labels.
    pub labels: [&'static str; LABELS],
    /// How many series it may have. Later ones are counted together, under
    /// labels that all say `other`.
    pub most_series: usize,
}

/// What one thread counts in. Written by that thread only, read by scrapes.
pub(super) trait Cell: Send + Sync {
    const KIND: MetricType;
    /// Adds up `cells` into `metric`.
    fn sum(cells: &[Arc<Self>], metric: &mut Metric);
}

/// The series of one name. Clones share them.
pub(super) struct Family<C, const LABELS: usize> {
    about: About<LABELS>,
    desc: Desc,
    series: Arc<Mutex<Series<C, LABELS>>>,
}

/// The cells of each series, by its labels' values.
type Series<C, const LABELS: usize> = BTreeMap<[Box<str>; LABELS], Vec<Arc<C>>>;

impl<C: Cell + 'static, const LABELS: usize> Family<C, LABELS> {
    pub(super) fn register(
        registry: &Registry,
        about: About<LABELS>,
    ) -> Result<Self, prometheus::Error> {
        let labels = about.labels.iter().map(ToString::to_string).collect();
        let desc = Desc::new(
            about.name.to_owned(),
            about.help.to_owned(),
            labels,
            HashMap::new(),
        )?;
        let family = Self {
            about,
            desc,
            series: Arc::default(),
        };
        registry.register(Box::new(family.clone()))?;
        Ok(family)
    }

    /// A cell of the series with these label `values` that nobody else holds.
    ///
    /// A cell whose holder is gone is handed on with what is in it.
    pub(super) fn cell(&self, values: [&str; LABELS], empty: impl FnOnce() -> C) -> Arc<C> {
        let mut key = values.map(Box::from);
        self.with(|series| {
            if series.len() >= self.about.most_series && !series.contains_key(&key) {
                key = [OTHER; LABELS].map(Box::from);
            }
            let cells = series.entry(key).or_default();
            let left = |cell: &mut Arc<C>| Arc::get_mut(cell).is_some().then(|| Arc::clone(cell));
            cells.iter_mut().find_map(left).unwrap_or_else(|| {
                let cell = Arc::new(empty());
                cells.push(Arc::clone(&cell));
                cell
            })
        })
    }

    /// Goes over all cells of all series.
    pub(super) fn fold<T>(&self, start: T, mut add: impl FnMut(T, &C) -> T) -> T {
        self.with(|series| {
            series
                .values()
                .flatten()
                .fold(start, |sum, cell| add(sum, cell))
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Series<C, LABELS>) -> T) -> T {
        look(&mut self.series.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<C: Cell + 'static, const LABELS: usize> Collector for Family<C, LABELS> {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let metric = |(values, cells): (&[Box<str>; LABELS], &Vec<Arc<C>>)| {
            let mut metric = Metric::from_label(pairs(&self.about.labels, values));
            C::sum(cells, &mut metric);
            metric
        };
        let mut family = MetricFamily::default();
        family.set_name(self.about.name.to_owned());
        family.set_help(self.about.help.to_owned());
        family.set_field_type(C::KIND);
        family.set_metric(self.with(|series| series.iter().map(metric).collect()));
        vec![family]
    }
}

fn pairs(names: &[&str], values: &[Box<str>]) -> Vec<LabelPair> {
    let pair = |name: &str, value: &str| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value.to_owned());
        pair
    };
    let both = names.iter().zip(values);
    both.map(|(name, value)| pair(name, value)).collect()
}

impl<C, const LABELS: usize> Clone for Family<C, LABELS> {
    fn clone(&self) -> Self {
        Self {
            about: self.about,
            desc: self.desc.clone(),
            series: Arc::clone(&self.series),
        }
    }
}

impl<C, const LABELS: usize> fmt::Debug for Family<C, LABELS> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Family")
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

/// What every label of the series says that takes what has no place.
const OTHER: &str = "other";
