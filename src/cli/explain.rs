//! `portreeve policy explain`

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;

use crate::cli::asking;
use crate::cli::asking::Asking;
use crate::cli::check;
use crate::cli::print;
use crate::policy::ServiceName;
use crate::rehearsal;
use crate::rehearsal::Asked;
use crate::rehearsal::Handshake;
use crate::rehearsal::Stage;
use crate::rehearsal::What;
use crate::time::Clock as _;
use crate::time::SystemClock;

/// A request, and how its answer is wanted.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the command line"
)]
pub(super) struct Explain {
    /// The sidecar's configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    who: Asking,
    /// The method
    #[arg(long, value_name = "M", default_value = "GET")]
    method: Method,
    /// The path as the caller sends it, perhaps with a query
    #[arg(long, value_name = "P", required_unless_present = "connect")]
    path: Option<String>,
    /// A TCP connection instead of a request
    #[arg(long, conflicts_with_all = ["path", "method", "host", "headers"])]
    connect: bool,
    /// Which service is asked [default: that of the inbound door, or the only one]
    #[arg(long, value_name = "NAME")]
    service: Option<ServiceName>,
    /// The host that the request is for [default: the service's name]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// A header field; may be given several times
    #[arg(long = "header", value_name = "H:V", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Where the connection comes from
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    source: IpAddr,
    /// When, such as 2026-11-24T18:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = rehearsal::moment)]
    at: Option<SystemTime>,
    /// A group of the user's at the provider, or a workload group that the caller is in besides; may be given several times
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
    /// The connection's TLS: `none`, or parts such as `group=X25519,issued=TIME,expires=TIME,serial=HEX` [default: as between sidecars]
    #[arg(long, value_name = "PARTS")]
    tls: Option<Handshake>,
    /// The value of a signal of the caller, in YAML; may be given several times [default: what the configuration's file says]
    #[arg(long = "signal", value_name = "NAME=VALUE", value_parser = asking::pair)]
    signals: Vec<(String, String)>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What would be decided, and why.
pub(super) fn explain(wanted: Explain) -> ExitCode {
    let stage = match Stage::of_sidecar(&wanted.config) {
        Ok(stage) => stage,
        Err(error) => return check::unstaged(&wanted.config, &error),
    };
    let json = wanted.json;
    let asked = match asked(wanted, &stage) {
        Ok(asked) => asked,
        Err(unclear) => {
            print::complaint(format_args!("portreeve: {unclear}"));
            return ExitCode::FAILURE;
        }
    };
    let told = stage.ask(&asked);
    if json {
        print::line(format_args!("{:#}", rehearsal::to_json(&asked, &told)));
    } else {
        print::line(rehearsal::to_text(&asked, &told).trim_end());
    }
    if told.is_permit() {
        ExitCode::SUCCESS
    } else {
        print::no()
    }
}

fn asked(wanted: Explain, stage: &Stage) -> Result<Asked, String> {
    let service = stage.service(wanted.service);
    let service = service.map_err(|unclear| unclear.to_string())?;
    let signals = wanted.signals.iter();
    let signals = signals.map(|(name, value)| (name.as_str(), value.as_str()));
    let told = stage.policy().signals().clone();
    let now = wanted.at.unwrap_or_else(|| SystemClock.now());
    let (caller, groups) = wanted.who.read(wanted.groups, now, stage)?;
    let signals = stage.signals(told, &caller, signals)?;
    let mut headers = HeaderMap::new();
    for (name, value) in wanted.headers {
        headers.append(name, value);
    }
    let what = match wanted.path {
        None => What::Connection,
        Some(target) => What::Request {
            headers,
            host: wanted.host.unwrap_or_else(|| service.to_string()),
            method: wanted.method,
            target,
        },
    };
    Ok(Asked {
        caller,
        groups,
        now,
        service,
        signals: Some(signals),
        source: wanted.source,
        tls: wanted.tls.unwrap_or_default(),
        what,
    })
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("it is not NAME:VALUE")?;
    let name = name
        .parse()
        .map_err(|_invalid| "its name is none that a header can have")?;
    let value = value.trim().parse();
    let value = value.map_err(|_invalid| "its value is none that a header can have")?;
    Ok((name, value))
}
