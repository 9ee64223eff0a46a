//! A registrar that is told what to say, as an authority would be.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::future::ready;
use prost_types::value::Kind;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tonic::Code;

use super::Domain;
use super::Noon;
use super::client;
use super::code;
use super::meant;
use super::metrics;
use super::next;
use super::serving;
use crate::drain;
use crate::jwt::BundleDocument;
use crate::jwt::Claims;
use crate::jwt::JwtBundles;
use crate::jwt::JwtKey;
use crate::jwt::JwtKeys;
use crate::jwt::SigningKey;
use crate::rpc::workload::JwtBundlesRequest;
use crate::rpc::workload::JwtsvidRequest;
use crate::rpc::workload::ValidateJwtsvidRequest;
use crate::rpc::workload::X509BundlesRequest;
use crate::rpc::workload::X509svidRequest;
use crate::time::Clock as _;
use crate::workload_api::Caller;
use crate::workload_api::HintedSvid;
use crate::workload_api::Refusal;
use crate::workload_api::Registrar;
use crate::workload_api::Server;
use crate::workload_api::Settings;
use crate::workload_api::Token;
use crate::workload_api::TokenRequest;
use crate::workload_api::Updates;
use crate::workload_api::X509Context;
use crate::x509::Bundles;

#[tokio::test]
async fn several_identities_have_hints_and_foreign_bundles_stand_apart() {
    let told = Told::new();
    serving(
        &told.domain.socket(),
        Arc::new(told.clone_for_server()),
        async {
            let mut client = client(&told.domain.socket()).await;
            let stream = client.fetch_x509svid(meant(X509svidRequest {})).await;
            let message = next(&mut stream.unwrap().into_inner()).await.unwrap();
            let hints: Vec<&str> = message
                .svids
                .iter()
                .map(|svid| svid.hint.as_str())
                .collect();
            assert_eq!(hints, ["inside", "outside"]);
            let foreign: Vec<&String> = message.federated_bundles.keys().collect();
            assert_eq!(foreign, ["spiffe://other.example"]);
            let stream = client
                .fetch_x509_bundles(meant(X509BundlesRequest {}))
                .await;
            let message = next(&mut stream.unwrap().into_inner()).await.unwrap();
            assert_eq!(message.bundles.len(), 2);
        },
    )
    .await;
}

#[tokio::test]
async fn an_identity_that_is_taken_away_ends_the_streams() {
    let told = Told::new();
    serving(
        &told.domain.socket(),
        Arc::new(told.clone_for_server()),
        async {
            let mut client = client(&told.domain.socket()).await;
            let svids = client.fetch_x509svid(meant(X509svidRequest {})).await;
            let mut svids = svids.unwrap().into_inner();
            let bundles = client
                .fetch_x509_bundles(meant(X509BundlesRequest {}))
                .await;
            let mut bundles = bundles.unwrap().into_inner();
            next(&mut svids).await.unwrap();
            next(&mut bundles).await.unwrap();
            told.context.send(Err(Refusal::NoIdentity)).unwrap();
            assert_eq!(code(next(&mut svids).await), Code::PermissionDenied);
            assert_eq!(code(next(&mut bundles).await), Code::PermissionDenied);
            let nobody = X509Context {
                svids: Vec::new(),
                bundles: Arc::default(),
            };
            told.context.send(Ok(Arc::new(nobody))).unwrap();
            let stream = client.fetch_x509svid(meant(X509svidRequest {})).await;
            let outcome = next(&mut stream.unwrap().into_inner()).await;
            assert_eq!(code(outcome), Code::PermissionDenied);
        },
    )
    .await;
}

#[tokio::test]
async fn tokens_are_minted_shown_and_validated() {
    let told = Told::new();
    serving(
        &told.domain.socket(),
        Arc::new(told.clone_for_server()),
        async {
            let mut client = client(&told.domain.socket()).await;
            let request = JwtsvidRequest {
                audience: vec!["orders".to_owned()],
                spiffe_id: String::new(),
            };
            let minted = client
                .fetch_jwtsvid(meant(request))
                .await
                .unwrap()
                .into_inner();
            assert_eq!(minted.svids[0].spiffe_id, WEB);

            let stream = client.fetch_jwt_bundles(meant(JwtBundlesRequest {})).await;
            let message = next(&mut stream.unwrap().into_inner()).await.unwrap();
            let document = BundleDocument::parse(&message.bundles["spiffe://example.org"]).unwrap();
            assert_eq!(document.jwt_keys.iter().next().unwrap().0, told.key.kid());

            let validate = |audience: &str, svid: &str| {
                meant(ValidateJwtsvidRequest {
                    audience: audience.to_owned(),
                    svid: svid.to_owned(),
                })
            };
            let svid = &minted.svids[0].svid;
            let valid = client.validate_jwtsvid(validate("orders", svid)).await;
            let valid = valid.unwrap().into_inner();
            assert_eq!(valid.spiffe_id, WEB);
            let claims = valid.claims.unwrap().fields;
            assert_eq!(claims["sub"].kind, Some(Kind::StringValue(WEB.to_owned())));
            let outcome = client.validate_jwtsvid(validate("billing", svid)).await;
            assert_eq!(code(outcome), Code::InvalidArgument);
            let outcome = client.validate_jwtsvid(validate("", svid)).await;
            assert_eq!(code(outcome), Code::InvalidArgument);

            let request = JwtsvidRequest {
                audience: vec!["orders".to_owned()],
                spiffe_id: "spiffe://example.org/another".to_owned(),
            };
            let outcome = client.fetch_jwtsvid(meant(request)).await;
            assert_eq!(code(outcome), Code::PermissionDenied);
        },
    )
    .await;
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams_and_takes_its_socket_away() {
    let told = Told::new();
    let settings = Settings::new(told.domain.socket(), "0600".parse().unwrap());
    let registrar = Arc::new(told.clone_for_server());
    let server = Server::bind(settings, registrar, Arc::new(Noon), metrics()).unwrap();
    let (trigger, watch) = drain::channel();
    let serving = server.serve(watch);
    // An authority may want to run it on any of its threads.
    fn may_move<T: Send>(_: &T) {}
    may_move(&serving);
    let test = async {
        let mut client = client(&told.domain.socket()).await;
        let stream = client.fetch_x509svid(meant(X509svidRequest {})).await;
        let mut stream = stream.unwrap().into_inner();
        next(&mut stream).await.unwrap();
        trigger.drain();
        assert_eq!(code(next(&mut stream).await), Code::Unavailable);
    };
    let (served, ()) = tokio::join!(serving, test);
    served.unwrap();
    assert!(!told.domain.socket().exists());
}

type State<T> = Result<Arc<T>, Refusal>;

/// The test's end.
struct Told {
    domain: Domain,
    key: Arc<SigningKey>,
    context: watch::Sender<State<X509Context>>,
    keys: watch::Sender<State<JwtBundles>>,
}

impl Told {
    fn new() -> Self {
        let domain = Domain::new("example.org");
        let other = Domain::new("other.example");
        let inside = domain.identity(WEB);
        let outside = domain.identity("spiffe://example.org/web/public");
        let foreign = other.identity("spiffe://other.example/x");
        let all = [&inside, &foreign]
            .into_iter()
            .flat_map(|identity| identity.bundles().iter());
        let bundles = Bundles::new(all.cloned()).unwrap();
        let hinted = |identity: &crate::identity::Identity, hint: &str| HintedSvid {
            svid: Arc::clone(identity.svid()),
            hint: Some(hint.parse().unwrap()),
        };
        let context = X509Context {
            svids: vec![hinted(&inside, "inside"), hinted(&outside, "outside")],
            bundles: Arc::new(bundles),
        };
        let key = SigningKey::generate().unwrap();
        let named = (key.kid().to_owned(), JwtKey::new(key.public_key(), None));
        let keys = JwtKeys::new([named]).unwrap();
        let keys = JwtBundles::from_iter([("example.org".parse().unwrap(), keys)]);
        Self {
            domain,
            key: Arc::new(key),
            context: watch::Sender::new(Ok(Arc::new(context))),
            keys: watch::Sender::new(Ok(Arc::new(keys))),
        }
    }

    fn clone_for_server(&self) -> Registry {
        Registry {
            key: Arc::clone(&self.key),
            context: self.context.subscribe(),
            keys: self.keys.subscribe(),
        }
    }
}

/// The server's end.
#[derive(Debug)]
struct Registry {
    key: Arc<SigningKey>,
    context: watch::Receiver<State<X509Context>>,
    keys: watch::Receiver<State<JwtBundles>>,
}

impl Registrar for Registry {
    fn x509_contexts<'a>(
        &'a self,
        _caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Updates<X509Context>, Refusal>> {
        ready(Ok(WatchStream::new(self.context.clone()).boxed())).boxed()
    }

    fn jwt_bundles<'a>(
        &'a self,
        _caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Updates<JwtBundles>, Refusal>> {
        ready(Ok(WatchStream::new(self.keys.clone()).boxed())).boxed()
    }

    fn mint<'a>(
        &'a self,
        _caller: &'a Caller,
        request: &'a TokenRequest,
    ) -> BoxFuture<'a, Result<Vec<Token>, Refusal>> {
        let id: crate::id::SpiffeId = WEB.parse().unwrap();
        if request.id.as_ref().is_some_and(|wanted| *wanted != id) {
            return ready(Err(Refusal::NoIdentity)).boxed();
        }
        let claims = Claims {
            id: &id,
            audience: request.audience.names(),
            issued_at: Noon.now(),
            lifetime: Duration::from_secs(300),
        };
        let text = self.key.sign(&claims).unwrap();
        let token = Token {
            id,
            hint: None,
            text,
        };
        ready(Ok(vec![token])).boxed()
    }
}

const WEB: &str = "spiffe://example.org/web";
