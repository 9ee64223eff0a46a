//! An authority below a company's own CA.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use portreeve::identity::Revocations;
use portreeve::identity::Watchlist;
use portreeve::rpc::authority::rotate_request::Step;
use portreeve::x509::CaCertificate;
use portreeve::x509::certificates_to_pem;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::DnType;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use tempfile::TempDir;

use crate::authority::cluster::NOON;
use crate::authority::damage::failure;
use crate::authority::load::Two;
use crate::authority::renewal::cannot_call;
use crate::authority::rotation::is_served;
use crate::authority::rotation::outsider;
use crate::authority::steps::keys;
use crate::authority::steps::rotate;
use crate::authority::steps::states;
use crate::authority::town::Town;
use crate::authority::town::build;
use crate::authority::town::in_full;
use crate::authority::town::refused;
use crate::authority::town::until;
use crate::stage::Calendar;

#[test]
fn workloads_believe_the_companys_root_and_show_what_leads_to_it() {
    let (root, issuing) = firm(1);
    let town = Town::on(folder(&[&issuing, &root], issuing.key()), UPSTREAM);
    assert_eq!(
        fs::read_to_string(town.path("roots.pem")).unwrap(),
        pem(&[&root])
    );
    let (svid, (chain, _)) = outsider(&town);
    let [_leaf, ours, theirs] = chain.as_slice() else {
        panic!("{} certificates are shown", chain.len())
    };
    assert_eq!(theirs, issuing.der());
    assert_ne!(ours, root.der());
    assert_eq!(svid.id().as_str(), "spiffe://mesh.example/web");
    let two = Two::join(&town);
    two.pass();
}

#[test]
fn an_intermediate_that_is_revoked_is_believed_no_longer_though_its_root_stays() {
    let (root, issuing) = firm(1);
    let town = Town::on(folder(&[&issuing, &root], issuing.key()), UPSTREAM);
    let two = Two::join(&town);
    let (before, shown) = outsider(&town);
    let load = two.load();
    rotate(&town, Step::Prepare).unwrap();
    rotate(&town, Step::Activate).unwrap();
    let (after, shown_after) = outsider(&town);
    rotate(&town, Step::Taint).unwrap();
    load.show("portreeve_identity_renewals_total 1");
    load.reaches_anew(2);
    assert!(is_served(&load.inbound(), &shown), "tainted is not revoked");

    assert_eq!(states(&rotate(&town, Step::Revoke).unwrap()), "active");
    until(|| !is_served(&load.inbound(), &shown));
    assert!(is_served(&load.inbound(), &shown_after));
    let two = load.end();
    two.pass();
    assert!(
        cannot_call(&town, &before),
        "the old intermediate is believed"
    );
    assert_eq!(
        fs::read_to_string(town.path("roots.pem")).unwrap(),
        pem(&[&root])
    );
    assert!(!cannot_call(&town, &after));
}

/// Whoever has the key of an intermediate can name itself the authority.
#[test]
fn an_authority_below_an_intermediate_that_is_revoked_is_none() {
    let (root, issuing) = firm(1);
    let town = Town::on(folder(&[&issuing, &root], issuing.key()), UPSTREAM);
    let (_, (chain, _)) = outsider(&town);
    let ours = CaCertificate::parse(&chain[1]).unwrap();
    let approach = |serial: &str| {
        let mut revoked = Revocations::default();
        revoked.revoke_serial(serial.to_owned());
        let watchlist = Watchlist::default();
        watchlist.replace(revoked);
        town.heeding(watchlist).map(drop)
    };
    approach("4f0a").unwrap();
    let told = in_full(&approach(ours.serial()).unwrap_err());
    assert!(told.contains("is revoked"), "{told}");
}

#[test]
fn an_authority_of_its_own_is_put_below_a_company_without_a_failed_request() {
    let mut town = Town::new();
    let own = fs::read_to_string(town.path("roots.pem")).unwrap();
    let two = Two::join(&town);
    town.stop();
    let (root, issuing) = firm(1);
    write(&town.folder, &[&issuing, &root], issuing.key());
    town.settings = UPSTREAM.to_owned();
    town.start();
    let load = two.load();
    assert_eq!(
        states(&rotate(&town, Step::Prepare).unwrap()),
        "active prepared"
    );
    until(|| {
        let both = fs::read_to_string(town.path("roots.pem")).unwrap();
        both.contains(&own) && both.contains(&pem(&[&root]))
    });
    load.show("portreeve_identity_renewals_total 1");
    rotate(&town, Step::Activate).unwrap();
    rotate(&town, Step::Taint).unwrap();
    load.show("portreeve_identity_renewals_total 2");
    load.reaches_anew(3);
    rotate(&town, Step::Revoke).unwrap();
    load.show("portreeve_identity_renewals_total 3");
    load.end().pass();
    until(|| fs::read_to_string(town.path("roots.pem")).unwrap() == pem(&[&root]));
}

#[test]
fn what_would_name_nobody_is_refused_at_the_start_with_its_reason() {
    let (root, issuing) = firm(1);
    let (_, end) = firm(0);
    let other = KeyPair::generate().unwrap();
    let line = |above: &[&Ca], key: &KeyPair| start(&folder(above, key));
    let other = line(&[&issuing, &root], &other).unwrap_err();
    assert!(
        other.contains("is not that of the first certificate"),
        "{other}"
    );
    let unbelieved = line(&[&issuing, &end], issuing.key()).unwrap_err();
    assert!(unbelieved.contains("would not be believed"), "{unbelieved}");
    // It may sign leaves only.
    let (last_root, last) = firm(0);
    let unbelieved = line(&[&last, &last_root], last.key()).unwrap_err();
    assert!(unbelieved.contains("would not be believed"), "{unbelieved}");
    let four = line(&[&issuing, &root, &root, &root], issuing.key()).unwrap_err();
    assert!(four.contains("has 4 certificates, not 1 to 3"), "{four}");
    let ended = ca("Ended", 1, Some(&root), 1_893_455_999);
    let ended = line(&[&ended, &root], ended.key()).unwrap_err();
    assert!(ended.contains("certificate 0"), "{ended}");
    assert!(ended.contains("not in force"), "{ended}");
    let missing = start(&tempfile::tempdir().unwrap()).unwrap_err();
    assert!(missing.contains("company.pem"), "{missing}");
    line(&[&issuing, &root], issuing.key()).unwrap();
    // Anchored below the root, and at the root itself.
    line(&[&issuing], issuing.key()).unwrap();
    line(&[&root], root.key()).unwrap();
}

#[test]
fn a_line_that_somebody_has_changed_in_the_database_is_not_believed() {
    let (root, issuing) = firm(1);
    let mut town = Town::on(folder(&[&issuing, &root], issuing.key()), UPSTREAM);
    town.put_away();
    let (other, _) = firm(1);
    let replace = |old: &Ca, new: &Ca| {
        town.with_database(async |connection| {
            sqlx::query("UPDATE signing_key SET certificate = replace(certificate, $1, $2)")
                .bind(pem(&[old]))
                .bind(pem(&[new]))
                .execute(connection)
                .await
                .unwrap();
        });
    };
    replace(&root, &other);
    let why = failure(&town);
    assert!(why.contains("signing key `"), "{why}");
    replace(&other, &root);
    town.start();
    outsider(&town);
}

#[test]
fn without_the_companys_key_the_next_is_not_prepared_and_the_one_in_force_signs_on() {
    let (root, issuing) = firm(1);
    let town = Town::on(folder(&[&issuing, &root], issuing.key()), UPSTREAM);
    let key = fs::read(town.path("company.key")).unwrap();
    fs::remove_file(town.path("company.key")).unwrap();
    let why = refused(rotate(&town, Step::Prepare));
    assert!(why.starts_with("Unavailable: "), "{why}");
    assert!(why.contains("company.key"), "{why}");
    assert_eq!(town.record_of("key_prepared").text("decision"), "refused");
    outsider(&town);
    fs::write(town.path("company.key"), key).unwrap();
    assert_eq!(
        states(&rotate(&town, Step::Prepare).unwrap()),
        "active prepared"
    );
}

#[test]
fn what_the_calendar_did_is_recorded_though_the_next_key_cannot_be_made() {
    let (root, issuing) = firm(1);
    let town = Town::on(folder(&[&issuing, &root], issuing.key()), UPSTREAM);
    rotate(&town, Step::Prepare).unwrap();
    rotate(&town, Step::Activate).unwrap();
    fs::remove_file(town.path("company.key")).unwrap();
    town.pass(3 * 365 * 24 * 60 * 60);
    let record = town.record_of("key_revoked");
    assert_eq!(record.says(["decision", "operator"]), "permit calendar");
    until(|| states(&keys(&town)) == "active");
}

type Ca = CertifiedIssuer<'static, KeyPair>;

/// A root, and a CA below it that allows so many more below itself.
fn firm(below: u8) -> (Ca, Ca) {
    let root = ca("Company root", 2, None, FAR);
    let issuing = ca("Company issuing", below, Some(&root), FAR);
    (root, issuing)
}

fn ca(name: &str, below: u8, above: Option<&Ca>, ends: i64) -> Ca {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.not_after = time::OffsetDateTime::from_unix_timestamp(ends).unwrap();
    let key = KeyPair::generate().unwrap();
    match above {
        Some(above) => CertifiedIssuer::signed_by(params, key, above).unwrap(),
        None => CertifiedIssuer::self_signed(params, key).unwrap(),
    }
}

fn folder(line: &[&Ca], key: &KeyPair) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, line, key);
    folder
}

fn write(folder: &TempDir, line: &[&Ca], key: &KeyPair) {
    fs::write(folder.path().join("company.pem"), pem(line)).unwrap();
    fs::write(folder.path().join("company.key"), key.serialize_pem()).unwrap();
}

fn pem(line: &[&Ca]) -> String {
    line.iter()
        .map(|ca| certificates_to_pem([ca.der()]))
        .collect()
}

/// Builds an authority in `folder`, or says why there is none.
fn start(folder: &TempDir) -> Result<(), String> {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(NOON);
    let calendar = Arc::new(Calendar::new(start));
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    build(folder.path(), address, UPSTREAM, &calendar)
        .map(drop)
        .map_err(|error| in_full(&error))
}

const UPSTREAM: &str = "upstream: { certificate: company.pem, key: company.key }";
/// 2050.
const FAR: i64 = 2_524_608_000;
