//! `portreeve svid show`

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use rustls_pki_types::CertificateDer;

use crate::cli::print;
use crate::cli::runtime;
use crate::identity::Endpoint;
use crate::identity::Identity;
use crate::identity::Source as _;
use crate::identity::WorkloadApi;
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
/// It is in a PEM file, or comes from the socket of a Workload API.
pub(super) fn show(place: &Path, bundle: Option<&Path>) -> ExitCode {
    match place.to_str().filter(|place| place.starts_with("unix:")) {
        Some(socket) => show_socket(socket),
        None => show_file(place, bundle),
    }
}

fn show_file(file: &Path, bundle: Option<&Path>) -> ExitCode {
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
    if !describe(&leaf, now) {
        return ExitCode::FAILURE;
    }
    match bundle {
        Some(bundle) => believe(&chain, &leaf, bundle, now),
        None => ExitCode::SUCCESS,
    }
}

/// Asks as any program would. What comes back has been checked against the
/// bundle that came with it.
fn show_socket(socket: &str) -> ExitCode {
    let endpoint: Endpoint = match socket.parse() {
        Ok(endpoint) => endpoint,
        Err(error) => return print::failure(&error),
    };
    let source = WorkloadApi::new(endpoint, Limits::default(), Arc::new(SystemClock));
    let mut source = source.with_patience(PATIENCE);
    runtime::run(async {
        match source.fetch().await {
            Ok(identity) => show_identity(&identity),
            Err(error) => print::failure(&error),
        }
    })
}

fn show_identity(identity: &Identity) -> ExitCode {
    if !describe(identity.svid().leaf(), SystemClock.now()) {
        return ExitCode::FAILURE;
    }
    for bundle in identity.bundles().iter() {
        print::line(format_args!(
            "bundle       {}: {} roots",
            bundle.trust_domain(),
            bundle.certificates().count()
        ));
    }
    ExitCode::SUCCESS
}

/// Prints what `leaf` says. Tells whether it is in force.
fn describe(leaf: &Leaf, now: SystemTime) -> bool {
    print::line(format_args!("SPIFFE ID    {}", leaf.id()));
    print::line(format_args!("serial       {}", leaf.serial()));
    print::line(format_args!("fingerprint  {}", leaf.fingerprint()));
    print::line(format_args!(
        "not before   {}",
        print::date(leaf.not_before())
    ));
    print::line(format_args!(
        "not after    {}",
        print::date(leaf.not_after())
    ));
    let is_in_force = leaf.not_before() <= now && now < leaf.not_after();
    if !is_in_force {
        print::complaint("not in force now");
    }
    is_in_force
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

/// Whoever typed this waits for the answer.
const PATIENCE: Duration = Duration::from_secs(3);
