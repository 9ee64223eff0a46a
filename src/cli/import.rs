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
use crate::import::Imported;
use crate::import::Route;
use crate::import::Target;
use crate::import::Untranslatable;
use crate::policy::ServiceName;

/// Whose policies.
#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// Those of Istio: `AuthorizationPolicy`, for one workload
    Istio(Istio),
    /// Those of Pomerium: its policy language, for one route
    Pomerium(Pomerium),
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
    /// An alias of it in the mesh. May be given several times
    #[arg(long = "trust-domain-alias", value_name = "NAME")]
    trust_domain_aliases: Vec<TrustDomain>,
    /// The namespace of policies that name none, as they are applied to one
    #[arg(long, value_name = "NAME")]
    default_namespace: Option<String>,
    /// Decide connections, not requests: the workload is behind a door for TCP
    #[arg(long)]
    tcp: bool,
    /// A label of the workload, `NAME=VALUE`; `NAME` alone says that it has no such label. May be given several times
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    /// The port of the workload's application, where policies ask for one
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// The namespace whose policies are for the whole mesh
    #[arg(long, value_name = "NAME", default_value = "istio-system")]
    root_namespace: String,
}

/// A file, and the service that it is translated for.
#[derive(Debug, Args)]
pub(super) struct Pomerium {
    /// The YAML or JSON file: policies, a route, or a whole configuration
    file: PathBuf,
    /// What policies call the service here
    #[arg(long, value_name = "NAME")]
    service: ServiceName,
    /// The route that is meant, by its `from`, where there are several
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// What policies call the provider of users and groups here
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
}

/// Prints the translation, or all that has none.
pub(super) fn import(wanted: Import) -> ExitCode {
    match wanted {
        Import::Istio(wanted) => istio(wanted),
        Import::Pomerium(wanted) => {
            let route = Route {
                from: wanted.from,
                provider: wanted.provider,
                service: wanted.service,
            };
            translated(&wanted.file, |text| import::pomerium(text, &route))
        }
    }
}

fn istio(wanted: Istio) -> ExitCode {
    let labels = wanted
        .labels
        .iter()
        .map(|label| match label.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (label.clone(), None),
        });
    let target = Target {
        default_namespace: wanted.default_namespace,
        is_tcp: wanted.tcp,
        labels: labels.collect::<BTreeMap<_, _>>(),
        namespace: wanted.namespace,
        port: wanted.port,
        root_namespace: wanted.root_namespace,
        service: wanted.service,
        trust_domain: wanted.trust_domain,
        trust_domain_aliases: wanted.trust_domain_aliases,
    };
    translated(&wanted.file, |text| import::istio(text, &target))
}

fn translated(
    file: &Path,
    translate: impl FnOnce(&str) -> Result<Imported, Vec<Untranslatable>>,
) -> ExitCode {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            let file = file.display();
            print::complaint(format_args!("portreeve: cannot read `{file}`: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match translate(&text) {
        Ok(imported) => {
            if !imported.claims.is_empty() {
                let claims = imported.claims.iter();
                let claims = claims.map(|(name, kind)| format!("{name}: {}", kind.word()));
                let claims = claims.collect::<Vec<_>>().join(", ");
                print::line(format_args!("// Declare `policy.claims: {{ {claims} }}`."));
            }
            if !imported.headers.is_empty() {
                let headers = imported.headers.iter().map(HeaderName::as_str);
                let headers = headers.collect::<Vec<_>>().join(", ");
                print::line(format_args!("// Declare `policy.headers: [{headers}]`."));
            }
            if !imported.zones.is_empty() {
                let zones = imported.zones.iter();
                let zones = zones.map(|(name, zone)| format!("{name}: {}", zone.name()));
                let zones = zones.collect::<Vec<_>>().join(", ");
                print::line(format_args!(
                    "// Declare `policy.time_zones: {{ {zones} }}`."
                ));
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
