//! When something is asked.

use jiff::Timestamp;
use jiff::civil::Time;

use crate::import::node::At;
use crate::import::node::Node;
use crate::import::pomerium::condition::Condition;
use crate::import::pomerium::matcher::word;
use crate::import::refusals::Refusals;
use crate::import::translation::Imported;
use crate::policy::Zone;
use crate::policy::ZoneName;

/// Between two instants, which must say how far they are from UTC.
pub(super) fn date(data: &At, notes: &mut Refusals) -> Option<Condition> {
    let mut all = Vec::new();
    for (operator, value) in operators(data, notes)? {
        let sign = match operator {
            "after" => ">",
            "before" => "<",
            other => {
                notes.add(value, format!("the operator `{other}`"));
                return None;
            }
        };
        let text = word(value, notes)?;
        let Ok(instant) = text.parse::<Timestamp>() else {
            notes.add(
                value,
                format!("`{text}`: a date with a time and its offset from UTC has a translation"),
            );
            return None;
        };
        if instant.subsec_nanosecond() % 1_000_000 != 0 || instant < Timestamp::UNIX_EPOCH {
            notes.add(
                value,
                format!("`{text}`: finer than a millisecond, or before 1970"),
            );
            return None;
        }
        all.push(Condition::When(format!(
            "context.now {sign} datetime(\"{instant:.3}\")"
        )));
    }
    Some(Condition::all(all))
}

/// Between two minutes of a day.
pub(super) fn time(
    data: &At,
    (imported, notes): (&mut Imported, &mut Refusals),
) -> Option<Condition> {
    let all = operators(data, notes)?;
    let zone = all.iter().find(|(operator, _)| *operator == "timezone");
    let Some((_, zone)) = zone else {
        notes.add(data, "it has no `timezone`");
        return None;
    };
    let clock = declared(zone, (imported, notes))?;
    let mut conditions = Vec::new();
    for (operator, value) in all {
        let sign = match operator {
            "after" => ">=",
            "before" => "<",
            "timezone" => continue,
            other => {
                notes.add(value, format!("the operator `{other}`"));
                return None;
            }
        };
        let text = word(value, notes)?;
        let Some(minute) = minute(text) else {
            notes.add(value, format!("`{text}` is no full minute of a day"));
            return None;
        };
        conditions.push(Condition::When(format!(
            "context.{clock}.minuteOfDay {sign} {minute}"
        )));
    }
    Some(Condition::all(conditions))
}

fn operators<'a>(data: &'a At, notes: &mut Refusals) -> Option<Vec<(&'a str, &'a At)>> {
    let Node::Map(pairs) = &data.value else {
        notes.add(data, format!("{} where a map is due", data.value.kind()));
        return None;
    };
    let pairs = pairs
        .iter()
        .map(|(name, value)| (name.value.as_str(), value));
    Some(pairs.collect())
}

/// The name of the zone's clock in the context, declared if it has to be.
fn declared(at: &At, (imported, notes): (&mut Imported, &mut Refusals)) -> Option<String> {
    let iana = word(at, notes)?;
    if matches!(iana, "UTC" | "Etc/UTC") {
        return Some("utc".to_owned());
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = iana.to_ascii_lowercase().chars().map(plain).collect();
    match (name.parse::<ZoneName>(), iana.parse::<Zone>()) {
        (Ok(name), Ok(zone)) => {
            let clock = name.to_string();
            imported.zones.insert(name, zone);
            Some(clock)
        }
        (_, Err(why)) => {
            notes.add(at, why.to_string());
            None
        }
        (Err(why), Ok(_)) => {
            notes.add(at, format!("`{iana}` cannot be declared as a zone: {why}"));
            None
        }
    }
}

/// The forms that Pomerium documents, as minutes since midnight.
fn minute(text: &str) -> Option<i32> {
    let forms = ["%I:%M %p", "%I:%M%p", "%I %p", "%I%p", "%H:%M:%S", "%H:%M"];
    let time = forms
        .iter()
        .find_map(|form| Time::strptime(form, text).ok())?;
    let is_full = time.second() == 0 && time.subsec_nanosecond() == 0;
    is_full.then(|| i32::from(time.hour()) * 60 + i32::from(time.minute()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_forms_of_a_time_are_read() {
        for (text, read) in [
            ("3:04 PM", Some(904)),
            ("3:04PM", Some(904)),
            ("3 PM", Some(900)),
            ("3PM", Some(900)),
            ("12AM", Some(0)),
            ("12PM", Some(720)),
            ("15:04:00", Some(904)),
            ("2:20:00", Some(140)),
            ("15:04", Some(904)),
            ("15:04:05", None),
            ("25:00", None),
            ("13PM", None),
            ("noon", None),
        ] {
            assert_eq!(minute(text), read, "{text}");
        }
    }
}
