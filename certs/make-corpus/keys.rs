//! The keys of the corpus. They are public: never use them for anything else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rcgen::KeyPair;
use rcgen::RsaKeySize;

use crate::certificate::Certificate;

pub(crate) const ID: &str = "spiffe://prod.example/ns/shop/sa/web";
pub(crate) const DOMAIN: &str = "spiffe://prod.example";

pub(crate) struct Keys(BTreeMap<&'static str, KeyPair>);

impl Keys {
    /// Reads the keys in `directory`, and makes those that are missing.
    pub(crate) fn open(directory: &Path) -> Self {
        fs::create_dir_all(directory).unwrap();
        let open = |name| {
            let path = directory.join(format!("{name}.key.pem"));
            let key = match fs::read_to_string(&path) {
                Ok(text) => KeyPair::from_pem(&text).unwrap(),
                Err(_) => make(name),
            };
            fs::write(path, key.serialize_pem()).unwrap();
            (name, key)
        };
        Self(NAMES.into_iter().map(open).collect())
    }

    pub(crate) fn get(&self, name: &str) -> &KeyPair {
        &self.0[name]
    }

    /// The plainest good SVID, not yet signed.
    pub(crate) fn plain(&self) -> Certificate {
        Certificate::leaf(ID, self.get("leaf"), "root")
    }

    /// Signs as the root.
    pub(crate) fn by_root(&self, certificate: &Certificate) -> Vec<Vec<u8>> {
        vec![certificate.sign(self.get("root"))]
    }
}

fn make(name: &str) -> KeyPair {
    match name {
        "leaf-ed25519" => KeyPair::generate_for(&rcgen::PKCS_ED25519),
        "leaf-p384" => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
        "leaf-rsa2048" => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048),
        _ => KeyPair::generate(),
    }
    .unwrap()
}

const NAMES: [&str; 10] = [
    "first",
    "impostor",
    "leaf",
    "leaf-ed25519",
    "leaf-p384",
    "leaf-rsa2048",
    "other",
    "root",
    "second",
    "third",
];
