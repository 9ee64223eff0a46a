//! `portreeve policy import`

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::Subcommand;
use http::HeaderName;

use crate::cli::print;
use crate::id::TrustDomain;
use crate::import;
use crate::import::Target;
use crate::policy::ServiceName;

/// Whose policies.
#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// Those of Istio: `AuthorizationPolicy`, for one workload
    Istio(Istio),
}

/// A file, and the workload that it is translated for.
#[derive(Debug, Args)]
pub(super) struct Istio {
    /// The YAML file; it may have several documents
    file: PathBuf,
    /// What the workload is called in policies here
    #[arg(long, value_name = "NAME")]
    service: ServiceName,
    /// The workload's namespace
    #[arg(long, value_name = "NAME")]
    namespace: String,
    /// The mesh's own trust domain, which Istio also calls `cluster.local`
    #[arg(long, value_name = "NAME")]
    trust_domain: TrustDomain,
    /// A label of the workload, `NAME=VALUE`; `NAME` alone says that it has no such label. May be given several times
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    /// The namespace whose policies are for the whole mesh
    #[arg(long, value_name = "NAME", default_value = "istio-system")]
    root_namespace: String,
}

/// Prints the translation, or all that has none.
pub(super) fn import(wanted: Import) -> ExitCode {
    let Import::Istio(wanted) = wanted;
    let text = match fs::read_to_string(&wanted.file) {
        Ok(text) => text,
        Err(error) => {
            let file = wanted.file.display();
            print::complaint(format_args!("portreeve: cannot read `{file}`: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let labels = wanted
        .labels
        .iter()
        .map(|label| match label.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (label.clone(), None),
        });
    let target = Target {
        labels: labels.collect::<BTreeMap<_, _>>(),
        namespace: wanted.namespace,
        root_namespace: wanted.root_namespace,
        service: wanted.service,
        trust_domain: wanted.trust_domain,
    };
    translated(&text, &target, &wanted.file)
}

fn translated(text: &str, target: &Target, file: &Path) -> ExitCode {
    match import::istio(text, target) {
        Ok(imported) => {
            if !imported.headers.is_empty() {
                let headers = imported.headers.iter().map(HeaderName::as_str);
                let headers = headers.collect::<Vec<_>>().join(", ");
                print::line(format_args!("// Declare `policy.headers: [{headers}]`."));
            }
            print::line(imported.cedar.trim_end());
            ExitCode::SUCCESS
        }
        Err(refused) => {
            for one in refused {
                print::complaint(format_args!("{}:{one}", file.display()));
            }
            ExitCode::FAILURE
        }
    }
}
