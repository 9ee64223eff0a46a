//! What an operator may see of handshakes.

use prometheus::IntCounterVec;
use prometheus::Opts;
use prometheus::Registry;

use crate::tls::acceptor::Accepted;
use crate::tls::connector::Connected;
use crate::tls::error::AcceptError;
use crate::tls::error::ConnectError;

/// Numbers about handshakes, shared by all workers.
///
/// The labels are bounded: a role, and `ok` or one of the fixed reasons that
/// errors have.
#[derive(Clone, Debug)]
pub struct Metrics {
    handshakes: IntCounterVec,
}

impl Metrics {
    /// Makes the numbers and enters them in `registry`.
    ///
    /// # Errors
    ///
    /// If one of the names is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let handshakes = IntCounterVec::new(
            Opts::new(
                "portreeve_tls_handshakes_total",
                "Handshakes by our role in them, and `ok` or the reason of the failure.",
            ),
            &["role", "result"],
        )?;
        registry.register(Box::new(handshakes.clone()))?;
        Ok(Self { handshakes })
    }

    /// Counts how a caller fared.
    pub fn count_accept(&self, outcome: &Result<Accepted, AcceptError>) {
        match outcome {
            Ok(_) => self.count("server", "ok"),
            Err(error) => self.count("server", &error.reason()),
        }
    }

    /// Counts how we fared with a far side.
    pub fn count_connect(&self, outcome: &Result<Connected, ConnectError>) {
        match outcome {
            Ok(_) => self.count("client", "ok"),
            Err(error) => self.count("client", &error.reason()),
        }
    }

    fn count(&self, role: &str, result: &str) {
        self.handshakes.with_label_values(&[role, result]).inc();
    }
}

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;

    use super::*;

    #[test]
    fn counts_by_role_and_reason() {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry).unwrap();
        metrics.count_accept(&Err(AcceptError::TooManyHandshakes));
        metrics.count_accept(&Err(AcceptError::TooManyHandshakes));
        let text = TextEncoder::new()
            .encode_to_string(&registry.gather())
            .unwrap();
        let line =
            "portreeve_tls_handshakes_total{result=\"too_many_handshakes\",role=\"server\"} 2";
        assert!(text.contains(line), "{text}");
        assert!(
            Metrics::register(&registry).is_err(),
            "a name was taken twice"
        );
    }
}
