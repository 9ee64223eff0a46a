//! A whole small mesh on loopback, to look at and to try.
//!
//! Two services, each with its sidecar, and one CA: `shop` calls `orders`. A
//! third sidecar is the door for people, and a development provider signs them in.
//! Everything is real: the sidecars are built from configuration files that
//! are written out beside the policies, and so are the identities, so that an
//! operator can edit the one and `curl` with the other.

mod browser;
mod client;
pub mod development;
mod edge;
mod files;
mod orders;
mod program;
pub mod provider;
mod shop;
mod shop_page;
mod stranger;
mod tour;
mod visit;
mod web;
mod web_ca;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::app;
use crate::app::App;
use crate::app::BuildError;
use crate::app::RunError;
use crate::app::Running;
use crate::ca;
use crate::config::Config;
use crate::config::Mistake;
use crate::store::StoreError;
use crate::time::SystemClock;

pub use tour::Outcome;
pub use web::{Reply, Web};
pub use web_ca::WebCa;

use edge::Beyond;
use edge::Edge;
use edge::Reception;
use orders::Orders;
use shop::Shop;

/// The mesh, running.
#[derive(Debug)]
pub struct Demo {
    dir: PathBuf,
    edge: Edge,
    orders: Orders,
    orders_sidecar: Running,
    shop: Shop,
    shop_sidecar: Running,
}

impl Demo {
    /// Writes everything into `dir` and starts.
    ///
    /// # Errors
    ///
    /// [`DemoError`] names what could not be had.
    pub fn start(dir: &Path, pace: Pace) -> Result<Self, DemoError> {
        let reception = Reception::open(pace)?;
        let svid_ttl_s = pace.svid_ttl_s;
        files::write_policies(dir)?;
        let orders = Orders::start().map_err(|cause| DemoError::Service { cause })?;
        let text = files::orders_configuration(orders.address(), svid_ttl_s);
        let orders_sidecar = sidecar(dir, "orders.yaml", &text)?;
        files::write_identities(dir)?;
        let to = orders_sidecar
            .addresses()
            .inbound
            .ok_or(DemoError::NoDoor)?;
        let text = files::shop_configuration(to, svid_ttl_s);
        let shop_sidecar = sidecar(dir, "shop.yaml", &text)?;
        let door = shop_sidecar
            .addresses()
            .outbound
            .first()
            .copied()
            .ok_or(DemoError::NoDoor)?;
        let shop = Shop::start(door, reception.issuer());
        let shop = shop.map_err(|cause| DemoError::Service { cause })?;
        let beyond = Beyond {
            orders_door: to,
            shop: shop.address(),
        };
        let edge = reception.admit(dir, beyond, pace)?;
        Ok(Self {
            dir: dir.to_owned(),
            edge,
            orders,
            orders_sidecar,
            shop,
            shop_sidecar,
        })
    }

    /// What runs where, and what to try.
    #[must_use]
    pub fn guide(&self) -> String {
        files::guide(&self.dir, &self.places(), self.edge.provider.issuer())
    }

    /// Takes the tour. `report` hears of each outcome as it is known.
    ///
    /// # Errors
    ///
    /// What the system says, if the tour itself cannot be taken.
    pub fn tour(&self, report: impl FnMut(&Outcome)) -> io::Result<()> {
        tour::take(self, report)
    }

    /// Stays until Ctrl-C or SIGTERM, then drains.
    ///
    /// # Errors
    ///
    /// [`RunError`] if a sidecar did not end well.
    pub fn run_until_interrupted(self) -> Result<(), RunError> {
        app::run_until_signalled(self.edge.sidecar)?;
        self.shop_sidecar.stop()?;
        self.orders_sidecar.stop()
    }

    /// Drains all sidecars.
    ///
    /// # Errors
    ///
    /// [`RunError`] if one did not end well.
    pub fn stop(self) -> Result<(), RunError> {
        self.edge.sidecar.stop()?;
        self.shop_sidecar.stop()?;
        self.orders_sidecar.stop()
    }

    fn places(&self) -> Places {
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let edge = self.edge.sidecar.addresses();
        Places {
            edge_admin: edge.admin.unwrap_or(unknown),
            edge_door: edge.edge.unwrap_or(unknown),
            orders_admin: self.orders_sidecar.addresses().admin.unwrap_or(unknown),
            orders_app: self.orders.address(),
            orders_door: self.orders_sidecar.addresses().inbound.unwrap_or(unknown),
            shop: self.shop.address(),
            shop_admin: self.shop_sidecar.addresses().admin.unwrap_or(unknown),
            shop_door: self
                .shop_sidecar
                .addresses()
                .outbound
                .first()
                .copied()
                .unwrap_or(unknown),
        }
    }
}

/// How fast things grow old.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long SVIDs live, in seconds.
    pub svid_ttl_s: u64,
    /// How long what the provider says of people holds, in seconds.
    pub tokens_s: u64,
}

/// Where everything listens.
#[derive(Clone, Copy, Debug)]
struct Places {
    edge_admin: SocketAddr,
    edge_door: SocketAddr,
    orders_admin: SocketAddr,
    orders_app: SocketAddr,
    orders_door: SocketAddr,
    shop: SocketAddr,
    shop_admin: SocketAddr,
    shop_door: SocketAddr,
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The CA has no state.
    #[error("the demo's CA cannot be opened")]
    Authority {
        /// Why.
        #[source]
        cause: ca::OpenError,
    },
    /// A sidecar cannot be built.
    #[error("a sidecar of the demo cannot be built")]
    Build {
        /// Why.
        #[source]
        cause: BuildError,
    },
    /// There is nothing to show to browsers.
    #[error("the demo's certificate for `localhost` cannot be made")]
    Certificate {
        /// Why.
        #[source]
        cause: rcgen::Error,
    },
    /// A configuration of ours is wrong, which is a mistake of ours.
    #[error("a configuration of the demo is refused: {mistakes:?}")]
    Configuration {
        /// What is wrong with it.
        mistakes: Vec<Mistake>,
    },
    /// No identity to write out.
    #[error("no identity could be issued")]
    Identity {
        /// Why.
        #[source]
        cause: crate::identity::SourceError,
    },
    /// A sidecar has no door, which is a mistake of ours.
    #[error("a sidecar of the demo has no door")]
    NoDoor,
    /// A file that the demo has written is not there.
    #[error("a file of `portreeve develop files` cannot be read")]
    Read {
        /// Which, and why.
        #[source]
        cause: StoreError,
    },
    /// A service cannot be started.
    #[error("a service of the demo cannot be started")]
    Service {
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A file cannot be written.
    #[error("a file of the demo cannot be written")]
    Write {
        /// Which, and why.
        #[source]
        cause: StoreError,
    },
}

fn sidecar(dir: &Path, name: &str, text: &str) -> Result<Running, DemoError> {
    files::write(dir, name, text)?;
    let config =
        Config::load(&dir.join(name)).map_err(|mistakes| DemoError::Configuration { mistakes })?;
    let app =
        App::build(config, Arc::new(SystemClock)).map_err(|cause| DemoError::Build { cause })?;
    app.start().map_err(|cause| DemoError::Service { cause })
}
