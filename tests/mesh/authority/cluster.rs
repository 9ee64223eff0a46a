//! A cluster that signs tokens for its pods, honestly or not.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::KeyPair as _;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use portreeve::rpc::authority::issue_request::Proof;
use serde_json::Value;
use serde_json::json;

/// A key that a cluster signs with.
pub(crate) enum Key {
    Ecdsa(EcdsaKeyPair),
    Rsa(rsa::KeyPair),
}

impl Key {
    pub(crate) fn ecdsa() -> Self {
        Self::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn rsa() -> Self {
        Self::Rsa(rsa::KeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub(crate) const fn algorithm(&self) -> &'static str {
        match self {
            Self::Ecdsa(_) => "ES256",
            Self::Rsa(_) => "RS256",
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }

    /// As a JWK Set has it, under the name `kid`.
    pub(crate) fn published(&self, kid: &str) -> Value {
        match self {
            Self::Ecdsa(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                let (x, y) = (base64url(x), base64url(y));
                json!({ "kty": "EC", "crv": "P-256", "kid": kid, "alg": "ES256", "use": "sig", "x": x, "y": y })
            }
            Self::Rsa(key) => {
                // RFC 8017, A.1.1: the modulus stands before the five bytes of 65537.
                let public = key.public_key().as_ref();
                let end = public.len() - 5;
                let modulus = base64url(&public[end - key.public_modulus_len()..end]);
                json!({ "kty": "RSA", "kid": kid, "alg": "RS256", "use": "sig", "n": modulus, "e": "AQAB" })
            }
        }
    }
}

/// A token in the making.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) claims: Value,
    pub(crate) header: Value,
}

impl Token {
    /// What a kubelet gives to the pod `web-0` for an hour.
    pub(crate) fn new(key: &Key, kid: &str) -> Self {
        Self {
            claims: json!({
                "iss": ISSUER,
                "aud": ["portreeve"],
                "exp": NOON + 3600,
                "iat": NOON,
                "nbf": NOON,
                "sub": "system:serviceaccount:shop:web",
                "kubernetes.io": {
                    "namespace": "shop",
                    "serviceaccount": { "name": "web", "uid": "1" },
                    "pod": { "name": "web-0", "uid": "2" },
                    "node": { "name": "node-1", "uid": "3" },
                    "warnafter": NOON + 1800,
                },
            }),
            header: json!({ "alg": key.algorithm(), "kid": kid }),
        }
    }

    /// With the claim at `path`, such as `/kubernetes.io/namespace`, another.
    pub(crate) fn with(mut self, path: &str, value: Value) -> Self {
        let (parent, name) = path.rsplit_once('/').unwrap();
        let parent = self.claims.pointer_mut(parent).unwrap();
        parent[name] = value;
        self
    }

    /// Without the claim `name`.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    /// With another header.
    pub(crate) fn under(mut self, header: Value) -> Self {
        self.header = header;
        self
    }

    pub(crate) fn signed(&self, key: &Key) -> String {
        self.sealed(|message| key.sign(message))
    }

    /// Signed as HS256 does, with `secret`.
    pub(crate) fn authenticated(&self, secret: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        self.sealed(|message| hmac::sign(&key, message).as_ref().to_vec())
    }

    /// With whatever `seal` makes of it for a signature.
    pub(crate) fn sealed(&self, seal: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
        let [header, claims] =
            [&self.header, &self.claims].map(|part| base64url(part.to_string().as_bytes()));
        let message = format!("{header}.{claims}");
        let signature = base64url(&seal(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// The JWK Set of `keys`.
pub(crate) fn key_set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

pub(crate) fn by_kubernetes(token: &str) -> Option<Proof> {
    Some(Proof::KubernetesToken(token.to_owned()))
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let group = u32::from_be_bytes(group) as usize;
        for digit in 0..=chunk.len() {
            let at = group >> (18 - 6 * digit) & 63;
            text.push(char::from(DIGITS[at]));
        }
    }
    text
}

pub(crate) const ISSUER: &str = "https://kubernetes.default.svc";

/// When the calendar of a town begins, in seconds since 1970.
pub(crate) const NOON: u64 = 1_893_456_000;
