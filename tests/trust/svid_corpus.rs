//! Every SVID of `certs/corpus`: judged alone, as a client's and as a server's.

use std::collections::BTreeSet;

use portreeve::id::SpiffeId;
use portreeve::time::Clock as _;
use portreeve::x509::CaCertificate;
use portreeve::x509::Leaf;
use portreeve::x509::Limits;
use portreeve::x509::read_request;
use portreeve::x509::verify;

use crate::corpus;
use crate::corpus::Calendar;
use crate::corpus::Case;
use crate::parties::acceptor;
use crate::parties::call_on;
use crate::parties::called_by;
use crate::parties::connector;
use crate::strangers;

#[test]
fn the_corpus_is_whole() {
    let cases = corpus::cases();
    let (good, bad): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.reason.is_none());
    assert!(bad.len() >= 60, "{} bad SVIDs", bad.len());
    for case in &bad {
        let twin = good.iter().find(|twin| twin.file == case.twin);
        assert!(twin.is_some(), "{} has no passing twin", case.file);
    }
    let files: BTreeSet<_> = cases.iter().map(|case| &case.file).collect();
    assert_eq!(files.len(), cases.len(), "a file is there twice");
}

#[test]
fn each_svid_is_judged_as_the_manifest_says() {
    let bundles = corpus::bundles();
    let now = Calendar::new().now();
    let mut wrong = Vec::new();
    for case in corpus::cases() {
        let found = verify(&case.chain(), &bundles, now, &Limits::default());
        let found = found.err().map(|error| error.reason().to_owned());
        if found != case.reason {
            wrong.push(format!("{}: {found:?}, not {:?}", case.file, case.reason));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn each_svid_is_judged_so_when_a_client_shows_it() {
    let acceptor = acceptor(&corpus::live(), &Calendar::new());
    let mut wrong = Vec::new();
    for case in corpus::cases() {
        let stranger = strangers::client(Some((case.chain(), corpus::key(&case.key))), &[b"h2"]);
        let (_, accepted) = called_by(stranger, &acceptor).await;
        let found = accepted.as_ref().err().map(|error| error.reason());
        if found.as_deref() != expected(&case).as_deref() {
            wrong.push(format!("{}: {accepted:?}", case.file));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn each_svid_is_judged_so_when_a_server_shows_it() {
    let connector = connector(&corpus::live(), &Calendar::new(), good_ids());
    let mut wrong = Vec::new();
    for case in corpus::cases() {
        let stranger = strangers::server((case.chain(), corpus::key(&case.key)), &[b"h2"]);
        let (_, connected) = call_on(stranger, &connector).await;
        let found = connected.as_ref().err().map(|error| error.reason());
        if found.as_deref() != expected(&case).as_deref() {
            wrong.push(format!("{}: {connected:?}", case.file));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_changed_bit_is_believed() {
    let bundles = corpus::bundles();
    let now = Calendar::new().now();
    for file in ["good/plain.pem", "good/through-an-intermediate.pem"] {
        let chain = corpus::chain(file);
        for (position, certificate) in chain.iter().enumerate() {
            for bit in 0..certificate.len() * 8 {
                let mut changed = certificate.to_vec();
                changed[bit / 8] ^= 1 << (bit % 8);
                let mut forged = chain.clone();
                forged[position] = changed.into();
                let verdict = verify(&forged, &bundles, now, &Limits::default());
                assert!(
                    verdict.is_err(),
                    "{file} {position}: bit {bit} does not matter"
                );
            }
        }
    }
}

proptest::proptest! {
    /// Cut, changed and spliced: there is always an answer, and it is no.
    #[test]
    fn damaged_bytes_get_an_answer(
        which in proptest::sample::select(corpus::cases()),
        changes in proptest::collection::vec((proptest::num::usize::ANY, proptest::num::u8::ANY), 0..6),
        cut in proptest::option::of(proptest::num::usize::ANY),
        splice in proptest::option::of((proptest::num::usize::ANY, proptest::num::usize::ANY)),
    ) {
        let intact = which.chain().swap_remove(0).to_vec();
        let mut bytes = intact.clone();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if let Some((from, to)) = splice {
            let (from, to) = (from % bytes.len(), to % bytes.len());
            let piece = bytes[from..].to_vec();
            bytes.splice(to.., piece);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut % (bytes.len() + 1));
        }
        drop(CaCertificate::parse(&bytes));
        drop(read_request(&bytes));
        if let Ok(leaf) = Leaf::parse(&bytes) {
            assert!(!leaf.id().path().is_empty());
        }
        let chain = [bytes.clone().into()];
        let now = Calendar::new().now();
        let believed = verify(&chain, &corpus::bundles(), now, &Limits::default()).is_ok();
        assert!(!believed || bytes == intact, "a forgery was believed");
    }
}

fn expected(case: &Case) -> Option<String> {
    let reason = case.reason.as_ref()?;
    Some(format!("bad_certificate:{reason}"))
}

fn good_ids() -> Vec<SpiffeId> {
    corpus::cases()
        .iter()
        .filter(|case| case.reason.is_none())
        .map(|case| Leaf::parse(&case.chain()[0]).unwrap().id().clone())
        .collect()
}
