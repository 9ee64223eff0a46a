//! What the demo writes out: policies, configurations, identities, and a guide.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::KeyPair;

use crate::ca::Authority;
use crate::demo::DemoError;
use crate::demo::Places;
use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::identity::Issuer as _;
use crate::identity::SourceError;
use crate::store;
use crate::time::SystemClock;
use crate::x509;

pub(super) fn write(dir: &Path, name: &str, text: &str) -> Result<(), DemoError> {
    store::write_public(&dir.join(name), text.as_bytes())
        .map_err(|cause| DemoError::Write { cause })
}

pub(super) fn write_policies(dir: &Path) -> Result<(), DemoError> {
    let policies = dir.join("policy");
    store::make_secret_dir(&policies).map_err(|cause| DemoError::Write { cause })?;
    write(&policies, "orders.cedar", POLICY)
}

/// PEM files to `curl` with: the shop's own identity, and a stranger's.
pub(super) fn write_identities(dir: &Path) -> Result<(), DemoError> {
    let domain: TrustDomain = NAMES
        .trust_domain
        .parse()
        .map_err(|_never| DemoError::NoDoor)?;
    let authority = Authority::open(&dir.join("ca"), domain, Arc::new(SystemClock))
        .map_err(|cause| DemoError::Authority { cause })?;
    for (name, id) in [("shop", NAMES.shop), ("stranger", NAMES.stranger)] {
        let (certificate, key) = issue(&authority, id)?;
        write(dir, &format!("{name}.pem"), &certificate)?;
        store::write_secret(&dir.join(format!("{name}.key")), key.as_bytes())
            .map_err(|cause| DemoError::Write { cause })?;
    }
    Ok(())
}

/// A chain and its key, as PEM.
fn issue(authority: &Authority, id: &str) -> Result<(String, String), DemoError> {
    let id: SpiffeId = id.parse().map_err(|_never| DemoError::NoDoor)?;
    let unmade = |cause| DemoError::Identity { cause };
    let pair = KeyPair::generate().map_err(|cause| unmade(SourceError::NoKey { cause }))?;
    let request =
        x509::make_request(&pair).map_err(|cause| unmade(SourceError::NoRequest { cause }))?;
    let chain = authority
        .issue(&request, &id, BY_HAND)
        .map_err(|cause| unmade(SourceError::NotIssued { cause }))?;
    Ok((x509::certificates_to_pem(&chain), pair.serialize_pem()))
}

/// The configuration of the sidecar beside `orders`.
pub(super) fn orders_configuration(app: SocketAddr, svid_ttl_s: u64) -> String {
    let Names {
        trust_domain,
        orders,
        ..
    } = NAMES;
    format!(
        "# The sidecar beside `orders`.
trust_domain: {trust_domain}
identity: {{ embedded: {{ dir: ca, id: \"{orders}\", svid_ttl_s: {svid_ttl_s} }} }}
workers: 1
inbound:
  listen: 127.0.0.1:0
  service: orders
  app: {app}
policy: {{ dir: policy }}
audit: {{ file: orders.jsonl }}
admin: {{ listen: \"127.0.0.1:0\" }}
"
    )
}

/// The configuration of the sidecar beside the shop, which calls `orders` at `to`.
pub(super) fn shop_configuration(to: SocketAddr, svid_ttl_s: u64) -> String {
    let Names {
        trust_domain,
        orders,
        shop,
        ..
    } = NAMES;
    format!(
        "# The sidecar beside the shop.
trust_domain: {trust_domain}
identity: {{ embedded: {{ dir: ca, id: \"{shop}\", svid_ttl_s: {svid_ttl_s} }} }}
workers: 1
outbound:
  - listen: 127.0.0.1:0
    to: {to}
    expect: {orders}
    service: orders
policy: {{ dir: policy }}
audit: {{ file: shop.jsonl }}
admin: {{ listen: \"127.0.0.1:0\" }}
"
    )
}

/// What runs where, and what to try.
pub(super) fn guide(dir: &Path, places: &Places, provider: &str) -> String {
    let Places {
        edge_admin,
        edge_door,
        orders_admin,
        orders_app,
        orders_door,
        shop,
        shop_admin,
        shop_door,
    } = places;
    let (dir, edge_port) = (dir.display(), edge_door.port());
    let guide = format!(
        "A small mesh is running. Everything it reads and writes is in {dir}

  shop             http://{shop:<22} a service that asks `orders` and shows the answer
    its sidecar    http://{shop_door:<22} outbound, in the clear, for the shop only
                   http://{shop_admin}/status
  orders           http://{orders_app:<22} the application; a real one would be out of reach
    its sidecar    https://{orders_door:<21} inbound, mutual TLS
                   http://{orders_admin}/status  /metrics
  edge             https://localhost:{edge_port:<12} the door for people, to the shop and to orders
                   http://{edge_admin}/status
  provider         {provider:<29} signs people in with a click; for development only

Open https://localhost:{edge_port}/ in a browser. Its certificate is the demo's own: let the browser go on, or
believe {dir}/web-ca.pem. Click on alice, and try what the shop offers; then on bob, in a private window.

Try:
  curl http://{shop}/orders/7  # allowed: shop -> sidecar -> sidecar -> orders
  curl -i http://{shop_door}/orders/7 -d x=1  # denied: the shop may only read
  curl -i http://{shop_door}/orders/0  # denied: a forbid beats every permit
  curl -N http://{shop_door}/stream  # a response that streams
  curl -ik https://{orders_door}/orders/7  # no identity: refused in the handshake
  curl -ik --cert {dir}/stranger.pem --key {dir}/stranger.key https://{orders_door}/orders/7  # the wrong one: 403
  curl -i --path-as-is http://{shop_door}/orders/../admin  # a path with two readings: 400
  curl -ik https://localhost:{edge_port}/orders/7  # a program at the edge: 401, no sign-in page
  curl -iLk https://localhost:{edge_port}/ -H 'accept: text/html'  # a browser: on to the provider's page
  portreeve login https://localhost:{edge_port} --roots {dir}/web-ca.pem  # a program of yours: in by a code
  $EDITOR {dir}/people/people.cedar  # who may do what at the edge
  $EDITOR {dir}/policy/orders.cedar  # the next request is decided by what you save
  tail -f {dir}/edge.jsonl {dir}/orders.jsonl  # every decision, as it is made

Ctrl-C ends it."
    );
    let lines: Vec<_> = guide.lines().map(align).collect();
    lines.join("\n")
}

/// Remarks stand below each other, however long the ports are.
fn align(line: &str) -> Cow<'_, str> {
    match line.split_once("  # ") {
        Some((command, remark)) => format!("{command:<62} # {remark}").into(),
        None => line.into(),
    }
}

/// Who is who in the demo.
pub(super) const NAMES: Names = Names {
    trust_domain: "demo.example",
    edge: "spiffe://demo.example/ns/demo/sa/edge",
    orders: "spiffe://demo.example/ns/demo/sa/orders",
    shop: "spiffe://demo.example/ns/demo/sa/shop",
    stranger: "spiffe://demo.example/ns/elsewhere/sa/stranger",
};

/// The demo's trust domain and SPIFFE IDs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    pub(super) trust_domain: &'static str,
    pub(super) edge: &'static str,
    pub(super) orders: &'static str,
    pub(super) shop: &'static str,
    pub(super) stranger: &'static str,
}

/// Long enough for an afternoon with `curl`.
const BY_HAND: Duration = Duration::from_secs(12 * 60 * 60);

/// Blocks the shop: dropped into the policy folder, it works at the next request.
pub(super) const INCIDENT: &str = r#"@id("incident-4711-block-the-shop")
@reason("the shop floods us")
forbid (
  principal == Workload::"spiffe://demo.example/ns/demo/sa/shop",
  action,
  resource in Service::"orders"
);
"#;

const POLICY: &str = r#"// Who may do what at `orders`. Edit and save: the next request is decided by it.
// A file with a mistake never takes effect; see the sidecar's log, or run
// `portreeve check --config orders.yaml`.

@id("shop-reads-orders")
permit (
  principal == Workload::"spiffe://demo.example/ns/demo/sa/shop",
  action in Action::"read",
  resource in Route::"orders:/orders/{id}"
);

@id("edge-reads-orders-for-people")
permit (
  principal == Workload::"spiffe://demo.example/ns/demo/sa/edge",
  action in Action::"read",
  resource in Route::"orders:/orders/{id}"
);

@id("shop-watches")
permit (
  principal in Namespace::"demo.example/demo",
  action == Action::"GET",
  resource in Service::"orders"
)
when { context.path == "/stream" || context.path == "/ws" };

@id("nobody-reads-the-secret-order")
forbid (principal, action, resource in Route::"orders:/orders/{id}")
when { context.params has id && context.params.id == "0" };
"#;
