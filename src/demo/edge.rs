//! The demo's door for people: its files, and who signs them in.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::app::Running;
use crate::demo::DemoError;
use crate::demo::Pace;
use crate::demo::WebCa;
use crate::demo::files;
use crate::demo::files::NAMES;
use crate::demo::provider::Client;
use crate::demo::provider::Provider;
use crate::demo::provider::random;
use crate::store;
use crate::time::SystemClock;

/// Who signs people in, before there is a door.
#[derive(Debug)]
pub(super) struct Reception {
    ca: WebCa,
    provider: Provider,
    secret: String,
}

/// The door, and who signs people in.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) ca: WebCa,
    pub(super) provider: Provider,
    pub(super) sidecar: Running,
}

/// Where a door leads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beyond {
    pub(super) orders_door: SocketAddr,
    pub(super) shop: SocketAddr,
}

impl Reception {
    pub(super) fn open(pace: Pace) -> Result<Self, DemoError> {
        let service = |cause| DemoError::Service { cause };
        let clock = Arc::new(SystemClock);
        let ca = WebCa::new(&*clock).map_err(|cause| DemoError::Certificate { cause })?;
        let lifetime = Duration::from_secs(pace.tokens_s);
        let provider = Provider::start(&ca, lifetime, clock).map_err(service)?;
        let secret = random().map_err(service)?;
        Ok(Self {
            ca,
            provider,
            secret,
        })
    }

    pub(super) fn issuer(&self) -> &str {
        self.provider.issuer()
    }

    /// Writes what the door needs into `dir`, and opens it.
    pub(super) fn admit(self, dir: &Path, beyond: Beyond, pace: Pace) -> Result<Edge, DemoError> {
        self.write(dir)?;
        let text = configuration(self.issuer(), beyond, pace);
        let sidecar = super::sidecar(dir, "edge.yaml", &text)?;
        let door = sidecar.addresses().edge.ok_or(DemoError::NoDoor)?;
        let client = Client::edge(CLIENT, door.port(), self.secret);
        self.provider.register(client);
        Ok(Edge {
            ca: self.ca,
            provider: self.provider,
            sidecar,
        })
    }

    fn write(&self, dir: &Path) -> Result<(), DemoError> {
        let unwritten = |cause| DemoError::Write { cause };
        let site = self.ca.issue(&SystemClock);
        let site = site.map_err(|cause| DemoError::Certificate { cause })?;
        files::write(dir, "web-ca.pem", self.ca.root())?;
        files::write(dir, "edge.pem", &site.certificate)?;
        for (name, secret) in [("edge.key", &site.key), ("dev.secret", &self.secret)] {
            store::write_secret(&dir.join(name), secret.as_bytes()).map_err(unwritten)?;
        }
        let policies = dir.join("people");
        store::make_secret_dir(&policies).map_err(unwritten)?;
        files::write(&policies, "people.cedar", POLICY)
    }
}

fn configuration(issuer: &str, beyond: Beyond, pace: Pace) -> String {
    let Beyond { orders_door, shop } = beyond;
    let Pace { svid_ttl_s, .. } = pace;
    let files::Names {
        trust_domain,
        edge,
        orders,
        ..
    } = NAMES;
    format!(
        "# The door for people.
trust_domain: {trust_domain}
identity: {{ embedded: {{ dir: ca, id: \"{edge}\", svid_ttl_s: {svid_ttl_s} }} }}
workers: 1
edge:
  listen: 127.0.0.1:0
  certificate: {{ certificate: edge.pem, key: edge.key }}
  providers:
    # A development provider, which is a part of this demo. In earnest: yours.
    dev: {{ issuer: \"{issuer}\", client_id: {CLIENT}, client_secret_file: dev.secret, roots: web-ca.pem, device_login: true }}
  sessions:
    store: {{ sqlite: sessions.db }}
    key_file: sessions.key
  routes:
    - {{ host: localhost, app: {shop}, service: shop }}
    - {{ host: localhost, path: /orders, outbound: orders }}
outbound:
  - listen: 127.0.0.1:0
    to: {orders_door}
    expect: {orders}
    service: orders
policy: {{ dir: people }}
audit: {{ file: edge.jsonl }}
admin: {{ listen: \"127.0.0.1:0\" }}
"
    )
}

/// What the provider calls the door.
pub(super) const CLIENT: &str = "edge";

const POLICY: &str = r#"// Which people may do what. Edit and save: the next request, and what is under
// way, is decided by it. `Group::"dev/eng"` is the group eng, as the provider
// called `dev` in edge.yaml tells of it.

@id("whoever-signed-in-sees-the-shop")
permit (principal is User, action in Action::"read", resource in Service::"shop");

@id("the-till-is-for-ops-who-have-just-signed-in")
@owner("alice@demo.example")
forbid (principal is User, action, resource in Route::"shop:/till")
unless { principal in Group::"dev/ops" && context has authAge && context.authAge <= 20 };

@id("eng-reads-orders")
permit (
  principal in Group::"dev/eng",
  action in Action::"read",
  resource in Route::"orders:/orders/{id}"
);

@id("orders-are-for-eng")
@reason("orders say who lives where")
@owner("alice@demo.example")
@advice("On the provider's page you can be put into eng. It counts here within half a minute.")
forbid (principal is User, action, resource in Service::"orders")
unless { principal in Group::"dev/eng" };

@id("nobody-reads-the-secret-order")
@owner("alice@demo.example")
forbid (principal, action, resource in Route::"orders:/orders/{id}")
when { context.params has id && context.params.id == "0" };
"#;
