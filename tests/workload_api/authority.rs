//! A whole authority, asked at its own socket by the Rust SPIFFE library.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use portreeve::app::AuthorityApp;
use portreeve::app::AuthorityRunning;
use portreeve::config::AuthorityConfig;
use portreeve::time::Clock;
use portreeve::time::SystemClock;
use spiffe::WorkloadApiClient;
use spiffe::WorkloadApiError;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

#[tokio::test]
async fn a_program_is_named_renewed_and_given_tokens_until_its_entry_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let uid = rustix::process::geteuid().as_raw();
    write_entries(folder.path(), &entry(uid));
    let running = start(folder.path()).await;
    let client = client(folder.path()).await;
    let mut contexts = client.stream_x509_contexts().await.unwrap();
    let mut serials = Vec::new();
    // It lives for four seconds, and is renewed halfway.
    while serials.len() < 3 {
        let context = timeout(PATIENCE, contexts.next()).await.unwrap();
        let context = context.unwrap().unwrap();
        let svid = context.default_svid().unwrap();
        assert_eq!(svid.spiffe_id().to_string(), WEB);
        serials.push(svid.leaf().as_bytes().to_vec());
    }
    serials.dedup();
    assert_eq!(serials.len(), 3);

    let token = client.fetch_jwt_svid(["orders"], None).await.unwrap();
    assert_eq!(token.spiffe_id().to_string(), WEB);
    let bundles = client.fetch_jwt_bundles().await.unwrap();
    let keys = bundles.get(token.spiffe_id().trust_domain()).unwrap();
    assert!(keys.find_jwt_authority(token.key_id()).is_some());
    let valid = client.validate_jwt_token("orders", token.token()).await;
    assert_eq!(valid.unwrap().spiffe_id().to_string(), WEB);
    let refused = client.validate_jwt_token("billing", token.token()).await;
    assert!(refused.unwrap_err().is_invalid_argument());

    write_entries(folder.path(), &entry(uid.wrapping_add(1)));
    let end = async {
        loop {
            match contexts.next().await {
                Some(Ok(_)) => {}
                end => return end,
            }
        }
    };
    let end = timeout(PATIENCE, end).await.unwrap();
    let end = end.unwrap().unwrap_err();
    assert!(matches!(end, WorkloadApiError::NoIdentityIssued), "{end}");
    let refused = client.fetch_jwt_svid(["orders"], None).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, WorkloadApiError::NoIdentityIssued),
        "{refused}"
    );
    spawn_blocking(|| running.stop()).await.unwrap().unwrap();
    assert!(!folder.path().join("api.sock").exists());
}

fn entry(uid: u32) -> String {
    format!("{{ name: web, selectors: [\"unix:uid:{uid}\"], spiffe_id: \"{WEB}\", svid_ttl_s: 4 }}")
}

/// Whole: under another name first.
fn write_entries(folder: &Path, entry: &str) {
    let entries = folder.join("entries");
    std::fs::create_dir_all(&entries).unwrap();
    std::fs::write(entries.join("new"), format!("entries: [{entry}]\n")).unwrap();
    std::fs::rename(entries.join("new"), entries.join("web.yaml")).unwrap();
}

async fn start(folder: &Path) -> AuthorityRunning {
    let text = r#"
trust_domain: example.org
listen: "127.0.0.1:0"
store: { sqlite: authority.db }
sealing_key_file: sealing.key
entries: entries
audit: { file: authority.jsonl }
workload_api: { socket: api.sock }
"#;
    let config = AuthorityConfig::parse(text, folder).unwrap();
    // It has a runtime of its own, which may not be made on one.
    let start = move || {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        AuthorityApp::build(config, &clock)
            .unwrap()
            .start()
            .unwrap()
    };
    spawn_blocking(start).await.unwrap()
}

async fn client(folder: &Path) -> WorkloadApiClient {
    let endpoint = format!("unix://{}", folder.join("api.sock").display());
    WorkloadApiClient::connect_to(endpoint).await.unwrap()
}

const WEB: &str = "spiffe://example.org/web";

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
