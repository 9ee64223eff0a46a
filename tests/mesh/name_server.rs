//! A name server that says what it is told to, whatever it is asked for.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;

use crate::stage::Sidecar;
use crate::stage::Stage;

/// What it says.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// These, for so many seconds. Of IPv6 it knows nothing.
    At(u32, Vec<Ipv4Addr>),
    /// SERVFAIL.
    Failure,
    /// NXDOMAIN.
    NoSuchName,
    Nothing,
}

pub(crate) struct NameServer {
    address: SocketAddr,
    says: Arc<Mutex<Says>>,
}

impl NameServer {
    pub(crate) fn start(says: Says) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let says = Arc::new(Mutex::new(says));
        let shared = Arc::clone(&says);
        thread::spawn(move || {
            let mut question = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut question) {
                let says = shared.lock().unwrap().clone();
                if let Some(answer) = answer(&question[..length], &says) {
                    socket.send_to(&answer, from).unwrap();
                }
            }
        });
        Self { address, says }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on.
    pub(crate) fn says(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }
}

impl Stage {
    /// The sidecar beside `web`, which finds `orders` at `port` by its name, with `door` added to the door's settings.
    pub(crate) fn web_by_name(&self, names: &NameServer, port: u16, door: &str) -> Sidecar {
        let names = format!("names: {{ servers: [\"{}\"] }}", names.address());
        self.web_with(&format!("orders.test.:{port}"), [door, &names])
    }
}

/// RFC 1035 4.1.
fn answer(question: &[u8], says: &Says) -> Option<Vec<u8>> {
    let name = question[12..].iter().position(|byte| *byte == 0)?;
    let end = 12 + name + 5;
    let is_ipv4 = question[end - 4..end - 2] == [0, 1];
    let (code, time_to_live, addresses) = match says {
        Says::At(time_to_live, addresses) if is_ipv4 => (0, *time_to_live, addresses.as_slice()),
        Says::At(..) => (0, 0, [].as_slice()),
        Says::Failure => (2, 0, [].as_slice()),
        Says::NoSuchName => (3, 0, [].as_slice()),
        Says::Nothing => return None,
    };
    let count = u8::try_from(addresses.len()).ok()?;
    let mut answer = question[..2].to_vec();
    // A response, recursion desired and available.
    answer.extend([0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0]);
    answer.extend(&question[12..end]);
    for address in addresses {
        // The question's name, A, IN.
        answer.extend([0xc0, 12, 0, 1, 0, 1]);
        answer.extend(time_to_live.to_be_bytes());
        answer.extend([0, 4]);
        answer.extend(address.octets());
    }
    Some(answer)
}
