//! Requests from `web` to `orders`, one after the other, while something else happens.

use std::io::Read as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;

use crate::authority::town::Town;
use crate::authority::town::until;
use crate::caller::Answer;
use crate::caller::Caller;
use crate::stage::Sidecar;
use crate::stage::window;

/// Both sidecars, with an application that answers by itself.
pub(crate) struct Two {
    pub(crate) orders: Sidecar,
    pub(crate) web: Sidecar,
}

/// A load under way.
pub(crate) struct Load {
    inbound: SocketAddr,
    over: Arc<AtomicBool>,
    served: Arc<AtomicU32>,
    thread: JoinHandle<Two>,
    windows: [SocketAddr; 2],
}

impl Two {
    /// Both join with tokens.
    pub(crate) fn join(town: &Town) -> Self {
        Self::with(town, ["orders", "web"].map(|name| town.by_token(name)))
    }

    /// Both prove themselves as `proofs` say.
    pub(crate) fn with(town: &Town, [orders, web]: [String; 2]) -> Self {
        let orders = town.orders(willing(), &orders);
        let web = town.web(orders.inbound(), &web);
        Self { orders, web }
    }

    /// A request, which is recorded at `web`.
    pub(crate) fn request(&self) -> (Answer, String) {
        let mut caller = Caller::plain(self.web.outbound());
        let trace = format!("{:032x}", TRACES.fetch_add(1, Ordering::Relaxed));
        caller.send(format!(
            "GET /a HTTP/1.1\r\nhost: orders\r\nconnection: close\r\n\
             traceparent: 00-{trace}-0000000000000001-01\r\n\r\n"
        ));
        // It may be cut, if the policy changes meanwhile.
        let answer = caller.last_answer();
        let record = self.web.records.next();
        let record = record.says(["decision", "status", "reason"]);
        // What `orders` has answered is recorded there, too.
        if record.ends_with(" permit_withdrawn") {
            return (answer, record);
        }
        if record.starts_with("permit 200") {
            let said = self.record_of_orders(&trace);
            assert!(said.starts_with("permit 200 "), "{said}");
        } else if record.starts_with("permit 403") {
            let said = self.record_of_orders(&trace);
            let is_cut = said == "permit 403 permit_withdrawn";
            assert!(is_cut || said.starts_with("deny 403 "), "{said}");
        }
        (answer, record)
    }

    /// The record of a request at `orders`, where there may be some that nobody asked for.
    fn record_of_orders(&self, trace: &str) -> String {
        loop {
            let record = self.orders.records.next();
            let said = record.says(["decision", "status", "reason"]);
            // `web` may have given one up, of which it knows no answer.
            if record.text("trace_id") == trace && !said.ends_with(" caller_gone") {
                return said;
            }
        }
    }

    /// A request that is served.
    pub(crate) fn pass(&self) {
        let (answer, record) = self.request();
        assert_eq!(
            (answer.status(), record.as_str()),
            (200, "permit 200 "),
            "{}",
            answer.reason()
        );
    }

    /// Waits until both sidecars' metrics have `line`.
    pub(crate) fn show(&self, line: &str) {
        for sidecar in [&self.orders, &self.web] {
            sidecar.shows(line);
        }
    }

    /// Goes on until [`Load::end`]; each request must be served.
    pub(crate) fn load(self) -> Load {
        let over = Arc::new(AtomicBool::new(false));
        let windows =
            [&self.orders, &self.web].map(|sidecar| sidecar.running.addresses().admin.unwrap());
        let served = Arc::default();
        let (is_over, count) = (Arc::clone(&over), Arc::<AtomicU32>::clone(&served));
        Load {
            inbound: self.orders.inbound(),
            over,
            served,
            thread: thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    self.pass();
                    count.fetch_add(1, Ordering::Relaxed);
                }
                self
            }),
            windows,
        }
    }
}

impl Load {
    /// The door of `orders`.
    pub(crate) const fn inbound(&self) -> SocketAddr {
        self.inbound
    }

    /// Waits until both sidecars' metrics have `line`.
    pub(crate) fn show(&self, line: &str) {
        for admin in self.windows {
            until(|| window(admin, "/metrics").lines().any(|found| found == line));
        }
    }

    /// Waits until the metrics of `orders` have `line`.
    pub(crate) fn show_at_orders(&self, line: &str) {
        let [orders, _] = self.windows;
        until(|| {
            window(orders, "/metrics")
                .lines()
                .any(|found| found == line)
        });
    }

    /// Waits until the metrics of `web` have `line`.
    pub(crate) fn show_at_web(&self, line: &str) {
        let [_, web] = self.windows;
        until(|| window(web, "/metrics").lines().any(|found| found == line));
    }

    /// Waits until `web` has swapped identities so often, or made its connections
    /// anew, and reaches `orders` through a tunnel that was not there before.
    pub(crate) fn reaches_anew(&self, swaps: u64) {
        let [_, web] = self.windows;
        until(|| {
            let metrics = window(web, "/metrics");
            let seen = metrics.lines().find_map(|line| line.strip_prefix(SWAPS));
            seen.unwrap().trim().parse::<u64>().unwrap() >= swaps
        });
        // A request that begins now finds no tunnel from before.
        self.goes_on();
    }

    /// Waits for whatever was under way, and one request more.
    fn goes_on(&self) {
        let before = self.served.load(Ordering::Relaxed);
        until(|| self.served.load(Ordering::Relaxed) > before + 1);
    }

    /// Ends it. Every request was served, or it panics.
    pub(crate) fn end(self) -> Two {
        self.goes_on();
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// An application that answers every request with `ok`.
pub(crate) fn willing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            thread::spawn(move || answer_all(stream));
        }
    });
    address
}

fn answer_all(mut stream: TcpStream) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        head.extend_from_slice(&buffer[..read]);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        head.clear();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        if stream.write_all(answer).is_err() {
            return;
        }
    }
}

const SWAPS: &str = "portreeve_identity_generation ";

/// Each request has a trace of its own.
static TRACES: AtomicU64 = AtomicU64::new(1);
