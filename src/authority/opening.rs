//! What an authority opens before it can serve, and how that fails.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::net::UnixListener;

use crate::authority::entry_files::EntryMistake;
use crate::authority::entry_files::read_entries;
use crate::authority::federation;
use crate::authority::federation::EndpointProfile;
use crate::authority::federation::EndpointSettings;
use crate::authority::federation::FetchError;
use crate::authority::keyring::Keyring;
use crate::authority::keyring::KeyringError;
use crate::authority::keyring::Make;
use crate::authority::keyring::Parts;
use crate::authority::ledger::Ledger;
use crate::authority::own_name::OwnName;
use crate::authority::proof::Cluster;
use crate::authority::proof::ClusterError;
use crate::authority::proof::PossessionError;
use crate::authority::proof::PossessionRoots;
use crate::authority::settings::ClusterSettings;
use crate::authority::settings::PossessionSettings;
use crate::authority::settings::Settings;
use crate::authority::steward::EntryFiles;
use crate::authority::steward::StewardError;
use crate::ca::UpstreamError;
use crate::id::TrustDomain;
use crate::identity;
use crate::identity::Live;
use crate::identity::Renewal;
use crate::identity::SourceError;
use crate::net;
use crate::net::BindError;
use crate::net::Listener;
use crate::net::UnixBindError;
use crate::net::UnixPlace;
use crate::net::UnixSocket;
use crate::store;
use crate::store::DatabaseError;
use crate::store::Fingerprint;
use crate::store::SealingKey;
use crate::store::SealingKeyError;
use crate::store::StoreError;
use crate::time::Clock;
use crate::tls;
use crate::tls::HandshakeSlots;
use crate::tls::OpenReception;
use crate::tls::Reception;
use crate::tls::ShowError;
use crate::tls::Shows;
use crate::x509::PemError;
use crate::x509::certificates_from_pem;

/// Why an authority cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The port cannot be had.
    #[error("sidecars cannot be listened to")]
    Bind {
        /// Which, and why.
        #[source]
        cause: BindError,
    },
    /// There is nothing to show to whoever asks for our bundle.
    #[error("the bundle endpoint cannot show who it is")]
    BundleEndpoint {
        /// Why not.
        #[source]
        cause: ShowError,
    },
    /// A cluster's keys cannot be read.
    #[error("cluster `{name}` cannot be believed")]
    Cluster {
        /// The cluster.
        name: String,
        /// Why not.
        #[source]
        cause: ClusterError,
    },
    /// The database cannot be used.
    #[error("the database cannot be opened")]
    Database {
        /// Why not.
        #[source]
        cause: DatabaseError,
    },
    /// The entries' files have mistakes.
    #[error("the entries are refused:\n{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Entries {
        /// All of them.
        mistakes: Vec<EntryMistake>,
    },
    /// A relation with another trust domain cannot begin.
    #[error("`{trust_domain}` cannot be federated with")]
    Federation {
        /// The other trust domain.
        trust_domain: TrustDomain,
        /// Why not.
        #[source]
        cause: FetchError,
    },
    /// The signing keys cannot be used.
    #[error("the signing keys cannot be used")]
    Keyring {
        /// Why not.
        #[source]
        cause: KeyringError,
    },
    /// The authority cannot name itself.
    #[error("the authority cannot name itself")]
    OwnName {
        /// Why not.
        #[source]
        cause: SourceError,
    },
    /// The roots of a CA whose certificates are taken are not usable.
    #[error("the roots of CA `{name}` cannot be used")]
    Possession {
        /// The CA.
        name: String,
        /// Why not.
        #[source]
        cause: PossessionError,
    },
    /// The root that signs has ended, or the clock says so.
    #[error(
        "the root that signs is not in force: it ended at {}, if the clock is right; then \
         `replace_ended_root: true` begins anew with another, and every workload must join anew",
        jiff::Timestamp::try_from(*ended_at).map_or_else(|_| "a date unknown".to_owned(), |at| at.to_string())
    )]
    RootEnded {
        /// When it ended.
        ended_at: SystemTime,
    },
    /// The roots of a CA are not PEM.
    #[error("the roots of CA `{name}` cannot be read")]
    RootsNotPem {
        /// The CA.
        name: String,
        /// Why not.
        #[source]
        cause: PemError,
    },
    /// The roots of a CA cannot be read.
    #[error("the roots of CA `{name}` cannot be read")]
    RootsUnreadable {
        /// The CA.
        name: String,
        /// Why not.
        #[source]
        cause: StoreError,
    },
    /// There is no sealing key.
    #[error("the sealing key cannot be used")]
    SealingKey {
        /// Why not.
        #[source]
        cause: SealingKeyError,
    },
    /// The operator's socket cannot be had.
    #[error("the operator's socket cannot be opened")]
    Socket {
        /// Where, and why not.
        #[source]
        cause: UnixBindError,
    },
    /// What is known cannot be read.
    #[error("what the authority knows cannot be read")]
    Steward {
        /// Why not.
        #[source]
        cause: StewardError,
    },
    /// The trust domain's name is too long for an authority's ID.
    #[error("`{trust_domain}` is too long: the authority cannot be named in it")]
    TrustDomainTooLong {
        /// The trust domain.
        trust_domain: TrustDomain,
    },
    /// The upstream CA signs nothing for us.
    #[error("the upstream CA signs no intermediate for us")]
    Upstream {
        /// Why not.
        #[source]
        cause: UpstreamError,
    },
    /// The socket for programs of this machine cannot be had.
    #[error("the Workload API cannot be opened")]
    WorkloadApi {
        /// Where, and why not.
        #[source]
        cause: UnixBindError,
    },
}

pub(super) async fn open_keyring(
    settings: &Settings,
    ledger: &Ledger,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<Keyring>, OpenError> {
    let unusable = |cause| OpenError::SealingKey { cause };
    let keyring = |cause| OpenError::Keyring { cause };
    let keys = ledger.keys().await.map_err(|cause| keyring(cause.into()))?;
    // A key that seals nothing yet may be made. One that is missing may not: a
    // new one would not open what is sealed.
    let sealing = if keys.is_empty() {
        SealingKey::load_or_make(&settings.sealing_key).map_err(unusable)?
    } else {
        SealingKey::load(&settings.sealing_key).map_err(unusable)?
    };
    let parts = Parts {
        clock: Arc::clone(clock),
        ledger: ledger.clone(),
        make: Make {
            lifetime: settings.root_ttl,
            trust_domain: settings.trust_domain.clone(),
            upstream: settings.upstream.clone(),
        },
        sealing,
    };
    let opened = Keyring::open(parts).await.map_err(keyring)?;
    // The key that signs does not need it before the next one is made.
    if let Err(error) = try_upstream(settings, clock.now()) {
        let error: &dyn std::error::Error = &error;
        tracing::error!(error, "the next signing key could not be made");
    }
    Ok(Arc::new(opened))
}

/// Everything that is wrong with the files that `settings` name, as far as that
/// can be seen without changing anything: what `portreeve authority check` says.
#[must_use]
pub fn look_at(settings: &Settings, clock: &Arc<dyn Clock>) -> Vec<OpenError> {
    let mut wrong = Vec::new();
    wrong.extend(try_upstream(settings, clock.now()).err());
    wrong.extend(open_clusters(settings, clock).err());
    wrong.extend(federation::look_at(&settings.federation, clock));
    wrong.extend(
        settings
            .possession
            .iter()
            .filter_map(|ca| open_roots(ca).err()),
    );
    wrong.extend(open_entry_files(settings).err());
    let is_there = settings.sealing_key.try_exists().unwrap_or(true);
    if is_there && let Err(cause) = SealingKey::load(&settings.sealing_key) {
        wrong.push(OpenError::SealingKey { cause });
    }
    wrong
}

/// Whether the upstream CA would sign for us, tried out.
pub(super) fn try_upstream(settings: &Settings, now: SystemTime) -> Result<(), OpenError> {
    let Some(upstream) = &settings.upstream else {
        return Ok(());
    };
    upstream
        .make(&settings.trust_domain, settings.root_ttl, now)
        .map(drop)
        .map_err(|cause| OpenError::Upstream { cause })
}

pub(super) fn open_clusters(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Cluster>, OpenError> {
    let open = |cluster: &ClusterSettings| {
        Cluster::open(cluster, clock).map_err(|cause| OpenError::Cluster {
            name: cluster.name.clone(),
            cause,
        })
    };
    settings.clusters.iter().map(open).collect()
}

pub(super) fn open_roots(settings: &PossessionSettings) -> Result<PossessionRoots, OpenError> {
    let name = || settings.name.clone();
    let text = store::read(&settings.roots).map_err(|cause| OpenError::RootsUnreadable {
        name: name(),
        cause,
    })?;
    let roots =
        certificates_from_pem(&text, &settings.roots.to_string_lossy()).map_err(|cause| {
            OpenError::RootsNotPem {
                name: name(),
                cause,
            }
        })?;
    PossessionRoots::new(name(), &roots).map_err(|cause| OpenError::Possession {
        name: name(),
        cause,
    })
}

pub(super) fn open_entry_files(settings: &Settings) -> Result<Option<EntryFiles>, OpenError> {
    let Some(folder) = &settings.entries else {
        return Ok(None);
    };
    let seen = Fingerprint::take([folder]);
    let read = read_entries(folder, &settings.trust_domain)
        .map_err(|mistakes| OpenError::Entries { mistakes })?;
    Ok(Some(EntryFiles {
        folder: folder.clone(),
        looked: seen.clone(),
        read: read.into_iter().map(Arc::new).collect(),
        seen,
    }))
}

pub(super) async fn name_ourselves(
    settings: &Settings,
    keyring: &Arc<Keyring>,
    clock: &Arc<dyn Clock>,
    metrics: identity::Metrics,
) -> Result<Renewal, OpenError> {
    let id =
        Settings::own_id(&settings.trust_domain).ok_or_else(|| OpenError::TrustDomainTooLong {
            trust_domain: settings.trust_domain.clone(),
        })?;
    let own = OwnName::new(
        Arc::clone(keyring),
        id,
        settings.svid_ttl,
        Arc::clone(clock),
    );
    Renewal::start(Box::new(own), Arc::clone(clock), metrics)
        .await
        .map_err(|cause| OpenError::OwnName { cause })
}

pub(super) fn reception(settings: &Settings, live: Arc<Live>, clock: Arc<dyn Clock>) -> Reception {
    Reception::new(
        live,
        clock,
        tls::Settings::default(),
        HandshakeSlots::new(HandshakeSlots::DEFAULT),
        settings.renewal_grace,
    )
}

/// For whoever asks for our bundle.
pub(super) fn open_reception(
    settings: &EndpointSettings,
    live: Arc<Live>,
) -> Result<OpenReception, OpenError> {
    let shows = match &settings.profile {
        EndpointProfile::Spiffe => Shows::Svid(live),
        EndpointProfile::Web { certificate, key } => Shows::Files {
            certificate: certificate.clone(),
            key: key.clone(),
        },
    };
    OpenReception::new(shows, tls::Settings::default())
        .map_err(|cause| OpenError::BundleEndpoint { cause })
}

pub(super) fn listen(address: SocketAddr) -> Result<(SocketAddr, Listener), OpenError> {
    let refused = |cause| OpenError::Bind {
        cause: BindError { address, cause },
    };
    let mut bound = net::bind(address, 1).map_err(|cause| OpenError::Bind { cause })?;
    let bound = bound
        .pop()
        .ok_or_else(|| refused(std::io::ErrorKind::AddrNotAvailable.into()))?;
    let address = bound.address();
    Ok((address, Listener::new(bound).map_err(refused)?))
}

/// Listens for operators at `path`.
pub(super) fn listen_at(path: &Path) -> Result<(UnixListener, UnixPlace), OpenError> {
    let socket = UnixSocket::bind(path, SOCKET_MODE);
    let socket = socket.map_err(|cause| OpenError::Socket { cause })?;
    let listener = UnixListener::from_std(socket.listener).map_err(|cause| OpenError::Socket {
        cause: UnixBindError::System {
            path: path.to_owned(),
            cause,
        },
    })?;
    Ok((listener, socket.place))
}

/// For the authority's own user, and nobody else.
const SOCKET_MODE: u32 = 0o600;
