//! Which program this is.

use prometheus::IntGaugeVec;
use prometheus::Opts;
use prometheus::Registry;

/// Adds `portreeve_build_info`, which is always 1.
pub(super) fn register(registry: &Registry) -> Result<(), prometheus::Error> {
    let info = IntGaugeVec::new(
        Opts::new("portreeve_build_info", "The program's version. Always 1."),
        &["version"],
    )?;
    info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    registry.register(Box::new(info))
}
