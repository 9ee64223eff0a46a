//! What a registrar says, in the words of the standard.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use prost_types::ListValue;
use prost_types::Struct;
use prost_types::Value;
use prost_types::value::Kind;
use tonic::Status;

use crate::id::TrustDomain;
use crate::jwt::JwtBundles;
use crate::jwt::JwtSvid;
use crate::rpc::workload::JwtBundlesResponse;
use crate::rpc::workload::Jwtsvid;
use crate::rpc::workload::X509BundlesResponse;
use crate::rpc::workload::X509svid;
use crate::rpc::workload::X509svidResponse;
use crate::workload_api::registrar::Hint;
use crate::workload_api::registrar::HintedSvid;
use crate::workload_api::registrar::Refusal;
use crate::workload_api::registrar::Token;
use crate::workload_api::registrar::X509Context;
use crate::workload_api::updates::status;
use crate::x509::Bundle;
use crate::x509::Bundles;

pub(super) fn svids(context: &X509Context) -> Result<X509svidResponse, Status> {
    check(context)?;
    let mut own = HashSet::new();
    let mut svids = Vec::new();
    for hinted in &context.svids {
        own.insert(hinted.svid.id().trust_domain());
        svids.push(svid(hinted, &context.bundles)?);
    }
    let federated = context.bundles.iter();
    let federated = federated.filter(|bundle| !own.contains(bundle.trust_domain()));
    let federated: Vec<&Bundle> = federated.collect();
    Ok(X509svidResponse {
        svids,
        crl: Vec::new(),
        federated_bundles: named(&federated),
    })
}

pub(super) fn x509_bundles(context: &X509Context) -> Result<X509BundlesResponse, Status> {
    check(context)?;
    Ok(X509BundlesResponse {
        crl: Vec::new(),
        bundles: named(&context.bundles.iter().collect::<Vec<_>>()),
    })
}

pub(super) fn jwt_bundles(bundles: &JwtBundles) -> JwtBundlesResponse {
    let bundles = bundles
        .iter()
        .map(|(trust_domain, keys)| (id_of(trust_domain), keys.to_jwk_set().into_bytes()));
    JwtBundlesResponse {
        bundles: bundles.collect(),
    }
}

pub(super) fn token(token: Token) -> Jwtsvid {
    Jwtsvid {
        spiffe_id: token.id.as_str().to_owned(),
        svid: token.text,
        hint: token.hint.as_ref().map_or("", Hint::as_str).to_owned(),
    }
}

pub(super) fn claims(svid: &JwtSvid) -> Struct {
    Struct {
        fields: fields(svid.claims()),
    }
}

/// Nobody is who has no SVID.
fn check(context: &X509Context) -> Result<(), Status> {
    if context.svids.is_empty() {
        return Err(status(Refusal::NoIdentity));
    }
    Ok(())
}

fn svid(hinted: &HintedSvid, bundles: &Bundles) -> Result<X509svid, Status> {
    let svid = &hinted.svid;
    // An SVID without its bundle is of no use to anybody.
    let bundle = bundles
        .for_id(svid.id())
        .ok_or_else(|| Status::internal("there is no bundle for the identity"))?;
    Ok(X509svid {
        spiffe_id: svid.id().as_str().to_owned(),
        x509_svid: ders(svid.chain().iter()),
        x509_svid_key: svid.private_key_pkcs8().to_vec(),
        bundle: roots(bundle),
        hint: hinted.hint.as_ref().map_or("", Hint::as_str).to_owned(),
    })
}

fn named(bundles: &[&Bundle]) -> HashMap<String, Vec<u8>> {
    bundles
        .iter()
        .map(|bundle| (id_of(bundle.trust_domain()), roots(bundle)))
        .collect()
}

fn roots(bundle: &Bundle) -> Vec<u8> {
    ders(bundle.certificates())
}

/// One after the other.
fn ders(certificates: impl Iterator<Item = impl AsRef<[u8]>>) -> Vec<u8> {
    let mut all = Vec::new();
    for certificate in certificates {
        all.extend_from_slice(certificate.as_ref());
    }
    all
}

fn id_of(trust_domain: &TrustDomain) -> String {
    format!("spiffe://{trust_domain}")
}

fn fields(members: &serde_json::Map<String, serde_json::Value>) -> BTreeMap<String, Value> {
    members
        .iter()
        .map(|(name, value)| (name.clone(), value_of(value)))
        .collect()
}

fn value_of(json: &serde_json::Value) -> Value {
    let kind = match json {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(value) => Kind::BoolValue(*value),
        // What does not fit is as near as a double can be.
        serde_json::Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => Kind::StringValue(text.clone()),
        serde_json::Value::Array(items) => Kind::ListValue(ListValue {
            values: items.iter().map(value_of).collect(),
        }),
        serde_json::Value::Object(members) => Kind::StructValue(Struct {
            fields: fields(members),
        }),
    };
    Value { kind: Some(kind) }
}
