//! One request at an inbound door, and all that becomes of it.

use std::net::Ipv4Addr;

use rustls::ClientConfig;

use portreeve::ca::Authority;

use crate::application::Application;
use crate::application::Call;
use crate::caller::Caller;
use crate::stage::Sidecar;
use crate::stage::Stage;
use crate::strangers;

/// The sidecar beside `orders`, and `web`, who calls it.
pub(crate) struct Trial {
    pub(crate) application: Application,
    pub(crate) orders: Sidecar,
    pub(crate) stage: Stage,
    web: ClientConfig,
}

/// What must not be forwarded, with the status and the reason that it is
/// refused for. Status 0 stands for a connection that is closed in silence.
pub(crate) struct Refused<'a>(pub(crate) &'a [u8], pub(crate) u16, pub(crate) &'static str);

/// What must be forwarded, and how it arrives: without the fields that say who
/// calls, and with the others in alphabetical order.
pub(crate) struct Passed<'a>(pub(crate) &'a [u8], pub(crate) &'a str);

impl Trial {
    pub(crate) fn new(more: &str) -> Self {
        Self::with("", more)
    }

    /// With `audit` added to the log's settings.
    pub(crate) fn with_log(audit: &str, more: &str) -> Self {
        Self::with_both(["", audit], more)
    }

    /// With `inbound` added to the door's settings, and `more` to all.
    pub(crate) fn with(inbound: &str, more: &str) -> Self {
        Self::with_both([inbound, ""], more)
    }

    fn with_both(inbound_audit: [&str; 2], more: &str) -> Self {
        let stage = Stage::new();
        let application = Application::start();
        let orders = stage.orders_with(application.address(), inbound_audit, more);
        let shown = stage.svid("web", Authority::SVID_LIFETIME);
        let web = strangers::client(Some(shown), &[b"http/1.1"]);
        Self {
            application,
            orders,
            stage,
            web,
        }
    }

    /// `web` at the door, about to speak HTTP/2.
    pub(crate) fn call_http2(&self) -> Caller {
        let mut web = self.web.clone();
        web.alpn_protocols = vec![b"h2".to_vec()];
        Caller::secure(self.orders.inbound(), web)
    }

    /// `web` at the door, about to speak HTTP/1.
    pub(crate) fn call(&self) -> Caller {
        Caller::secure(self.orders.inbound(), self.web.clone())
    }

    /// The same from an address of its own.
    pub(crate) fn call_from(&self, source: Ipv4Addr) -> Caller {
        Caller::secure_from(source, self.orders.inbound(), self.web.clone())
    }

    /// A request for `/a` that the application has, and nothing came back of.
    pub(crate) fn begin(&self) -> (Caller, Call) {
        begin(self.call(), &self.application)
    }

    /// Each of `refused` is refused and recorded, and the next that reaches
    /// the application is `twin`.
    pub(crate) fn refuse_all(&self, twin: &Passed<'_>, refused: &[Refused<'_>]) {
        self.pass(twin);
        for case in refused {
            self.refuse(case);
            self.pass(twin);
        }
        self.application.was_not_called();
        self.orders.records.are_all_read();
    }

    pub(crate) fn pass_all(&self, passed: &[Passed<'_>]) {
        for case in passed {
            self.pass(case);
        }
        self.application.was_not_called();
        self.orders.records.are_all_read();
    }

    fn refuse(&self, &Refused(sent, status, reason): &Refused<'_>) {
        let named = show(sent);
        // Shown if the test fails, also where it waits in vain.
        println!("{named}");
        let mut caller = self.call();
        caller.send(sent);
        if status == 0 {
            assert_eq!(caller.rest(), "", "an answer to {named}");
            let record = self.orders.records.next();
            assert_eq!(
                record.says(["decision", "reason"]),
                format!("refused {reason}")
            );
            return;
        }
        let answer = caller.answer();
        assert_eq!(answer.status(), status, "{named}: {}", answer.reason());
        if answer.field("connection") == Some("close") {
            assert_eq!(caller.rest(), "", "a second answer to {named}");
        }
        let record = self.orders.records.next();
        assert_eq!(record.text("reason"), reason, "{named}");
        if answer.body.is_empty() {
            // What cannot even be read is answered in few words.
            assert_eq!(record.says(["decision", "status"]), "refused ", "{named}");
        } else {
            assert_eq!(answer.reason(), reason, "{named}");
            let is_denied =
                status == 403 || reason == "ambiguous_header" || reason == "ambiguous_query";
            let decision = if is_denied { "deny" } else { "refused" };
            let expected = format!("{decision} {status}");
            assert_eq!(record.says(["decision", "status"]), expected, "{named}");
            let id = format!("urn:portreeve:request:{}", record.text("id"));
            assert!(answer.text().contains(&id), "{named}: {}", answer.text());
        }
    }

    fn pass(&self, &Passed(sent, arrives): &Passed<'_>) {
        let named = show(sent);
        // Shown if the test fails, also where it waits in vain.
        println!("{named}");
        let mut caller = self.call();
        caller.send(sent);
        let mut call = self.application.call();
        let (_, body) = arrives.split_once("\r\n\r\n").unwrap();
        let mut arrived = call.head();
        arrived.push_str(&call.at_least(body.len()));
        call.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
        arrived.push_str(&call.rest());
        assert_eq!(anonymous(&arrived), arrives, "{named}");
        let answer = caller.answer();
        assert_eq!(answer.status(), 200, "{named}");
        assert_eq!(answer.text(), "ok", "{named}");
        let record = self.orders.records.next();
        assert_eq!(record.says(["decision", "status"]), "permit 200", "{named}");
        assert_eq!(record.text("caller"), "spiffe://mesh.example/web");
    }
}

/// Makes sure that `arrived` says who calls, once and in our words only, and
/// returns the rest of it with its fields in alphabetical order.
pub(crate) fn anonymous(arrived: &str) -> String {
    let (head, body) = arrived.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head.split("\r\n").collect();
    let first = lines.remove(0);
    let (ours, mut fields): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| {
        let name = line.to_ascii_lowercase().replace(['_', '.'], "-");
        name.starts_with("x-portreeve")
            || name.starts_with("x-forwarded-client-cert:")
            || name.starts_with("x-forwarded-proto:")
    });
    let [caller, certificate, proto] = ours[..] else {
        panic!("it does not say who calls: {arrived}");
    };
    assert_eq!(caller, "x-portreeve-caller: spiffe://mesh.example/web");
    assert_eq!(proto, "x-forwarded-proto: https");
    let hash = certificate
        .strip_prefix("x-forwarded-client-cert: By=spiffe://mesh.example/orders;Hash=")
        .and_then(|rest| rest.strip_suffix(";URI=spiffe://mesh.example/web"))
        .unwrap_or_else(|| panic!("it is not in Envoy's form: {certificate}"));
    assert_eq!(hash.len(), 64, "{hash}");
    fields.sort_unstable();
    let mut lines = vec![first];
    lines.extend(fields);
    format!("{}\r\n\r\n{body}", lines.join("\r\n"))
}

/// `caller` asks for `/a`, and `application` has the request.
pub(crate) fn begin(mut caller: Caller, application: &Application) -> (Caller, Call) {
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    let mut call = application.call();
    call.head();
    (caller, call)
}

/// Answers the next request at the application with `ok`, and returns its head.
pub(crate) fn served(call: &mut Call) -> String {
    let head = call.head();
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    head
}

fn show(sent: &[u8]) -> String {
    let shown: String = sent.iter().take(300).copied().map(char::from).collect();
    format!("{shown:?}")
}
