//! One connection to the authority.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::transport::Endpoint;

use crate::enrol::EnrolError;
use crate::enrol::Settings;
use crate::identity::Svid;
use crate::net::Dialer;
use crate::rpc::authority::authority_client::AuthorityClient;
use crate::time::Clock;
use crate::tls;
use crate::tls::Approach;
use crate::tls::Exporter;
use crate::x509::Bundles;

/// An authority that has proved to be ours.
pub(super) struct Open {
    pub(super) client: AuthorityClient<Channel>,
    pub(super) exporter: Exporter,
}

/// Connects, and shows `svid` if there is one to show.
pub(super) async fn open(
    settings: &Settings,
    bundles: Arc<Bundles>,
    svid: Option<Arc<Svid>>,
    clock: &Arc<dyn Clock>,
) -> Result<Open, EnrolError> {
    let dialer = Dialer::new(&settings.authority, settings.patience);
    let stream = dialer
        .dial()
        .await
        .map_err(|cause| EnrolError::Unreachable { cause })?;
    let approach = Approach {
        bundles,
        clock: Arc::clone(clock),
        expected: settings.authority_id.clone(),
        settings: tls::Settings::default(),
        shows: svid,
    };
    let approached = approach
        .connect(stream)
        .await
        .map_err(|cause| EnrolError::Handshake {
            authority: settings.authority.clone(),
            cause,
        })?;
    let exporter = approached.exporter;
    // The channel is this one connection: what was proved on it is not proved
    // on another.
    let only = Mutex::new(Some(TokioIo::new(approached.stream)));
    let connector = tower::service_fn(move |_| {
        let stream = only
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotConnected));
        std::future::ready(stream)
    });
    let endpoint = Endpoint::from_static("http://authority")
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .keep_alive_while_idle(true);
    let channel = timeout(
        settings.patience,
        endpoint.connect_with_connector(connector),
    )
    .await
    .map_err(|_elapsed| EnrolError::Patience {
        authority: settings.authority.clone(),
    })?
    .map_err(|cause| EnrolError::Channel { cause })?;
    Ok(Open {
        client: AuthorityClient::new(channel).max_decoding_message_size(MOST_MESSAGE_BYTES),
        exporter,
    })
}

/// An authority whose machine has died is noticed within half a minute.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// A hundred thousand revocations, and room for the rest.
const MOST_MESSAGE_BYTES: usize = 16 * 1024 * 1024;
