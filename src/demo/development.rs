//! What the demo has that a mesh of containers on a developer's machine needs, too.
//!
//! Certificates for `localhost`, and a provider that signs people in. They are
//! apart from each other, so that whoever serves finds its files.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::demo::DemoError;
use crate::demo::edge::CLIENT;
use crate::demo::files;
use crate::demo::provider::Client;
use crate::demo::provider::Provider;
use crate::demo::provider::random;
use crate::demo::web_ca::Site;
use crate::demo::web_ca::WebCa;
use crate::store;
use crate::store::StoreError;
use crate::time::SystemClock;

/// Writes into `dir` a root, certificates of it for an edge and a provider at
/// `localhost`, their keys, and the secret that the two share. They hold for 30
/// days.
///
/// # Errors
///
/// [`DemoError::Certificate`], [`DemoError::Service`] without randomness, and
/// [`DemoError::Write`].
pub fn write_files(dir: &Path) -> Result<(), DemoError> {
    let unmade = |cause| DemoError::Certificate { cause };
    let unwritten = |cause| DemoError::Write { cause };
    let ca = WebCa::new(&SystemClock).map_err(unmade)?;
    let secret = random().map_err(|cause| DemoError::Service { cause })?;
    for place in [EDGE, PROVIDER] {
        let site = ca.issue(&SystemClock).map_err(unmade)?;
        let key = dir.join(format!("{place}.key"));
        store::write_secret(&key, site.key.as_bytes()).map_err(unwritten)?;
        files::write(dir, &format!("{place}.pem"), &site.certificate)?;
    }
    store::write_secret(&dir.join(SECRET), secret.as_bytes()).map_err(unwritten)?;
    files::write(dir, ROOT, ca.root())
}

/// Serves a provider at `listen`, for as long as the process lives, by what
/// [`write_files`] has written into `dir`. Its client is the edge that browsers
/// find at `edge_port` of `localhost`.
///
/// # Errors
///
/// [`DemoError::Read`] and [`DemoError::Service`].
pub fn provider(dir: &Path, listen: SocketAddr, edge_port: u16) -> Result<Provider, DemoError> {
    let service = |cause| DemoError::Service { cause };
    let text = |name: &str| read(&dir.join(name)).map_err(|cause| DemoError::Read { cause });
    let site = Site {
        certificate: text(&format!("{PROVIDER}.pem"))?,
        key: text(&format!("{PROVIDER}.key"))?,
    };
    let (root, secret) = (text(ROOT)?, text(SECRET)?);
    let clock = Arc::new(SystemClock);
    let provider = Provider::listen(listen, &site, &root, TOKENS, clock).map_err(service)?;
    provider.register(Client::edge(CLIENT, edge_port, secret));
    Ok(provider)
}

fn read(path: &Path) -> Result<String, StoreError> {
    store::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

const EDGE: &str = "edge";
const PROVIDER: &str = "provider";
const ROOT: &str = "web-ca.pem";
const SECRET: &str = "dev.secret";
/// Short, so that what is changed at the provider is soon seen.
const TOKENS: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    use http::StatusCode;

    use crate::demo::Web;

    #[tokio::test]
    async fn what_is_written_is_what_a_provider_is_believed_by() {
        let dir = tempfile::tempdir().unwrap();
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let missing = provider(dir.path(), anywhere, 9).unwrap_err();
        assert!(matches!(missing, DemoError::Read { .. }), "{missing:?}");
        write_files(dir.path()).unwrap();
        let provider = provider(dir.path(), anywhere, 9).unwrap();
        let root = read(&dir.path().join(ROOT)).unwrap();
        let place = format!("{}/.well-known/openid-configuration", provider.issuer());
        let request = http::Request::get(&place).body(String::new()).unwrap();
        let reply = Web::new(&root).unwrap().ask(request).await.unwrap();
        assert_eq!(reply.status, StatusCode::OK);
        // Those of another time vouch for nothing here.
        write_files(dir.path()).unwrap();
        let other = read(&dir.path().join(ROOT)).unwrap();
        let request = http::Request::get(&place).body(String::new()).unwrap();
        assert!(Web::new(&other).unwrap().ask(request).await.is_err());
    }
}
