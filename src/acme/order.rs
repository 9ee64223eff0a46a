//! One certificate, from the order to the chain.
//!
//! order → the answer to the challenge, where all sidecars find it → the CA looks
//! at our door → a request with a new key → the chain.

use std::pin::pin;
use std::time::Duration;

use instant_acme::AuthorizationStatus;
use instant_acme::CertificateIdentifier;
use instant_acme::ChallengeType;
use instant_acme::Identifier;
use instant_acme::NewOrder;
use instant_acme::Order;
use instant_acme::OrderStatus;
use rcgen::CertificateParams;
use rcgen::DistinguishedName;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivatePkcs8KeyDer;
use tokio::time::sleep;

use crate::acme::account::Desk;
use crate::acme::answer::Answer;
use crate::acme::certificate::Issued;
use crate::acme::error::OrderError;

impl Desk {
    /// A certificate for `host`, in the place of the one that it `replaces`, if the
    /// CA wants to know. An answer to a challenge is handed to `publish` before the
    /// CA is told to look.
    ///
    /// # Errors
    ///
    /// [`OrderError`].
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves an order that nobody takes up, which the CA
    /// forgets by itself.
    pub(super) async fn order(
        &self,
        host: &str,
        replaces: Option<&CertificateDer<'_>>,
        publish: impl AsyncFnOnce(Answer) -> Result<(), OrderError>,
    ) -> Result<Issued, OrderError> {
        let mut order = self.begin(host, replaces).await?;
        if order.state().status == OrderStatus::Pending {
            self.prove(&mut order, host, publish).await?;
        }
        let no_request = |cause| OrderError::NoRequest { cause };
        let key = KeyPair::generate().map_err(no_request)?;
        let mut params = CertificateParams::new([host.to_owned()]).map_err(no_request)?;
        params.distinguished_name = DistinguishedName::new();
        let request = params.serialize_request(&key).map_err(no_request)?;
        order.finalize_csr(request.der()).await?;
        let done = [OrderStatus::Valid, OrderStatus::Invalid];
        self.settled(&mut order, &done).await?;
        let chain = order.certificate().await?;
        let chain = chain.unwrap_or_default();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        Issued::given(&chain, &key, host).map_err(|cause| OrderError::BadCertificate { cause })
    }

    /// When the CA wants the certificate `leaf` to be renewed, in seconds since 1970,
    /// and for how long that stands. Nothing if it has no such wishes.
    ///
    /// # Errors
    ///
    /// [`OrderError`].
    pub(super) async fn wishes(
        &self,
        leaf: &CertificateDer<'_>,
    ) -> Result<Option<((u64, u64), Duration)>, OrderError> {
        let Ok(name) = CertificateIdentifier::try_from(leaf) else {
            return Ok(None);
        };
        match self.account.renewal_info(&name).await {
            Ok((wishes, stands)) => {
                let window = wishes.suggested_window;
                let [from, to] = [window.start, window.end]
                    .map(|at| u64::try_from(at.unix_timestamp()).unwrap_or_default());
                Ok(Some(((from, to), stands)))
            }
            Err(instant_acme::Error::Unsupported(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn begin(
        &self,
        host: &str,
        replaces: Option<&CertificateDer<'_>>,
    ) -> Result<Order, OrderError> {
        let identifiers = [Identifier::Dns(host.to_owned())];
        let wanted = NewOrder::new(&identifiers);
        let replaced = replaces.and_then(|leaf| CertificateIdentifier::try_from(leaf).ok());
        if let Some(replaced) = replaced {
            let wanted = NewOrder::new(&identifiers).replaces(replaced);
            match self.account.new_order(&wanted).await {
                Ok(order) => return Ok(order),
                // It has no such wishes.
                Err(instant_acme::Error::Unsupported(_)) => {}
                Err(error) => {
                    let error = OrderError::from(error);
                    if !error.is_of_replacing() {
                        return Err(error);
                    }
                }
            }
        }
        Ok(self.account.new_order(&wanted).await?)
    }

    /// Answers the challenge, and waits until the CA has looked.
    async fn prove(
        &self,
        order: &mut Order,
        host: &str,
        publish: impl AsyncFnOnce(Answer) -> Result<(), OrderError>,
    ) -> Result<(), OrderError> {
        let mut authorizations = order.authorizations();
        let next = pin!(authorizations.next()).await;
        let mut authorization = next.ok_or(OrderError::NoChallenge)??;
        if authorization.status == AuthorizationStatus::Pending {
            let challenge = authorization.challenge(ChallengeType::TlsAlpn01);
            let mut challenge = challenge.ok_or(OrderError::NoChallenge)?;
            let digest = challenge.key_authorization().digest();
            let digest = digest.as_ref().try_into();
            let digest = digest.map_err(|_length| OrderError::NoChallenge)?;
            let answer = Answer::make(host, digest);
            let answer = answer.map_err(|cause| OrderError::NoAnswer { cause })?;
            publish(answer).await?;
            challenge.set_ready().await?;
        }
        let looked = [OrderStatus::Ready, OrderStatus::Valid, OrderStatus::Invalid];
        let settled = self.settled(order, &looked).await;
        if order.state().status != OrderStatus::Invalid {
            return settled.map(drop);
        }
        // The order only says that it failed; what was found is with the challenge.
        Err(fault(order).await?)
    }

    /// Waits until the order is one of `wanted`, or has failed.
    async fn settled(
        &self,
        order: &mut Order,
        wanted: &[OrderStatus],
    ) -> Result<OrderStatus, OrderError> {
        let mut pause = FIRST_PAUSE;
        let mut lost = 0;
        loop {
            match order.refresh().await {
                Ok(state) => {
                    if let Some(problem) = &state.error {
                        return Err(instant_acme::Error::Api(problem.clone()).into());
                    }
                    if wanted.contains(&state.status) {
                        return Ok(state.status);
                    }
                }
                // One answer that is lost does not spoil an order.
                Err(error) => {
                    let error = OrderError::from(error);
                    lost += 1;
                    if lost > MOST_LOST || error.kind().is_some() {
                        return Err(error);
                    }
                }
            }
            let said = self.patience.said().unwrap_or_default();
            sleep(pause.max(said.min(MOST_PAUSE))).await;
            pause = (pause * 3 / 2).min(MOST_PAUSE);
        }
    }
}

/// What the CA found wrong when it looked.
async fn fault(order: &mut Order) -> Result<OrderError, OrderError> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = pin!(authorizations.next()).await {
        let authorization = authorization?;
        let mut problems = authorization.challenges.iter();
        if let Some(problem) = problems.find_map(|challenge| challenge.error.as_ref()) {
            return Ok(OrderError::not_validated(problem));
        }
    }
    Ok(OrderError::NotValidated {
        kind: "about:blank".to_owned(),
        detail: "it does not say why".to_owned(),
    })
}

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const MOST_PAUSE: Duration = Duration::from_secs(15);
const MOST_LOST: u32 = 3;
