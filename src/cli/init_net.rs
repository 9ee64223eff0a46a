//! `portreeve init-net`

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::check::refuse;
use crate::cli::print;
use crate::config::Config;
use crate::net::AppAddress;
use crate::net::Network;
use crate::redirect;
use crate::redirect::Exclusions;
use crate::redirect::Inward;
use crate::redirect::Plan;
use crate::redirect::PlanError;

/// Whose rules they are.
#[derive(Debug, Args)]
pub(super) struct InitNet {
    /// The sidecar's configuration file, which says where its doors are
    #[arg(long, value_name = "FILE", required_unless_present = "remove")]
    config: Option<PathBuf>,
    /// The user, by number, that the sidecar runs as, and nobody else
    #[arg(long, value_name = "UID", required_unless_present = "remove")]
    uid: Option<u32>,
    /// Take the rules away
    #[arg(long, conflicts_with = "apply")]
    remove: bool,
    #[command(flatten)]
    wanted: Wanted,
}

/// What becomes of them, and what they leave alone.
#[derive(Debug, Args)]
struct Wanted {
    /// Load the rules with nft instead of printing them
    #[arg(long)]
    apply: bool,
    /// Other users, by number, whose connections leave without the sidecar
    #[arg(long, value_name = "UID,…", value_delimiter = ',')]
    exclude_uids: Vec<u32>,
    /// Ports of others that are reached without the sidecar
    #[arg(long, value_name = "PORT,…", value_delimiter = ',')]
    exclude_outbound_ports: Vec<NonZeroU16>,
    /// Networks that are reached without the sidecar, such as 10.1.0.0/16
    #[arg(long, value_name = "NETWORK,…", value_delimiter = ',')]
    exclude_networks: Vec<Network>,
    /// Ports of ours that may be reached without the sidecar, such as a health check's
    #[arg(long, value_name = "PORT,…", value_delimiter = ',')]
    exclude_inbound_ports: Vec<NonZeroU16>,
}

/// Prints the rules, puts them in force, or takes them away.
pub(super) fn init_net(order: InitNet) -> ExitCode {
    // clap demands both where there is nothing to be taken away.
    let (Some(path), Some(uid), false) = (order.config, order.uid, order.remove) else {
        return told(redirect::remove().map(|()| "the rules are gone"));
    };
    let config = match Config::load(&path) {
        Ok(config) => config,
        Err(mistakes) => return refuse(&path, &mistakes),
    };
    let wanted = order.wanted;
    let apply = wanted.apply;
    let plan = match plan(&config, uid, wanted) {
        Ok(plan) => plan,
        Err(error) => return print::failure(&error),
    };
    if apply {
        return told(redirect::apply(&plan).map(|()| "the rules are in force"));
    }
    print::line(plan.to_string().trim_end());
    ExitCode::SUCCESS
}

fn plan(config: &Config, uid: u32, wanted: Wanted) -> Result<Plan, PlanError> {
    let exclusions = Exclusions {
        networks: wanted.exclude_networks,
        inbound_ports: wanted.exclude_inbound_ports,
        outbound_ports: wanted.exclude_outbound_ports,
        uids: wanted.exclude_uids,
    };
    let outward = config.transparent.iter();
    let outward: Vec<SocketAddr> = outward.flat_map(|door| &door.listen).copied().collect();
    let http = config.inbound.iter().map(|door| (&door.app, door.listen));
    let tcp = config.tcp_inbound.iter();
    let doors = http.chain(tcp.map(|door| (&door.app, door.listen)));
    let inward = doors.map(|(app, listen)| {
        let port = match app {
            AppAddress::Network(place) => place.rsplit_once(':').map(|(_, port)| port),
            AppAddress::Unix(_) => None,
        };
        let app = port.and_then(|port| port.parse().ok());
        Inward { app, listen }
    });
    let inward: Vec<Inward> = inward.collect();
    // A kubelet has no certificate to show to the door that it would be sent to.
    let probes = config.inbound.iter().flat_map(|door| &door.probes);
    let window = config.admin.iter().map(|window| window.listen);
    let own: Vec<SocketAddr> = probes.map(|door| door.listen).chain(window).collect();
    Plan::new(uid, &outward, &inward, &own, exclusions)
}

fn told(done: Result<&str, redirect::NftError>) -> ExitCode {
    match done {
        Ok(done) => {
            print::line(done);
            ExitCode::SUCCESS
        }
        Err(error) => print::failure(&error),
    }
}
