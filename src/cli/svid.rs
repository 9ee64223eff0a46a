//! `portreeve svid show`

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use rustls_pki_types::CertificateDer;

use crate::cli::print;
use crate::store;
use crate::time::Clock as _;
use crate::time::SystemClock;
use crate::x509::Bundle;
use crate::x509::Bundles;
use crate::x509::Leaf;
use crate::x509::Limits;
use crate::x509::certificates_from_pem;
use crate::x509::verify;

/// Prints what the first certificate says, and whether a peer would believe it.
pub(super) fn show(file: &Path, bundle: Option<&Path>) -> ExitCode {
    let chain = match read(file) {
        Ok(chain) => chain,
        Err(code) => return code,
    };
    let Some(first) = chain.first() else {
        print::complaint(format_args!("{}: holds no certificate", file.display()));
        return ExitCode::FAILURE;
    };
    let leaf = match Leaf::parse(first) {
        Ok(leaf) => leaf,
        Err(error) => return print::failure(&error),
    };
    let now = SystemClock.now();
    print::line(format_args!("SPIFFE ID    {}", leaf.id()));
    print::line(format_args!("serial       {}", leaf.serial()));
    print::line(format_args!("fingerprint  {}", leaf.fingerprint()));
    print::line(format_args!("not before   {}", date(leaf.not_before())));
    print::line(format_args!("not after    {}", date(leaf.not_after())));
    if leaf.not_after() <= now || leaf.not_before() > now {
        print::complaint("not in force now");
        return ExitCode::FAILURE;
    }
    match bundle {
        Some(bundle) => believe(&chain, &leaf, bundle, now),
        None => ExitCode::SUCCESS,
    }
}

fn believe(
    chain: &[CertificateDer<'static>],
    leaf: &Leaf,
    bundle: &Path,
    now: SystemTime,
) -> ExitCode {
    let roots = match read(bundle) {
        Ok(roots) => roots,
        Err(code) => return code,
    };
    let bundle = match Bundle::new(leaf.id().trust_domain().clone(), roots) {
        Ok(bundle) => bundle,
        Err(error) => return print::failure(&error),
    };
    let bundles = match Bundles::new([bundle]) {
        Ok(bundles) => bundles,
        Err(error) => return print::failure(&error),
    };
    match verify(chain, &bundles, now, &Limits::default()) {
        Ok(_) => {
            print::line("believed     by whoever has this bundle");
            ExitCode::SUCCESS
        }
        Err(error) => print::failure(&error),
    }
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, ExitCode> {
    let text = store::read(path).map_err(|error| print::failure(&error))?;
    certificates_from_pem(&text, &path.to_string_lossy()).map_err(|error| print::failure(&error))
}

fn date(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at).map_or_else(
        |_beyond| "beyond the calendar".to_owned(),
        |at| at.to_string(),
    )
}
