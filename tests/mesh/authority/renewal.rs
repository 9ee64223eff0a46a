//! Workloads that come again with the SVID that they have.

use portreeve::identity::Svid;
use portreeve::rpc::authority as rpc;
use portreeve::time::Clock as _;
use portreeve::x509::SvidTemplate;

use crate::authority::petitioner::by_token;
use crate::authority::petitioner::key;
use crate::authority::town::Town;
use crate::authority::town::refused;

#[test]
fn whoever_has_an_svid_gets_the_next_by_it() {
    let (town, first) = joined("");
    town.pass(1800);
    let second = town.workload(&first).enrol(&key(), None).unwrap();
    assert_eq!(second.id(), first.id());
    let record = town.records.next();
    let serials = [&first, &second].map(|svid| svid.leaf().serial().to_owned());
    assert_eq!(
        record.says(["decision", "proof", "caller", "caller_serial", "serial"]),
        format!("permit svid {WEB} {}", serials.join(" "))
    );
    assert!(record.text("selectors").starts_with("join_token:"));
    // And so on, long after the token and the first SVID have ended.
    town.pass(3000);
    let third = town.workload(&second).enrol(&key(), None).unwrap();
    assert!(third.not_after() > second.not_after());
    town.records.next();

    let told = refused(town.newcomer().enrol(&key(), None));
    assert_eq!(
        told,
        "Unauthenticated: nothing was proved: there is no proof: neither a token nor an SVID was shown"
    );
    assert_eq!(
        town.records
            .next()
            .says(["decision", "reason", "proof", "caller"]),
        "deny no_proof svid "
    );
}

#[test]
fn nobody_is_named_by_an_entry_that_was_deleted() {
    let (town, svid) = joined("");
    let workload = town.workload(&svid);
    workload.enrol(&key(), None).unwrap();
    let entry = town.records.next().text("entry");
    let request = rpc::DeleteEntryRequest { id: entry.clone() };
    town.wait(town.operator().delete_entry(request)).unwrap();
    assert_eq!(
        town.records.next().says(["event", "entry", "decision"]),
        format!("entry_delete {entry} permit")
    );
    let told = refused(workload.enrol(&key(), None));
    assert!(
        told.starts_with("PermissionDenied: no entry names a workload"),
        "{told}"
    );
    assert_eq!(
        town.records
            .next()
            .says(["decision", "reason", "proof", "caller"]),
        format!("deny no_entry svid {WEB}")
    );
}

#[test]
fn an_svid_that_has_ended_is_renewed_within_the_grace_and_does_nothing_else() {
    let (town, svid) = joined("renewal_grace_s: 7200");
    let young = town.workload(&svid);
    assert!(young.follow().is_ok());
    town.pass(3601);
    let ended = town.workload(&svid);
    assert_eq!(
        refused(ended.follow()),
        "PermissionDenied: the SVID that was shown has ended or is revoked"
    );
    let renewed = ended.enrol(&key(), None).unwrap();
    let record = town.records.next();
    assert_eq!(
        record.says(["decision", "proof", "caller_serial"]),
        format!("permit svid {}", svid.leaf().serial())
    );
    assert!(town.workload(&renewed).follow().is_ok());

    town.pass(7199);
    town.workload(&svid).enrol(&key(), None).unwrap();
    town.records.next();
    town.pass(1);
    assert!(cannot_call(&town, &svid), "it is long over");
    town.records.are_all_read();
}

#[test]
fn whoever_is_nobody_hears_nothing() {
    let (town, svid) = joined("");
    assert_eq!(
        refused(town.newcomer().follow()),
        "Unauthenticated: only workloads with an SVID may follow: ask for one first"
    );
    assert!(town.workload(&svid).follow().is_ok());
    // Nor whoever was named by somebody else, though by the same words.
    let (elsewhere, namesake) = joined("");
    assert_eq!(namesake.id(), svid.id());
    assert!(cannot_call(&town, &namesake), "it is believed");
    assert!(!cannot_call(&elsewhere, &namesake));
}

#[test]
fn without_grace_an_svid_that_has_ended_is_nothing() {
    let (town, svid) = joined("renewal_grace_s: 0");
    town.pass(3600);
    town.workload(&svid).enrol(&key(), None).unwrap();
    town.records.next();
    town.pass(1);
    assert!(cannot_call(&town, &svid), "it is over");
}

#[test]
fn an_svid_that_was_never_noted_is_not_renewed() {
    let (town, svid) = joined("");
    let domain = "mesh.example".parse().unwrap();
    let roots = town.roots();
    let root = roots.get(&domain).unwrap().certificates().next().unwrap();
    // Whoever has stolen the signing key has no row in the database.
    let stolen = stolen_key(&town, root);
    let pair = key();
    let csr = portreeve::x509::make_request(&pair).unwrap();
    let now = town.calendar.now();
    let template = SvidTemplate {
        id: svid.id(),
        not_before: now,
        not_after: svid.not_after(),
        serial: [0x41; 16],
    };
    let public = portreeve::x509::read_request(&csr).unwrap();
    let forged = template.sign(&public, &stolen).unwrap();
    let forged = crate::authority::petitioner::svid(vec![forged.der().to_vec()], &pair);
    assert_eq!(
        refused(town.workload(&forged).enrol(&key(), None)),
        "Unauthenticated: nothing was proved: the SVID that was shown is not one that this authority renews"
    );
    assert_eq!(
        town.records
            .next()
            .says(["decision", "reason", "caller", "caller_serial"]),
        format!("deny svid_unknown {WEB} {}", "41".repeat(16))
    );
    town.workload(&svid).enrol(&key(), None).unwrap();
}

/// Opens the sealed key as only whoever has both files can.
fn stolen_key(
    town: &Town,
    root: &rustls_pki_types::CertificateDer<'static>,
) -> rcgen::Issuer<'static, rcgen::KeyPair> {
    let sealing = portreeve::store::SealingKey::load(&town.path("sealing.key")).unwrap();
    let (id, sealed) = town.sealed_key();
    let secret = sealing.unseal(&id, &sealed).unwrap();
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(secret.to_vec());
    rcgen::Issuer::from_ca_cert_der(root, rcgen::KeyPair::try_from(&key).unwrap()).unwrap()
}

/// Whether the authority hangs up on who shows `svid`, in the handshake or after it.
pub(crate) fn cannot_call(town: &Town, svid: &Svid) -> bool {
    match town.try_workload(svid) {
        Ok(workload) => workload.enrol(&key(), None).is_err(),
        Err(_) => true,
    }
}

/// A town, and `web` with an SVID of an hour.
pub(crate) fn joined(settings: &str) -> (Town, Svid) {
    let town = Town::with(settings);
    let token = town.token("web");
    let svid = town.newcomer().enrol(&key(), by_token(&token)).unwrap();
    town.records.next();
    (town, svid)
}

const WEB: &str = "spiffe://mesh.example/web";
