//! A sidecar in this process, for benchmarks.

use std::path::Path;
use std::sync::Arc;

use portreeve::app::App;
use portreeve::app::Running;
use portreeve::config::Config;
use portreeve::time::SystemClock;

/// One worker with `doors`, a part of its configuration in YAML. Its policies are in `dir/policy`, and the CA that all share in `dir/ca`.
pub(crate) fn sidecar(dir: &Path, name: &str, doors: &str) -> Running {
    let text = format!(
        "trust_domain: bench.example
identity: {{ embedded: {{ dir: ca, id: \"spiffe://bench.example/{name}\" }} }}
workers: 1
{doors}
policy: {{ dir: policy }}
audit: {{ file: {name}.jsonl }}
"
    );
    let config = Config::parse(&text, dir).unwrap();
    App::build(config, Arc::new(SystemClock))
        .unwrap()
        .start()
        .unwrap()
}
