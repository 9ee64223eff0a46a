//! Tokens of an authority, as they are minted and told to the Rust SPIFFE library.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::future::ready;
use futures_util::stream;
use portreeve::drain;
use portreeve::id::SpiffeId;
use portreeve::jwt::Claims;
use portreeve::jwt::JwtBundles;
use portreeve::jwt::JwtKey;
use portreeve::jwt::JwtKeys;
use portreeve::jwt::SigningKey;
use portreeve::time::Clock as _;
use portreeve::time::SystemClock;
use portreeve::workload_api::Caller;
use portreeve::workload_api::Refusal;
use portreeve::workload_api::Registrar;
use portreeve::workload_api::Server;
use portreeve::workload_api::Settings;
use portreeve::workload_api::Token;
use portreeve::workload_api::TokenRequest;
use portreeve::workload_api::Updates;
use portreeve::workload_api::X509Context;
use spiffe::WorkloadApiClient;

#[tokio::test]
async fn a_token_of_ours_is_read_by_another_and_believed_by_ourselves() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("api.sock");
    let settings = Settings::new(socket.clone(), "0600".parse().unwrap());
    let registrar = Arc::new(Tokens(SigningKey::generate().unwrap()));
    let counts = portreeve::workload_api::Metrics::register(&prometheus::Registry::new()).unwrap();
    let server = Server::bind(settings, registrar, Arc::new(SystemClock), counts).unwrap();
    let (trigger, watch) = drain::channel();
    let test = async {
        let endpoint = format!("unix://{}", socket.display());
        let client = WorkloadApiClient::connect_to(endpoint).await.unwrap();
        let svid = client.fetch_jwt_svid(["orders"], None).await.unwrap();
        assert_eq!(svid.spiffe_id().to_string(), WEB);

        assert_eq!(svid.audience(), ["orders"]);
        let bundles = client.fetch_jwt_bundles().await.unwrap();
        let keys = bundles.get(svid.spiffe_id().trust_domain()).unwrap();
        assert!(keys.find_jwt_authority(svid.key_id()).is_some());

        let ours = client.validate_jwt_token("orders", svid.token()).await;
        assert_eq!(ours.unwrap().spiffe_id().to_string(), WEB);
        let refused = client.validate_jwt_token("billing", svid.token()).await;
        assert!(refused.unwrap_err().is_invalid_argument());
        trigger.drain();
    };
    let (served, ()) = tokio::join!(server.serve(watch), test);
    served.unwrap();
}

/// Knows one workload, and signs for it.
#[derive(Debug)]
struct Tokens(SigningKey);

impl Registrar for Tokens {
    fn x509_contexts<'a>(
        &'a self,
        _caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Updates<X509Context>, Refusal>> {
        ready(Err(Refusal::NoIdentity)).boxed()
    }

    fn jwt_bundles<'a>(
        &'a self,
        _caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Updates<JwtBundles>, Refusal>> {
        let named = (
            self.0.kid().to_owned(),
            JwtKey::new(self.0.public_key(), None),
        );
        let keys = JwtKeys::new([named]).unwrap();
        let bundles = JwtBundles::from_iter([("example.org".parse().unwrap(), keys)]);
        let told = stream::once(ready(Ok(Arc::new(bundles))));
        ready(Ok(told.chain(stream::pending()).boxed())).boxed()
    }

    fn mint<'a>(
        &'a self,
        _caller: &'a Caller,
        request: &'a TokenRequest,
    ) -> BoxFuture<'a, Result<Vec<Token>, Refusal>> {
        let id: SpiffeId = WEB.parse().unwrap();
        let claims = Claims {
            id: &id,
            audience: request.audience.names(),
            issued_at: SystemClock.now(),
            lifetime: Duration::from_secs(300),
        };
        let text = self.0.sign(&claims).unwrap();
        let hint = None;
        ready(Ok(vec![Token { id, hint, text }])).boxed()
    }
}

const WEB: &str = "spiffe://example.org/web";
