//! Programs that think they speak to istiod.

use portreeve::rpc::istio as rpc;
use portreeve::rpc::istio::istio_certificate_service_client::IstioCertificateServiceClient;
use portreeve::x509::certificates_from_pem;
use rcgen::CertificateParams;
use tonic::Request;
use tonic::Response;
use tonic::Status;

use crate::authority::cluster::Key;
use crate::authority::cluster::Token;
use crate::authority::kubernetes;
use crate::authority::kubernetes::WEB;
use crate::authority::petitioner::Petitioner;
use crate::authority::petitioner::believed;
use crate::authority::petitioner::key;
use crate::authority::town::Town;
use crate::authority::town::refused;

#[test]
fn a_bearer_token_gives_a_chain_that_ends_with_the_root() {
    let signer = Key::rsa();
    let town = kubernetes::town(&[signer.published("one")]);
    let token = Token::new(&signer, "one").signed(&signer);
    let newcomer = town.newcomer();
    let given = ask(&town, &newcomer, &csr(), Some(&token), 0).unwrap();
    let chain: Vec<_> = given
        .cert_chain
        .iter()
        .map(|pem| {
            certificates_from_pem(pem.as_bytes(), "it")
                .unwrap()
                .remove(0)
                .to_vec()
        })
        .collect();
    assert_eq!(chain.len(), 2);
    let leaf = believed(&town, &chain[..1]);
    assert_eq!(leaf.id().as_str(), WEB);
    let domain = "mesh.example".parse().unwrap();
    let roots = town.roots();
    let root = roots.get(&domain).unwrap().certificates().next().unwrap();
    assert_eq!(chain[1], root.to_vec());
    assert_eq!(
        town.records
            .next()
            .says(["decision", "proof", "entry", "spiffe_id", "serial"]),
        format!("permit kubernetes pods {WEB} {}", leaf.serial())
    );
}

#[test]
fn a_validity_is_granted_up_to_what_the_entry_says() {
    let signer = Key::ecdsa();
    let town = kubernetes::town(&[signer.published("one")]);
    let token = Token::new(&signer, "one").signed(&signer);
    let newcomer = town.newcomer();
    for (wished, granted) in [
        (60, "00:01"),
        (1800, "00:30"),
        (86_400, "00:30"),
        (i64::MAX, "00:30"),
        (-1, "00:30"),
    ] {
        ask(&town, &newcomer, &csr(), Some(&token), wished).unwrap();
        assert_eq!(
            town.records.next().text("not_after"),
            format!("2030-01-01T{granted}:00Z"),
            "{wished}"
        );
    }
}

#[test]
fn without_a_token_that_proves_something_nothing_is_given() {
    let signer = Key::ecdsa();
    let town = kubernetes::town(&[signer.published("one")]);
    let newcomer = town.newcomer();
    let token = Token::new(&signer, "one").signed(&signer);
    for (token, why, reason) in [
        (
            None,
            "Unauthenticated: nothing was proved: there is no proof",
            "no_proof",
        ),
        (
            Some("x"),
            "Unauthenticated: nothing was proved: the Kubernetes token",
            "kubernetes_token_malformed",
        ),
    ] {
        let told = refused(ask(&town, &newcomer, &csr(), token, 0));
        assert!(told.starts_with(why), "{told}");
        assert_eq!(
            town.records.next().says(["decision", "reason"]),
            format!("deny {reason}")
        );
    }
    let told = refused(ask(&town, &newcomer, "no PEM", Some(&token), 0));
    assert!(told.starts_with("InvalidArgument: "), "{told}");
    ask(&town, &newcomer, &csr(), Some(&token), 0).unwrap();
}

fn csr() -> String {
    let params = CertificateParams::default();
    params.serialize_request(&key()).unwrap().pem().unwrap()
}

fn ask(
    town: &Town,
    petitioner: &Petitioner<'_>,
    csr: &str,
    token: Option<&str>,
    validity_duration: i64,
) -> Result<rpc::IstioCertificateResponse, Status> {
    let mut request = Request::new(rpc::IstioCertificateRequest {
        csr: csr.to_owned(),
        validity_duration,
        metadata: None,
    });
    if let Some(token) = token {
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
    }
    let mut client = IstioCertificateServiceClient::new(petitioner.channel.clone());
    town.wait(client.create_certificate(request))
        .map(Response::into_inner)
}
