//! Keys of the provider and of others, and what they sign.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::EcdsaSigningAlgorithm;
use aws_lc_rs::signature::KeyPair as _;
use aws_lc_rs::signature::RsaEncoding;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use serde_json::json;

/// All keys that a test may sign with. Making them takes a moment.
pub(crate) struct Keys {
    curves: [EcdsaKeyPair; 3],
    other: EcdsaKeyPair,
    rsa: RsaKeyPair,
    small: RsaKeyPair,
}

/// Who signs, and how.
#[derive(Clone, Debug)]
pub(crate) enum Signer {
    /// The provider's key of this algorithm.
    Own(&'static str),
    /// A P-256 key that nobody published.
    Other,
    /// The RSA key's modulus as a shared secret, the oldest trick.
    Secret,
    /// The provider's key, and then this is the signature's text.
    Text(String),
    /// The provider's ECDSA signature in DER, as X.509 has it.
    Der,
    /// The provider's signature, of which this part of the bytes is kept.
    Cut(usize),
}

impl Keys {
    pub(crate) fn new() -> Self {
        let pair = |how| EcdsaKeyPair::generate(how).unwrap();
        Self {
            curves: CURVES.map(pair),
            other: pair(CURVES[0]),
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            small: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
        }
    }

    /// The keys that the provider publishes.
    pub(crate) fn published(&self) -> Value {
        json!({"keys": [self.ec(0), self.ec(1), self.ec(2), self.rsa_key("rsa", &self.rsa)]})
    }

    /// One of the curves' keys.
    pub(crate) fn ec(&self, at: usize) -> Value {
        ec_key(["p256", "p384", "p521"][at], &self.curves[at], at)
    }

    /// The RSA key.
    pub(crate) fn rsa(&self) -> Value {
        self.rsa_key("rsa", &self.rsa)
    }

    /// A key that signs nothing here.
    pub(crate) fn unused(&self, kid: &str) -> Value {
        self.rsa_key(kid, &self.small)
    }

    /// The key that nobody published, if it is published after all.
    pub(crate) fn other(&self, kid: &str) -> Value {
        ec_key(kid, &self.other, 0)
    }

    fn rsa_key(&self, kid: &str, pair: &RsaKeyPair) -> Value {
        let public = pair.public_key();
        let number = |bytes: &[u8]| encoded(bytes);
        json!({
            "kty": "RSA", "use": "sig", "kid": kid,
            "n": number(public.modulus().big_endian_without_leading_zero()),
            "e": number(public.exponent().big_endian_without_leading_zero()),
        })
    }

    /// A token of these parts.
    pub(crate) fn token(&self, header: &[u8], claims: &[u8], signer: &Signer) -> String {
        let message = format!("{}.{}", encoded(header), encoded(claims));
        let signature = match signer {
            Signer::Own(algorithm) => encoded(&self.own(algorithm, &message)),
            Signer::Other => encoded(&ecdsa(&self.other, &message)),
            Signer::Secret => {
                let public = self.rsa.public_key();
                let secret = hmac::Key::new(hmac::HMAC_SHA256, public.as_ref());
                encoded(hmac::sign(&secret, message.as_bytes()).as_ref())
            }
            Signer::Text(text) => text.clone(),
            Signer::Der => {
                let der = self.curves[0].to_pkcs8v1().unwrap();
                let how = &signature::ECDSA_P256_SHA256_ASN1_SIGNING;
                let pair = EcdsaKeyPair::from_pkcs8(how, der.as_ref()).unwrap();
                encoded(&ecdsa(&pair, &message))
            }
            Signer::Cut(kept) => {
                let whole = self.own("ES256", &message);
                encoded(&whole[..*kept])
            }
        };
        format!("{message}.{signature}")
    }

    fn own(&self, algorithm: &str, message: &str) -> Vec<u8> {
        let rsa = |how: &'static dyn RsaEncoding| {
            let mut made = vec![0; self.rsa.public_modulus_len()];
            let random = SystemRandom::new();
            self.rsa
                .sign(how, &random, message.as_bytes(), &mut made)
                .unwrap();
            made
        };
        match algorithm {
            "ES256" => ecdsa(&self.curves[0], message),
            "ES384" => ecdsa(&self.curves[1], message),
            "ES512" => ecdsa(&self.curves[2], message),
            "PS256" => rsa(&signature::RSA_PSS_SHA256),
            "PS384" => rsa(&signature::RSA_PSS_SHA384),
            "PS512" => rsa(&signature::RSA_PSS_SHA512),
            "RS256" => rsa(&signature::RSA_PKCS1_SHA256),
            "RS384" => rsa(&signature::RSA_PKCS1_SHA384),
            "RS512" => rsa(&signature::RSA_PKCS1_SHA512),
            other => panic!("nobody signs with {other}"),
        }
    }
}

/// Base64url without padding.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn ecdsa(pair: &EcdsaKeyPair, message: &str) -> Vec<u8> {
    let made = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    made.as_ref().to_vec()
}

fn ec_key(kid: &str, pair: &EcdsaKeyPair, curve: usize) -> Value {
    let point = &pair.public_key().as_ref()[1..];
    let (x, y) = point.split_at(point.len() / 2);
    let curve = ["P-256", "P-384", "P-521"][curve];
    json!({"kty": "EC", "use": "sig", "kid": kid, "crv": curve, "x": encoded(x), "y": encoded(y)})
}

const CURVES: [&EcdsaSigningAlgorithm; 3] = [
    &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
    &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
    &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
];
