//! A server on the web, honest or not.

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::thread;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::IsCa;
use rcgen::KeyPair;
use rustls::ServerConfig;
use rustls::ServerConnection;
use rustls::StreamOwned;
use rustls::SupportedProtocolVersion;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::PrivateKeyDer;

use crate::stage::DEADLINE;
use crate::strangers::Shown;
use crate::strangers::show;

/// A server that says to everybody what it is told to say.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    heard: Receiver<Heard>,
    part: Arc<Mutex<Part>>,
}

/// What was asked.
pub(crate) struct Heard {
    pub(crate) body: String,
    pub(crate) head: String,
}

/// What it plays.
struct Part {
    config: Arc<ServerConfig>,
    says: Says,
}

/// What is answered.
#[derive(Clone)]
pub(crate) enum Says {
    /// This body, without an end.
    Endless(&'static str),
    /// These bytes.
    Raw(String),
    /// Nothing.
    Silence,
}

impl Site {
    /// One that shows this chain, and says nothing yet.
    pub(crate) fn start(shown: Shown) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let part = Arc::new(Mutex::new(Part {
            config: config(shown, &[&rustls::version::TLS13]),
            says: Says::Silence,
        }));
        let (tell, heard) = mpsc::sync_channel(1 << 10);
        let played = Arc::clone(&part);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let part = played.lock().unwrap();
                let (config, says) = (Arc::clone(&part.config), part.says.clone());
                drop(part);
                let tell = tell.clone();
                thread::spawn(move || serve(stream, config, &says, &tell));
            }
        });
        Self {
            address,
            heard,
            part,
        }
    }

    /// From now on it shows another chain.
    pub(crate) fn shows(&self, shown: Shown) {
        self.part.lock().unwrap().config = config(shown, &[&rustls::version::TLS13]);
    }

    /// From now on it speaks TLS 1.2 only.
    pub(crate) fn is_old(&self, shown: Shown) {
        self.part.lock().unwrap().config = config(shown, &[&rustls::version::TLS12]);
    }

    /// From now on it answers so.
    pub(crate) fn says(&self, says: Says) {
        self.part.lock().unwrap().says = says;
    }

    /// From now on it answers with `status` and this JSON.
    pub(crate) fn answers(&self, status: &str, json: &str) {
        let length = json.len();
        self.says(Says::Raw(format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}"
        )));
    }

    /// What was asked next.
    pub(crate) fn next(&self) -> Heard {
        self.heard.recv_timeout(DEADLINE).expect("nobody asks")
    }

    /// How much was asked since.
    pub(crate) fn count(&self) -> usize {
        self.heard.try_iter().count()
    }
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, says: &Says, tell: &SyncSender<Heard>) {
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let session = ServerConnection::new(config).unwrap();
    let mut stream = StreamOwned::new(session, stream);
    let Some(heard) = hear(&mut stream) else {
        return;
    };
    // The test may be over.
    let _either = tell.send(heard);
    let _either = match says {
        Says::Raw(bytes) => stream.write_all(bytes.as_bytes()),
        Says::Silence => stream.read(&mut [0]).map(drop),
        Says::Endless(body) => endless(&mut stream, body),
    };
    stream.conn.send_close_notify();
    let _either = stream.flush();
}

fn endless(stream: &mut impl Write, body: &str) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
    let chunk = body.repeat(4096);
    loop {
        write!(stream, "{:x}\r\n{chunk}\r\n", chunk.len())?;
    }
}

fn hear(stream: &mut impl Read) -> Option<Heard> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return Some(Heard {
                body: body.to_owned(),
                head: text.split_once("\r\n\r\n").unwrap().0.to_owned(),
            });
        }
    }
}

fn config(shown: Shown, versions: &[&'static SupportedProtocolVersion]) -> Arc<ServerConfig> {
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(show(shown)));
    Arc::new(config)
}

/// A CA that names servers.
pub(crate) struct WebCa(CertifiedIssuer<'static, KeyPair>);

impl WebCa {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn root(&self) -> String {
        self.0.pem()
    }

    /// The server on `host`.
    pub(crate) fn name(&self, host: &str) -> Shown {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([host.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        (vec![certificate.der().clone()], key)
    }
}
