//! More callers at once than the tunnels between two sidecars have streams.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::server::SendResponse;
use http::Request;
use http::Response;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::Barrier;
use tokio::sync::mpsc;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::application::Application;
use crate::stage::DEADLINE;
use crate::stage::Stage;
use crate::stage::window;

#[test]
fn thousands_of_streams_at_once_are_all_answered() {
    let stage = Stage::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let app = listener.local_addr().unwrap();
    let orders = stage.orders_with(app, [", app_protocol: http2", ""], "");
    let far = Application::start();
    let web = stage.web(far.address(), "limits: { handshake_timeout_ms: 60000 }");
    let (admin, inbound) = (web.running.addresses().admin.unwrap(), orders.inbound());
    thread::spawn(move || connect_when_all_wait(&far, admin, inbound));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let arrived = Arc::new(Mutex::new(Vec::new()));
    let answered = runtime.block_on(async {
        let mut application = JoinSet::new();
        let listener = TcpListener::from_std(listener).unwrap();
        application.spawn(serve(listener, Arc::clone(&arrived)));
        let asked = timeout(6 * DEADLINE, ask_all(web.outbound()));
        asked.await.expect("some are never answered")
    });
    drop(runtime);
    assert_eq!(answered, [(200, ALL)].into());
    let arrived = arrived.lock().unwrap().clone();
    let paths: BTreeSet<_> = arrived.iter().collect();
    assert_eq!((arrived.len(), paths.len()), (ALL, ALL), "it got others");
    for sidecar in [web, orders] {
        for _ in 0..ALL {
            let record = sidecar.records.next();
            assert_eq!(record.says(["decision", "status", "reason"]), "permit 200 ");
        }
    }
}

/// Whoever waits for the first connection knows nothing of the other side's limits.
fn connect_when_all_wait(far: &Application, admin: SocketAddr, inbound: SocketAddr) {
    let first = far.call();
    let all = format!("portreeve_streams{{door=\"outbound\"}} {ALL}");
    while !window(admin, "/metrics").lines().any(|line| line == all) {}
    first.forward(inbound);
    for _ in 1..TUNNELS {
        far.call().forward(inbound);
    }
}

/// How often each status came back.
async fn ask_all(door: SocketAddr) -> BTreeMap<u16, usize> {
    let together = Arc::new(Barrier::new(ALL));
    let mut calls = JoinSet::new();
    for caller in 0..CALLERS {
        let stream = TcpStream::connect(door).await.unwrap();
        let (sender, connection) = h2::client::Builder::new()
            .initial_max_send_streams(EACH)
            .handshake::<_, Bytes>(stream)
            .await
            .unwrap();
        calls.spawn(async move {
            connection.await.unwrap();
            None
        });
        for call in 0..EACH {
            let path = format!("http://orders/{caller}/{call}");
            let (sender, together) = (sender.clone(), Arc::clone(&together));
            calls.spawn(async move {
                together.wait().await;
                Some(ask(sender, &path).await)
            });
        }
    }
    let mut answered = BTreeMap::new();
    while let Some(call) = calls.join_next().await {
        if let Some(status) = call.unwrap() {
            *answered.entry(status).or_default() += 1;
        }
    }
    answered
}

async fn ask(sender: SendRequest<Bytes>, path: &str) -> u16 {
    let mut sender = sender.ready().await.unwrap();
    let request = Request::get(path).body(()).unwrap();
    let (response, _) = sender.send_request(request, true).unwrap();
    match response.await {
        Ok(answer) => answer.status().as_u16(),
        Err(_reset) => 0,
    }
}

/// Answers nobody before [`TOGETHER`] have asked, and notes their paths.
async fn serve(listener: TcpListener, arrived: Arc<Mutex<Vec<String>>>) {
    let (asked, mut calls) = mpsc::channel(ALL);
    let mut tasks = JoinSet::new();
    let mut waiting = Vec::new();
    loop {
        let (path, respond) = tokio::select! {
            call = calls.recv() => call.unwrap(),
            accepted = listener.accept() => {
                tasks.spawn(take(accepted.unwrap().0, asked.clone()));
                continue;
            }
        };
        waiting.push(respond);
        let mut arrived = arrived.lock().unwrap();
        arrived.push(path);
        if arrived.len() >= TOGETHER {
            waiting.drain(..).for_each(answer);
        }
    }
}

async fn take(stream: TcpStream, asked: Sender<(String, SendResponse<Bytes>)>) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, respond))) = connection.accept().await {
        let call = (request.uri().path().to_owned(), respond);
        asked.send(call).await.unwrap();
    }
}

fn answer(mut respond: SendResponse<Bytes>) {
    respond.send_response(Response::new(()), true).unwrap();
}

const CALLERS: usize = 16;
const EACH: usize = 250;
const ALL: usize = CALLERS * EACH;

/// Between two sidecars, of 256 streams each.
const TUNNELS: usize = 8;
/// Under way at one time.
const TOGETHER: usize = 2_000;
