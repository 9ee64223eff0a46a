//! Machines that come with a certificate of the company's CA.

use std::fs;

use portreeve::x509::make_request;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::KeyPair;
use rcgen::PKCS_RSA_SHA256;
use tonic::Status;

use crate::application::Application;
use crate::authority::company::Company;
use crate::authority::company::ECDSA_P256;
use crate::authority::company::Machine;
use crate::authority::company::RSA_PKCS1;
use crate::authority::company::shown;
use crate::authority::petitioner::Petitioner;
use crate::authority::petitioner::believed;
use crate::authority::petitioner::key;
use crate::authority::town::Town;
use crate::authority::town::refused;
use portreeve::rpc::authority::IssueResponse;
use portreeve::rpc::authority::Possession;

#[test]
fn a_machine_of_the_company_is_named() {
    let (town, company) = town();
    let machine = company.machine(key(), HOUR);
    let petitioner = town.newcomer();
    let csr = make_request(&key()).unwrap();
    let proof = machine.prove(&petitioner.exporter, &csr);
    let given = petitioner.ask(&csr, shown(proof), "").unwrap();
    assert_eq!(believed(&town, &given.chain).id().as_str(), M1);
    let record = town.records.next();
    assert_eq!(
        record.says(["decision", "proof", "entry", "spiffe_id"]),
        format!("permit x509_possession machines {M1}")
    );
    let selectors = record.text("selectors");
    for selector in [
        "x509:ca:company",
        "x509:cn:m1",
        "x509:dns:m1.company.example",
        "x509:uri:https://company.example/m1",
    ] {
        assert!(
            selectors.split(' ').any(|found| found == selector),
            "{selectors}"
        );
    }
}

#[test]
fn a_sidecar_joins_with_its_machines_certificate() {
    let (town, company) = town();
    let machine = company.machine(key(), HOUR);
    let pem = portreeve::x509::certificates_to_pem([&machine.certificate]);
    fs::write(town.path("machine.crt"), pem).unwrap();
    fs::write(town.path("machine.key"), machine.key.serialize_pem()).unwrap();
    let application = Application::start();
    let proof = "x509: { certificate: machine.crt, key: machine.key }";
    town.orders(application.address(), proof);
    assert_eq!(
        town.records.next().says(["decision", "proof", "spiffe_id"]),
        format!("permit x509_possession {M1}")
    );
}

#[test]
fn a_signature_is_good_for_one_connection_and_one_request() {
    let (town, company) = town();
    let machine = company.machine(key(), HOUR);
    let [csr, other] = [(), ()].map(|()| make_request(&key()).unwrap());
    let (first, second) = (town.newcomer(), town.newcomer());
    assert_ne!(first.exporter, second.exporter);
    let proof = machine.prove(&first.exporter, &csr);
    refuse(
        &town,
        second.ask(&csr, shown(proof.clone()), ""),
        "bad_signature",
    );
    refuse(
        &town,
        first.ask(&other, shown(proof.clone()), ""),
        "bad_signature",
    );
    let thief = machine.prove_by(&key(), &first.exporter, &csr);
    refuse(&town, first.ask(&csr, shown(thief), ""), "bad_signature");
    let unsigned = Possession {
        signature: Vec::new(),
        ..proof.clone()
    };
    refuse(&town, first.ask(&csr, shown(unsigned), ""), "bad_signature");
    first.ask(&csr, shown(proof), "").unwrap();
    assert_eq!(town.records.next().text("decision"), "permit");
}

#[test]
fn a_certificate_that_the_company_would_not_believe_proves_nothing() {
    let (town, company) = town();
    let petitioner = town.newcomer();
    let strangers = Company::new();
    let server = ExtendedKeyUsagePurpose::ServerAuth;
    for machine in [
        strangers.machine(key(), HOUR),
        company.machine(key(), -1),
        company.name(key(), HOUR, server),
    ] {
        let outcome = prove(&petitioner, &machine, |_| {});
        refuse(&town, outcome, "not_believed");
    }
    let machine = company.machine(key(), HOUR);
    let outcome = prove(&petitioner, &machine, |proof| proof.chain.clear());
    refuse(&town, outcome, "malformed");
    let outcome = prove(&petitioner, &machine, |proof| proof.chain[0].truncate(100));
    refuse(&town, outcome, "malformed");
    let outcome = prove(&petitioner, &machine, |proof| {
        proof.chain = vec![proof.chain[0].clone(); 5];
    });
    refuse(&town, outcome, "too_long");
    prove(&petitioner, &machine, |_| {}).unwrap();
    assert_eq!(town.records.next().text("decision"), "permit");
    town.pass(3601);
    refuse(
        &town,
        prove(&town.newcomer(), &machine, |_| {}),
        "not_believed",
    );
}

#[test]
fn a_scheme_that_tls_does_not_take_in_a_handshake_is_not_taken() {
    let (town, company) = town();
    let petitioner = town.newcomer();
    let rsa = company.machine(KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap(), HOUR);
    let outcome = prove(&petitioner, &rsa, |proof| proof.scheme = RSA_PKCS1);
    refuse(&town, outcome, "bad_scheme");
    // The signature is right, but what it says of itself is not.
    let machine = company.machine(key(), HOUR);
    for (scheme, why) in [
        (0, "bad_scheme"),
        (0x0203, "bad_scheme"),
        (0x0807, "bad_signature"),
    ] {
        let outcome = prove(&petitioner, &machine, |proof| proof.scheme = scheme);
        refuse(&town, outcome, why);
    }
    let outcome = prove(&petitioner, &machine, |proof| {
        proof.scheme = ECDSA_P256 + 0x1_0000;
    });
    assert!(refused(outcome).starts_with("InvalidArgument: "));
    prove(&petitioner, &machine, |proof| proof.scheme = ECDSA_P256).unwrap();
}

#[test]
fn an_authority_that_takes_no_certificates_says_so() {
    let town = Town::new();
    let machine = Company::new().machine(key(), HOUR);
    let told = refused(prove(&town.newcomer(), &machine, |_| {}));
    assert!(
        told.starts_with("Unauthenticated: nothing was proved: this authority takes no proofs"),
        "{told}"
    );
    assert_eq!(town.records.next().text("reason"), "proof_not_taken");
}

/// Asks with the proof of `machine`, after `change` was made to it.
fn prove(
    petitioner: &Petitioner<'_>,
    machine: &Machine,
    change: impl FnOnce(&mut Possession),
) -> Result<IssueResponse, Status> {
    let csr = make_request(&key()).unwrap();
    let mut proof = machine.prove(&petitioner.exporter, &csr);
    change(&mut proof);
    petitioner.ask(&csr, shown(proof), "")
}

fn refuse(town: &Town, outcome: Result<IssueResponse, Status>, why: &str) {
    let told = refused(outcome);
    let expected = "Unauthenticated: nothing was proved: the proof of possession is refused: ";
    assert!(told.starts_with(expected), "{why}: {told}");
    assert_eq!(
        town.records
            .next()
            .says(["decision", "reason", "proof", "selectors"]),
        format!("deny possession_{why} x509_possession "),
        "{told}"
    );
}

fn town() -> (Town, Company) {
    let company = Company::new();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("company.pem"), company.root()).unwrap();
    let town = Town::on(
        folder,
        "proofs: { x509: [{ name: company, roots: company.pem }] }",
    );
    let id = "spiffe://mesh.example/machine/{x509:cn}";
    town.enter("machines", &["x509:ca:company"], id);
    (town, company)
}

const HOUR: i64 = 3600;

const M1: &str = "spiffe://mesh.example/machine/m1";
