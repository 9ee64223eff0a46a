//! One connection to the authority.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use aws_lc_rs::rand;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::transport::Endpoint;

use crate::enrol::EnrolError;
use crate::enrol::Settings;
use crate::identity::Svid;
use crate::identity::Watchlist;
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

/// Connects to one of the authorities, and shows `svid` if there is one to show.
/// Whoever answers is none if it is `revoked`.
pub(super) async fn open(
    settings: &Settings,
    bundles: Arc<Bundles>,
    revoked: &Arc<Watchlist>,
    svid: Option<Arc<Svid>>,
    clock: &Arc<dyn Clock>,
) -> Result<Open, EnrolError> {
    let approach = Approach {
        bundles,
        clock: Arc::clone(clock),
        expected: settings.authority_id.clone(),
        revoked: Arc::clone(revoked),
        settings: tls::Settings::default(),
        shows: svid,
    };
    // Not all sidecars at the same one.
    let first = draw(settings.authorities.len());
    let (later, sooner) = settings.authorities.split_at(first);
    let mut outcome = Err(EnrolError::NoAuthority);
    for authority in sooner.iter().chain(later) {
        outcome = call(authority, &approach, settings.patience).await;
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

async fn call(
    authority: &str,
    approach: &Approach,
    patience: Duration,
) -> Result<Open, EnrolError> {
    let dialer = Dialer::new(authority, patience);
    let stream = dialer
        .dial()
        .await
        .map_err(|cause| EnrolError::Unreachable { cause })?;
    let approached = approach
        .connect(stream)
        .await
        .map_err(|cause| EnrolError::Handshake {
            authority: authority.to_owned(),
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
    let channel = timeout(patience, endpoint.connect_with_connector(connector))
        .await
        .map_err(|_elapsed| EnrolError::Patience {
            authority: authority.to_owned(),
        })?
        .map_err(|cause| EnrolError::Channel { cause })?;
    Ok(Open {
        client: AuthorityClient::new(channel).max_decoding_message_size(MOST_MESSAGE_BYTES),
        exporter,
    })
}

/// A number below `count`; 0 if the system has no randomness.
fn draw(count: usize) -> usize {
    let mut byte = [0_u8; 1];
    if rand::fill(&mut byte).is_err() {
        return 0;
    }
    let [byte] = byte;
    usize::from(byte).checked_rem(count).unwrap_or(0)
}

/// An authority whose machine has died is noticed within half a minute.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest policy set, a hundred thousand revocations, and room for the rest.
const MOST_MESSAGE_BYTES: usize = 16 * 1024 * 1024;
