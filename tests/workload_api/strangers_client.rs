//! The Rust SPIFFE library.

use std::time::Duration;

use futures_util::StreamExt as _;
use portreeve::x509::certificates_from_pem;
use spiffe::WorkloadApiClient;
use tokio::time::timeout;

use crate::sidecar::Sidecar;

#[tokio::test]
async fn it_gets_the_sidecars_identity_and_the_next_one() {
    let sidecar = Sidecar::start(4).await;
    let client = client(&sidecar).await;
    let context = client.fetch_x509_context().await.unwrap();
    let svid = context.default_svid().unwrap();
    assert_eq!(svid.spiffe_id().to_string(), "spiffe://example.org/web");
    let bundle = context.bundle_set().get(svid.spiffe_id().trust_domain());
    let bundle = bundle.unwrap();
    let root = std::fs::read(sidecar.folder().join("ca/bundle.pem")).unwrap();
    let root = certificates_from_pem(&root, "bundle.pem").unwrap();
    assert_eq!(bundle.authorities()[0].as_bytes(), &root[0][..]);

    let mut contexts = client.stream_x509_contexts().await.unwrap();
    let mut serials = Vec::new();
    for _change in 0..2 {
        let next = timeout(PATIENCE, contexts.next()).await.unwrap();
        let context = next.unwrap().unwrap();
        let leaf = context.default_svid().unwrap().leaf().as_bytes().to_vec();
        assert!(!serials.contains(&leaf), "the same identity came twice");
        serials.push(leaf);
    }
    let socket = sidecar.socket();
    let last = async {
        loop {
            match timeout(PATIENCE, contexts.next()).await.unwrap() {
                Some(Ok(_renewed)) => {}
                last => break last,
            }
        }
    };
    let (_folder, last) = tokio::join!(sidecar.stop(), last);
    let error = last.unwrap().unwrap_err().to_string();
    assert!(error.contains("stopping"), "{error}");
    assert!(!socket.exists());
}

#[tokio::test]
async fn the_bundles_alone_can_be_had_too() {
    let sidecar = Sidecar::start(3600).await;
    let bundles = client(&sidecar).await.fetch_x509_bundles().await.unwrap();
    assert_eq!(bundles.len(), 1);
    sidecar.stop().await;
}

async fn client(sidecar: &Sidecar) -> WorkloadApiClient {
    let endpoint = format!("unix://{}", sidecar.socket().display());
    WorkloadApiClient::connect_to(endpoint).await.unwrap()
}

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
