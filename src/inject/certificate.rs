//! When the certificate that we show ends.

use std::path::Path;
use std::time::Duration;
use std::time::SystemTime;

use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::X509Certificate;

use crate::store;
use crate::x509::certificates_from_pem;

/// When the first certificate of the PEM file at `path` ends; nothing if there is
/// none that could be read.
pub(super) fn ends_at(path: &Path) -> Option<SystemTime> {
    let text = store::read(path).ok()?;
    let chain = certificates_from_pem(&text, &path.to_string_lossy()).ok()?;
    let (_rest, leaf) = X509Certificate::from_der(chain.first()?).ok()?;
    let ends = u64::try_from(leaf.validity().not_after.timestamp()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(ends))
}
