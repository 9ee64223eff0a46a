//! An identity from an authority on the network.

use std::path::Path;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::PrivatePkcs8KeyDer;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::enrol::Bulletin;
use crate::enrol::EnrolError;
use crate::enrol::Settings;
use crate::enrol::answer::State;
use crate::enrol::channel;
use crate::enrol::keepsake;
use crate::enrol::keepsake::Keepsake;
use crate::enrol::keepsake::Roots;
use crate::enrol::news::News;
use crate::identity::Identity;
use crate::identity::Renews;
use crate::identity::Source;
use crate::identity::SourceError;
use crate::identity::Svid;
use crate::rpc::authority as rpc;
use crate::time::Clock;
use crate::x509::Bundles;
use crate::x509::Limits;
use crate::x509::make_request;

/// A [`Source`] that asks an authority over the network.
#[derive(Debug)]
pub struct Enrolled {
    bulletin: Arc<Bulletin>,
    clock: Arc<dyn Clock>,
    /// What we were last given.
    given: Option<Keepsake>,
    /// Whether the folder was looked at.
    has_recalled: bool,
    news: Arc<News>,
    /// The key of a first request of which no answer came: a join token that
    /// was spent for it is good for it again, and for no other.
    pending: Option<Arc<Zeroizing<KeyPair>>>,
    settings: Arc<Settings>,
}

impl Enrolled {
    pub(super) const fn new(
        settings: Arc<Settings>,
        news: Arc<News>,
        bulletin: Arc<Bulletin>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            bulletin,
            clock,
            given: None,
            has_recalled: false,
            news,
            pending: None,
            settings,
        }
    }

    async fn next(&mut self) -> Result<Identity, EnrolError> {
        if !self.has_recalled {
            self.recall()?;
            self.has_recalled = true;
            if let Some(identity) = self.still_good() {
                return Ok(identity);
            }
            return self.begin().await;
        } else if let Some(identity) = self.only_roots_changed() {
            return Ok(identity);
        }
        self.renew().await
    }

    /// The first identity of this process: a new one, or while nobody answers
    /// the one that was kept, to its end.
    async fn begin(&mut self) -> Result<Identity, EnrolError> {
        let outcome = self.renew().await;
        if !outcome.as_ref().is_err_and(EnrolError::may_pass) {
            return outcome;
        }
        self.kept().map_or(outcome, Ok)
    }

    fn recall(&mut self) -> Result<(), EnrolError> {
        let Some(folder) = &self.settings.state else {
            return Ok(());
        };
        self.news.recall()?;
        self.bulletin.recall()?;
        self.given = keepsake::recall(folder, &self.settings.trust_domain)?;
        Ok(())
    }

    /// What was kept from before, if it is in the first half of its life.
    fn still_good(&self) -> Option<Identity> {
        let given = self.given.as_ref()?;
        let left = given
            .svid
            .not_after()
            .duration_since(self.clock.now())
            .ok()?;
        if left < given.svid.leaf().lifetime() / 2 {
            return None;
        }
        self.kept()
    }

    /// What we were last given, if it is still believed.
    fn kept(&self) -> Option<Identity> {
        let given = self.given.as_ref()?;
        self.identity(Svid::clone(&given.svid), Arc::clone(&given.bundles))
            .ok()
    }

    /// Our SVID with the roots that we have just heard of, if that is all that
    /// has changed: then it need not be another.
    fn only_roots_changed(&mut self) -> Option<Identity> {
        let (given, heard) = (self.given.as_ref()?, self.news.latest()?);
        let is_tainted = heard.taints(given.svid.leaf());
        let is_news = !heard.bundles.are(&given.bundles);
        if is_tainted || !is_news {
            return None;
        }
        let svid = Arc::clone(&given.svid);
        let identity = self.identity(Svid::clone(&svid), Arc::clone(&heard.bundles));
        let identity = identity.ok()?;
        self.keep(keepsake::keep_roots, &heard.bundles);
        // News but once: at the next call it is the certificate's age that counts.
        self.given = Some(Keepsake {
            svid,
            bundles: heard.bundles,
        });
        Some(identity)
    }

    /// Keeps something for the next start, if there is a folder for it.
    fn keep(
        &self,
        write: impl FnOnce(&Path, Roots<'_>) -> Result<(), EnrolError>,
        bundles: &Bundles,
    ) {
        let own = bundles.get(&self.settings.trust_domain);
        if let (Some(folder), Some(own)) = (&self.settings.state, own)
            && let Err(error) = write(folder, Roots { own, all: bundles })
        {
            // We are somebody all the same; it is the next start that will need a proof.
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "the new SVID is not kept for the next start");
        }
    }

    fn identity(&self, svid: Svid, bundles: Arc<Bundles>) -> Result<Identity, EnrolError> {
        Identity::new(svid, bundles, self.clock.now(), &Limits::default())
            .map_err(|cause| EnrolError::BadAnswer { cause })
    }

    async fn renew(&mut self) -> Result<Identity, EnrolError> {
        let bundles = self.believed()?;
        let shown = self.given.as_ref().map(|given| Arc::clone(&given.svid));
        let by_svid = shown.is_some() && !self.settings.credential.is_lasting();
        if by_svid {
            match self.ask(Arc::clone(&bundles), shown, Shows::Svid).await {
                // The authority does not renew it any more: begin again.
                Err(error) if error.is_unknown_svid() => {
                    let first = self.ask(bundles, None, Shows::Credential).await;
                    return first.map_err(|_used_before| error);
                }
                outcome => return outcome,
            }
        }
        self.ask(bundles, None, Shows::Credential).await
    }

    /// By which roots the authority is believed.
    fn believed(&self) -> Result<Arc<Bundles>, EnrolError> {
        if let Some(heard) = self.news.latest() {
            return Ok(heard.bundles);
        }
        if let Some(given) = &self.given {
            return Ok(Arc::clone(&given.bundles));
        }
        keepsake::read_bundle(&self.settings.bundle, &self.settings.trust_domain).map(Arc::new)
    }

    async fn ask(
        &mut self,
        bundles: Arc<Bundles>,
        svid: Option<Arc<Svid>>,
        shows: Shows,
    ) -> Result<Identity, EnrolError> {
        let pair = match self.pending.take() {
            Some(pair) => pair,
            None => Arc::new(Zeroizing::new(
                KeyPair::generate().map_err(|cause| EnrolError::NoKey { cause })?,
            )),
        };
        self.pending = Some(Arc::clone(&pair));
        let csr = make_request(&pair).map_err(|cause| EnrolError::NoRequest { cause })?;
        let settings = Arc::clone(&self.settings);
        let revoked = self.news.revoked();
        let mut open = channel::open(&settings, bundles, revoked, svid, &self.clock).await?;
        let request = rpc::IssueRequest {
            csr: csr.to_vec(),
            spiffe_id: settings
                .wish
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            proof: match shows {
                Shows::Credential => Some(settings.credential.show(&open.exporter, &csr)?),
                Shows::Svid => None,
            },
            policy: self.bulletin.wish(),
        };
        let answer = timeout(settings.patience, open.client.issue(request))
            .await
            .map_err(|_elapsed| EnrolError::Patience {
                authority: settings.authorities.join(", "),
            })??
            .into_inner();
        let identity = self.take(answer, &pair)?;
        self.pending = None;
        Ok(identity)
    }

    fn take(&mut self, answer: rpc::IssueResponse, pair: &KeyPair) -> Result<Identity, EnrolError> {
        let mut state = State::read(answer.state.unwrap_or_default())?;
        let bundles = Arc::clone(&state.bundles);
        let (policy, groups) = (state.policy.take(), std::mem::take(&mut state.groups));
        if self.news.answered(state) {
            self.bulletin.hear_groups(groups);
            // One that is older than ours is left to the follower.
            drop(self.bulletin.hear(policy, &bundles));
        }
        let chain: Vec<_> = answer.chain.into_iter().map(CertificateDer::from).collect();
        let secret = PrivatePkcs8KeyDer::from(pair.serialize_der());
        let key = PrivateKeyDer::Pkcs8(secret.clone_key());
        let svid = Svid::new(chain.clone(), key).map_err(|cause| EnrolError::BadSvid { cause })?;
        let identity = self.identity(svid.clone(), Arc::clone(&bundles))?;
        self.keep(
            |folder, roots| keepsake::keep(folder, &chain, &secret, roots),
            &bundles,
        );
        self.given = Some(Keepsake {
            svid: Arc::new(svid),
            bundles,
        });
        Ok(identity)
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shows {
    Credential,
    Svid,
}

impl Source for Enrolled {
    fn name(&self) -> &'static str {
        "authority"
    }

    fn fetch(&mut self) -> BoxFuture<'_, Result<Identity, SourceError>> {
        async {
            let identity = self.next().await;
            identity.map_err(|cause| SourceError::Brought {
                source_name: "authority",
                may_pass: cause.may_pass(),
                cause: Box::new(cause),
            })
        }
        .boxed()
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        self.news.called().boxed()
    }

    fn renews(&self) -> Renews {
        Renews::AtHalfLife
    }
}
