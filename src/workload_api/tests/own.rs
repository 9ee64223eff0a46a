//! Our own identity for programs of our own user.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixListener;
use tokio::net::UnixStream;
use tonic::Code;
use tonic::Request;

use super::Domain;
use super::Noon;
use super::client;
use super::code;
use super::meant;
use super::next;
use super::serving;
use super::serving_with;
use crate::identity::Live;
use crate::rpc::workload::JwtBundlesRequest;
use crate::rpc::workload::JwtsvidRequest;
use crate::rpc::workload::ValidateJwtsvidRequest;
use crate::rpc::workload::X509BundlesRequest;
use crate::rpc::workload::X509svidRequest;
use crate::workload_api::Caller;
use crate::workload_api::Digests;
use crate::workload_api::OwnIdentity;
use crate::workload_api::Settings;

const WEB: &str = "spiffe://example.org/web";

#[tokio::test]
async fn an_identity_comes_whole_and_again_when_it_changes() {
    let domain = Domain::new("example.org");
    let live = Arc::new(Live::new(domain.identity(WEB)));
    let own = Arc::new(own(&live));
    serving(&domain.socket(), own, async {
        let mut client = client(&domain.socket()).await;
        let svids = client.fetch_x509svid(meant(X509svidRequest {})).await;
        let mut svids = svids.unwrap().into_inner();
        let bundles = client
            .fetch_x509_bundles(meant(X509BundlesRequest {}))
            .await;
        let mut bundles = bundles.unwrap().into_inner();

        let first = next(&mut svids).await.unwrap();
        assert_eq!(first.svids.len(), 1);
        let current = live.current();
        let root = current.bundles().iter().next().unwrap();
        let root = root.certificates().next().unwrap().to_vec();
        assert_eq!(first.svids[0].spiffe_id, WEB);
        assert_eq!(first.svids[0].x509_svid, current.svid().chain()[0].to_vec());
        assert_eq!(first.svids[0].bundle, root);
        assert_eq!(first.svids[0].hint, "");
        assert!(first.federated_bundles.is_empty());
        let key = rcgen::KeyPair::try_from(first.svids[0].x509_svid_key.as_slice()).unwrap();
        let leaf = &first.svids[0].x509_svid;
        let point = key.public_key_raw();
        assert!(leaf.windows(point.len()).any(|window| window == point));
        let told = next(&mut bundles).await.unwrap();
        assert_eq!(told.bundles["spiffe://example.org"], root);

        live.replace(domain.identity(WEB));
        let second = next(&mut svids).await.unwrap();
        assert_ne!(second.svids[0].x509_svid, first.svids[0].x509_svid);
        assert_ne!(second.svids[0].x509_svid_key, first.svids[0].x509_svid_key);
        assert_eq!(next(&mut bundles).await.unwrap(), told);
    })
    .await;
    assert!(!domain.socket().exists());
}

#[tokio::test]
async fn a_call_that_does_not_say_that_it_is_meant_is_refused() {
    let domain = Domain::new("example.org");
    let live = Arc::new(Live::new(domain.identity(WEB)));
    serving(&domain.socket(), Arc::new(own(&live)), async {
        let mut client = client(&domain.socket()).await;
        for values in [&[][..], &["True"], &["true", "true"], &[""]] {
            let mut request = Request::new(X509svidRequest {});
            for value in values {
                let value = value.parse().unwrap();
                request.metadata_mut().append("workload.spiffe.io", value);
            }
            let outcome = client.fetch_x509svid(request).await;
            assert_eq!(code(outcome), Code::InvalidArgument, "{values:?}");
        }
        let outcome = client.fetch_jwt_bundles(JwtBundlesRequest {}).await;
        assert_eq!(code(outcome), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn a_user_who_is_not_named_is_nobody() {
    let domain = Domain::new("example.org");
    let live = Arc::new(Live::new(domain.identity(WEB)));
    let others = BTreeSet::from([our_uid() + 1]);
    let registrar = Arc::new(OwnIdentity::new(Arc::clone(&live), others, None));
    serving(&domain.socket(), registrar, async {
        let mut client = client(&domain.socket()).await;
        let outcome = client.fetch_x509svid(meant(X509svidRequest {})).await;
        let status = outcome.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied);
        assert_eq!(status.message(), "no identity issued");
        let outcome = client
            .fetch_x509_bundles(meant(X509BundlesRequest {}))
            .await;
        assert_eq!(code(outcome), Code::PermissionDenied);
        let outcome = client.fetch_jwt_bundles(meant(JwtBundlesRequest {})).await;
        assert_eq!(code(outcome), Code::PermissionDenied);
    })
    .await;
}

#[tokio::test]
async fn of_tokens_nothing_can_be_told_without_an_authority() {
    let domain = Domain::new("example.org");
    let live = Arc::new(Live::new(domain.identity(WEB)));
    serving(&domain.socket(), Arc::new(own(&live)), async {
        let mut client = client(&domain.socket()).await;
        let outcome = client.fetch_jwt_bundles(meant(JwtBundlesRequest {})).await;
        assert_eq!(code(outcome), Code::Unavailable);
        let mut request = JwtsvidRequest::default();
        let outcome = client.fetch_jwtsvid(meant(request.clone())).await;
        assert_eq!(code(outcome), Code::InvalidArgument);
        request.audience.push("orders".to_owned());
        let outcome = client.fetch_jwtsvid(meant(request.clone())).await;
        assert_eq!(code(outcome), Code::Unavailable);
        request.spiffe_id = "https://example.org".to_owned();
        let outcome = client.fetch_jwtsvid(meant(request)).await;
        assert_eq!(code(outcome), Code::InvalidArgument);
        let request = ValidateJwtsvidRequest {
            audience: "orders".to_owned(),
            svid: "a.b.c".to_owned(),
        };
        let outcome = client.validate_jwtsvid(meant(request)).await;
        assert_eq!(code(outcome), Code::Unavailable);
    })
    .await;
}

#[tokio::test]
async fn a_message_too_large_and_a_user_with_too_many_connections_are_refused() {
    let domain = Domain::new("example.org");
    let live = Arc::new(Live::new(domain.identity(WEB)));
    let settings = Settings {
        connections_per_user: NonZeroUsize::MIN,
        ..Settings::new(domain.socket(), "0600".parse().unwrap())
    };
    serving_with(settings, Arc::new(own(&live)), async {
        let mut client = client(&domain.socket()).await;
        let request = ValidateJwtsvidRequest {
            audience: "orders".to_owned(),
            svid: "a".repeat(100_000),
        };
        let outcome = client.validate_jwtsvid(meant(request)).await;
        assert_eq!(code(outcome), Code::OutOfRange);
        let mut second = UnixStream::connect(domain.socket()).await.unwrap();
        let mut answer = Vec::new();
        second.read_to_end(&mut answer).await.unwrap();
        assert!(answer.is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_kernel_says_who_calls_and_what_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let (called, accepted) = tokio::join!(UnixStream::connect(&path), listener.accept());
    let (_called, (stream, _)) = (called.unwrap(), accepted.unwrap());

    let caller = Caller::of(&stream).unwrap();
    assert_eq!(caller.uid(), our_uid());
    let pid = caller.process().unwrap().pid();
    assert_eq!(pid.unsigned_abs(), std::process::id());
    let digests = Arc::new(Digests::new(Arc::new(Noon), 1 << 40));
    let program = caller.executable(Some(digests)).await.unwrap();
    let ours = std::env::current_exe().unwrap();
    assert_eq!(program.path(), Some(&ours));
    let expected = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &fs::read(&ours).unwrap());
    let expected: String = expected
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(program.sha256(), Some(expected.as_str()));
    let digests = Arc::new(Digests::new(Arc::new(Noon), 10));
    let program = caller.executable(Some(digests)).await.unwrap();
    assert_eq!((program.path(), program.sha256()), (Some(&ours), None));
    let program = caller.executable(None).await.unwrap();
    assert_eq!((program.path(), program.sha256()), (Some(&ours), None));
}

#[test]
fn whoever_calls_and_goes_away_has_its_turn_until_its_program_was_read() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (_stream, theirs) = UnixStream::pair().unwrap();
        let caller = Caller::of(&theirs).unwrap();
        let digests = Arc::new(Digests::new(Arc::new(Noon), 1 << 40));
        // Nothing can be read before we say so.
        let (go_on, waits) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || waits.recv());
        let asked = caller.executable(Some(Arc::clone(&digests)));
        assert!(asked.now_or_never().is_none());
        assert!(digests.turn(our_uid()).now_or_never().is_none());
        assert!(digests.turn(our_uid() + 1).now_or_never().is_some());
        drop(go_on);
        assert!(busy.await.unwrap().is_err());
        digests.turn(our_uid()).await;
    });
}

fn own(live: &Arc<Live>) -> OwnIdentity {
    OwnIdentity::new(Arc::clone(live), BTreeSet::from([our_uid()]), None)
}

fn our_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}
