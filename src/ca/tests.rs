//! The authority against its promises.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;

use rcgen::CertificateParams;
use rcgen::KeyUsagePurpose;
use rcgen::SanType;

use super::*;
use crate::x509::ChainError;
use crate::x509::CsrError;
use crate::x509::Leaf;
use crate::x509::Limits;
use crate::x509::make_request;
use crate::x509::verify;
use rcgen::KeyPair;
use std::time::SystemTime;

#[derive(Debug)]
struct Calendar(Mutex<SystemTime>);

impl Calendar {
    fn new() -> Arc<Self> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        Arc::new(Self(Mutex::new(now)))
    }

    fn pass(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }
}

impl Clock for Calendar {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }
}

fn open(directory: &Path, calendar: &Arc<Calendar>) -> Result<Authority, OpenError> {
    let clock: Arc<Calendar> = Arc::clone(calendar);
    Authority::open(directory, web().trust_domain().clone(), clock)
}

fn web() -> SpiffeId {
    "spiffe://prod.example/web".parse().unwrap()
}

fn request() -> CertificateSigningRequestDer<'static> {
    make_request(&KeyPair::generate().unwrap()).unwrap()
}

fn authority_key(directory: &Path) -> KeyPair {
    let text = fs::read_to_string(directory.join("authority.pem")).unwrap();
    let (_, key) = text.split_once("-----END CERTIFICATE-----").unwrap();
    KeyPair::from_pem(key).unwrap()
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn issues_what_peers_believe() {
    let dir = tempfile::tempdir().unwrap();
    let calendar = Calendar::new();
    let authority = open(dir.path(), &calendar).unwrap();
    let one = authority.issue(&request(), &web(), HOUR).unwrap();
    let leaf = verify(
        &one,
        &authority.bundles(),
        calendar.now(),
        &Limits::default(),
    )
    .unwrap();
    assert_eq!(leaf.id(), &web());
    assert_eq!(
        leaf.not_before(),
        calendar.now() - crate::ca::signer::BACK_DATING
    );
    assert_eq!(leaf.not_after(), calendar.now() + HOUR);
    assert_eq!(leaf.serial().len(), 32, "16 bytes");

    let request = request();
    let serials = [0; 2].map(|_| {
        let chain = authority.issue(&request, &web(), HOUR).unwrap();
        Leaf::parse(&chain[0]).unwrap().serial().to_owned()
    });
    assert_ne!(serials[0], serials[1], "the same key got the same serial");
}

#[test]
fn a_request_decides_nothing_but_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let authority = open(dir.path(), &Calendar::new()).unwrap();
    let mut greedy = CertificateParams::default();
    greedy.subject_alt_names = vec![
        SanType::URI("spiffe://prod.example/admin".try_into().unwrap()),
        SanType::DnsName("admin.prod.example".try_into().unwrap()),
    ];
    greedy.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    greedy.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let greedy = greedy
        .serialize_request(&KeyPair::generate().unwrap())
        .unwrap();
    let chain = authority.issue(greedy.der(), &web(), HOUR).unwrap();
    assert_eq!(Leaf::parse(&chain[0]).unwrap().id(), &web());
    let text = String::from_utf8_lossy(&chain[0]);
    assert!(!text.contains("admin"), "a requested name was copied");
}

#[test]
fn refuses_names_and_requests_that_are_not_its_to_sign() {
    let dir = tempfile::tempdir().unwrap();
    let authority = open(dir.path(), &Calendar::new()).unwrap();
    let other: SpiffeId = "spiffe://evil.example/web".parse().unwrap();
    assert_eq!(
        authority.issue(&request(), &other, HOUR),
        Err(IssueError::OtherTrustDomain {
            id: other,
            trust_domain: "prod.example".parse().unwrap()
        })
    );
    assert_eq!(
        authority.issue(&b"nonsense"[..].into(), &web(), HOUR),
        Err(IssueError::BadRequest {
            cause: CsrError::Malformed
        })
    );
    let itself: SpiffeId = "spiffe://prod.example".parse().unwrap();
    assert!(matches!(
        authority.issue(&request(), &itself, HOUR),
        Err(IssueError::NotBelieved {
            cause: ChainError::BadLeaf { .. },
            ..
        })
    ));
    let own_key = make_request(&authority_key(dir.path())).unwrap();
    assert_eq!(
        authority.issue(&own_key, &web(), HOUR),
        Err(IssueError::NotBelieved {
            id: web(),
            cause: ChainError::KeyOfAuthority
        })
    );
}

#[test]
fn nothing_outlives_the_root() {
    let dir = tempfile::tempdir().unwrap();
    let calendar = Calendar::new();
    let authority = open(dir.path(), &calendar).unwrap();
    calendar.pass(Authority::ROOT_LIFETIME - Duration::from_secs(60));
    let chain = authority.issue(&request(), &web(), HOUR).unwrap();
    let leaf = Leaf::parse(&chain[0]).unwrap();
    assert_eq!(leaf.not_after(), authority.signer.says().not_after());

    calendar.pass(HOUR);
    assert_eq!(
        authority.issue(&request(), &web(), HOUR),
        Err(IssueError::SignerNotInForce)
    );
    assert!(matches!(
        open(dir.path(), &calendar),
        Err(OpenError::BadState {
            cause: StateError::NotInForce { .. }
        })
    ));
}

#[test]
fn opens_again_what_it_made_and_guards_it() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("ca");
    let calendar = Calendar::new();
    let first = open(&state, &calendar).unwrap();
    let again = open(&state, &calendar).unwrap();
    assert_eq!(first.root(), again.root());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    assert_eq!(mode(&state.join("authority.pem")), 0o600);

    fs::set_permissions(
        state.join("authority.pem"),
        fs::Permissions::from_mode(0o640),
    )
    .unwrap();
    assert!(matches!(
        open(&state, &calendar),
        Err(OpenError::BadState {
            cause: StateError::TooOpen { mode: 0o640, .. }
        })
    ));
}

#[test]
fn of_many_that_start_at_once_all_have_one_root() {
    let dir = tempfile::tempdir().unwrap();
    let calendar = Calendar::new();
    let roots: Vec<_> = std::thread::scope(|scope| {
        let opened: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| open(dir.path(), &calendar).unwrap().root().clone()))
            .collect();
        opened.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(roots.iter().all(|root| *root == roots[0]));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "left over");
}

#[test]
fn refuses_state_that_is_corrupt_or_not_its_own() {
    let calendar = Calendar::new();
    let broken = |change: &dyn Fn(&Path, &str) -> String| {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path(), &calendar).unwrap();
        let path = dir.path().join("authority.pem");
        let text = fs::read_to_string(&path).unwrap();
        let changed = change(dir.path(), &text);
        fs::write(&path, &changed).unwrap();
        let Err(OpenError::BadState { cause }) = open(dir.path(), &calendar) else {
            panic!("it opened");
        };
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            changed,
            "state that was there was replaced"
        );
        cause
    };
    assert!(matches!(
        broken(&|_, _| String::new()),
        StateError::NotPem { .. }
    ));
    assert!(matches!(
        broken(&|_, text| text.split_at(text.len() / 2).0.to_owned()),
        StateError::NotPem { .. }
    ));
    assert!(matches!(
        broken(&|_, text| {
            let (root, _) = text.split_at(text.find("-----BEGIN PRIVATE").unwrap());
            root.to_owned() + &KeyPair::generate().unwrap().serialize_pem()
        }),
        StateError::OtherKey { .. }
    ));
    assert!(matches!(
        broken(&|_, text| {
            let (_, key) = text.split_at(text.find("-----BEGIN PRIVATE").unwrap());
            let own = KeyPair::generate().unwrap();
            let leaf = CertificateParams::default().self_signed(&own).unwrap();
            leaf.pem() + key
        }),
        StateError::BadRoot { .. }
    ));

    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), &calendar).unwrap();
    let clock: Arc<Calendar> = Arc::clone(&calendar);
    let other = Authority::open(dir.path(), "other.example".parse().unwrap(), clock);
    assert!(matches!(
        other,
        Err(OpenError::BadState {
            cause: StateError::OtherTrustDomain { .. }
        })
    ));
}

#[test]
fn the_key_does_not_show() {
    let dir = tempfile::tempdir().unwrap();
    let authority = open(dir.path(), &Calendar::new()).unwrap();
    assert!(format!("{authority:?}").len() < 120);
}
