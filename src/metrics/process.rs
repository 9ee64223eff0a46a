//! What the process costs, as Linux tells it under `/proc/self`.
//!
//! The names are those that every Prometheus client library uses. What cannot
//! be read is left out.

use crate::time::Clock;
use prometheus::Registry;
use prometheus::core::Collector;
use prometheus::core::Desc;
use prometheus::proto;
use prometheus::proto::Metric;
use prometheus::proto::MetricFamily;
use prometheus::proto::MetricType;
use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use std::time::SystemTime;

/// Adds the `process_…` metrics. The process counts as started now.
pub(super) fn register(
    registry: &Registry,
    clock: Arc<dyn Clock>,
) -> Result<(), prometheus::Error> {
    let descs = FACTS
        .iter()
        .map(|fact| {
            Desc::new(
                fact.name.into(),
                fact.help.into(),
                Vec::new(),
                HashMap::new(),
            )
        })
        .collect::<Result<_, _>>()?;
    let started = seconds_of(clock.now());
    drop(clock);
    registry.register(Box::new(Process { descs, started }))
}

struct Process {
    descs: Vec<Desc>,
    started: Option<f64>,
}

/// One of the metrics, and how to learn it.
struct Fact {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    learn: fn(&Process) -> Option<f64>,
}

const FACTS: [Fact; 6] = [
    Fact {
        name: "process_cpu_seconds_total",
        help: "Processor time used, in seconds.",
        kind: MetricType::COUNTER,
        learn: |_process| cpu_seconds(&read("/proc/self/stat")?),
    },
    Fact {
        name: "process_max_fds",
        help: "How many files may be open.",
        kind: MetricType::GAUGE,
        learn: |_process| max_fds(&read("/proc/self/limits")?),
    },
    Fact {
        name: "process_open_fds",
        help: "How many files are open.",
        kind: MetricType::GAUGE,
        learn: |_process| open_fds(),
    },
    Fact {
        name: "process_resident_memory_bytes",
        help: "Memory in use, in bytes.",
        kind: MetricType::GAUGE,
        learn: |_process| memory(&read("/proc/self/status")?, "VmRSS:"),
    },
    Fact {
        name: "process_start_time_seconds",
        help: "When the process started, in seconds since 1970.",
        kind: MetricType::GAUGE,
        learn: |process| process.started,
    },
    Fact {
        name: "process_virtual_memory_bytes",
        help: "Address space in use, in bytes.",
        kind: MetricType::GAUGE,
        learn: |_process| memory(&read("/proc/self/status")?, "VmSize:"),
    },
];

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        FACTS
            .iter()
            .filter_map(|fact| Some(family(fact, (fact.learn)(self)?)))
            .collect()
    }
}

fn family(fact: &Fact, value: f64) -> MetricFamily {
    let mut metric = Metric::default();
    if fact.kind == MetricType::COUNTER {
        let mut counter = proto::Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    } else {
        let mut gauge = proto::Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    }
    let mut family = MetricFamily::default();
    family.set_name(fact.name.to_owned());
    family.set_help(fact.help.to_owned());
    family.set_field_type(fact.kind);
    family.set_metric(vec![metric]);
    family
}

fn seconds_of(at: SystemTime) -> Option<f64> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(since.as_secs_f64())
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The 14th and 15th field of `/proc/self/stat`, in hundredths of a second
/// (`USER_HZ`, 100 on every Linux). The second field may hold spaces, but ends
/// with the last parenthesis.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_name, rest) = stat.rsplit_once(')')?;
    let ticks = rest.split_ascii_whitespace().skip(11).take(2);
    let ticks = ticks.map(|field| field.parse::<u32>().ok());
    let sum: Option<f64> = ticks.map(|field| field.map(f64::from)).sum();
    Some(sum? / 100.0)
}

fn memory(status: &str, key: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

fn max_fds(limits: &str) -> Option<f64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn open_fds() -> Option<f64> {
    // One of them is the directory that is being read.
    let count = fs::read_dir("/proc/self/fd")
        .ok()?
        .count()
        .saturating_sub(1);
    u32::try_from(count).ok().map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::FACTS;
    use super::Process;
    use super::cpu_seconds;
    use super::max_fds;
    use super::memory;

    #[test]
    fn reads_what_linux_writes() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 9 0 0 0 150 25 0 0 20 0 3 0 99 1 2";
        assert_eq!(cpu_seconds(stat), Some(1.75));
        assert_eq!(cpu_seconds("7 (portreeve"), None);
        let status = "VmPeak:\t    9 kB\nVmSize:\t    8 kB\nVmRSS:\t     2 kB\n";
        assert_eq!(memory(status, "VmRSS:"), Some(2048.0));
        assert_eq!(memory(status, "VmSwap:"), None);
        let limits = "Limit  Soft Limit  Hard Limit  Units\n\
            Max open files            1024                 524288               files\n";
        assert_eq!(max_fds(limits), Some(1024.0));
    }

    #[test]
    fn knows_everything_of_this_process() {
        let process = Process {
            descs: Vec::new(),
            started: Some(1.0),
        };
        for fact in FACTS {
            assert!((fact.learn)(&process) >= Some(0.0), "{}", fact.name);
        }
    }
}
