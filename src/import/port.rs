//! The port that is asked for.
//!
//! A door has one application, on one port: what is asked of the port is
//! answered when the policy is translated, and not for each request.

use crate::import::file::Operation;
use crate::import::file::Text;
use crate::import::file::When;
use crate::import::refusals::Refusals;

/// Whether an operation may be on the application's port.
pub(super) fn is_ours(operation: &Operation, port: Option<u16>, notes: &mut Refusals) -> bool {
    let wanted = is_among(&operation.ports, port, notes);
    let unwanted = is_among(&operation.not_ports, port, notes);
    (operation.ports.is_empty() || wanted) && !unwanted
}

/// The same for a condition on `destination.port`.
pub(super) fn is_so(when: &When, port: Option<u16>, notes: &mut Refusals) -> bool {
    if when.values.is_empty() && when.not_values.is_empty() {
        notes.add(&when.key, "it has neither `values` nor `notValues`");
    }
    let wanted = is_among(&when.values, port, notes);
    let unwanted = is_among(&when.not_values, port, notes);
    (when.values.is_empty() || wanted) && !unwanted
}

fn is_among(values: &[Text], port: Option<u16>, notes: &mut Refusals) -> bool {
    let mut found = false;
    for value in values {
        let number = value.value.parse::<u16>().ok();
        match (number.filter(|&number| number > 0), port) {
            (None, _) => notes.add(value, format!("`{}` is no port", value.value)),
            (Some(_), None) => notes.add(
                value,
                "a port: say which the application has (`--port 8080`), that of its container",
            ),
            (Some(number), Some(port)) => found |= number == port,
        }
    }
    found
}
