//! A certificate as a list of parts, each of which can be made wrong.

use rcgen::KeyPair;
use rcgen::PublicKeyData as _;
use rcgen::SigningKey as _;

use crate::der::bits;
use crate::der::date;
use crate::der::integer;
use crate::der::octets;
use crate::der::oid;
use crate::der::sequence;
use crate::der::set;
use crate::der::tlv;
use crate::der::truth;
use crate::der::utf8;

/// The date at which the corpus is judged: 2030-01-01T00:00:00Z.
pub(crate) const NOW: i64 = 1_893_456_000;
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 24 * HOUR;

pub(crate) const BASIC_CONSTRAINTS: &str = "2.5.29.19";
pub(crate) const KEY_USAGE: &str = "2.5.29.15";
pub(crate) const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
pub(crate) const ALTERNATIVE_NAMES: &str = "2.5.29.17";
pub(crate) const NAME_CONSTRAINTS: &str = "2.5.29.30";

pub(crate) const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
pub(crate) const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";

pub(crate) const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";

/// Bits of the key usage, from the left.
pub(crate) const DIGITAL_SIGNATURE: u8 = 0x80;
pub(crate) const KEY_ENCIPHERMENT: u8 = 0x20;
pub(crate) const CERTIFICATE_SIGN: u8 = 0x04;
pub(crate) const CRL_SIGN: u8 = 0x02;

#[derive(Clone)]
pub(crate) struct Extension {
    pub(crate) oid: &'static str,
    pub(crate) critical: bool,
    pub(crate) value: Vec<u8>,
}

#[derive(Clone)]
pub(crate) struct Certificate {
    /// 2 stands for version 3; nothing for version 1.
    pub(crate) version: Option<u8>,
    pub(crate) serial: Vec<u8>,
    /// The signature's algorithm inside and outside of what is signed.
    pub(crate) algorithms: [&'static str; 2],
    pub(crate) issuer: Vec<u8>,
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    pub(crate) subject: Vec<u8>,
    pub(crate) public_key: Vec<u8>,
    pub(crate) extensions: Vec<Extension>,
}

impl Certificate {
    /// An SVID as it should be: nothing in it is optional.
    pub(crate) fn leaf(id: &str, key: &KeyPair, issuer: &str) -> Self {
        Self {
            version: Some(2),
            serial: vec![0x41; 16],
            algorithms: [ECDSA_SHA256; 2],
            issuer: name(issuer),
            not_before: NOW - HOUR,
            not_after: NOW + HOUR,
            subject: sequence(&[]),
            public_key: key.subject_public_key_info(),
            extensions: vec![
                Extension {
                    oid: BASIC_CONSTRAINTS,
                    critical: true,
                    value: sequence(&[]),
                },
                Extension {
                    oid: KEY_USAGE,
                    critical: true,
                    value: key_usage(DIGITAL_SIGNATURE),
                },
                Extension {
                    oid: EXTENDED_KEY_USAGE,
                    critical: false,
                    value: sequence(&[oid(SERVER_AUTH), oid(CLIENT_AUTH)]),
                },
                Extension {
                    oid: ALTERNATIVE_NAMES,
                    critical: true,
                    value: sequence(&[uri(id.as_bytes())]),
                },
            ],
        }
    }

    /// An authority as it should be, for the trust domain with that ID.
    pub(crate) fn authority(id: &str, subject: &str, key: &KeyPair, issuer: &str) -> Self {
        let mut authority = Self::leaf(id, key, issuer);
        authority.subject = name(subject);
        authority.not_before = NOW - 365 * DAY;
        authority.not_after = NOW + 9 * 365 * DAY;
        authority
            .without(EXTENDED_KEY_USAGE)
            .with(BASIC_CONSTRAINTS, sequence(&[truth()]))
            .with(KEY_USAGE, key_usage(CERTIFICATE_SIGN | CRL_SIGN))
    }

    /// Puts a critical extension in place of the one of that kind, or at the end.
    pub(crate) fn with(self, oid: &'static str, value: Vec<u8>) -> Self {
        self.put(Extension {
            oid,
            critical: true,
            value,
        })
    }

    /// Like [`with`](Self::with), but not critical.
    pub(crate) fn with_lax(self, oid: &'static str, value: Vec<u8>) -> Self {
        self.put(Extension {
            oid,
            critical: false,
            value,
        })
    }

    fn put(mut self, extension: Extension) -> Self {
        let same = |old: &&mut Extension| old.oid == extension.oid;
        match self.extensions.iter_mut().find(same) {
            Some(old) => *old = extension,
            None => self.extensions.push(extension),
        }
        self
    }

    pub(crate) fn without(mut self, oid: &str) -> Self {
        self.extensions.retain(|extension| extension.oid != oid);
        self
    }

    /// Puts these in place of the alternative names.
    pub(crate) fn named(self, names: &[Vec<u8>]) -> Self {
        self.with(ALTERNATIVE_NAMES, sequence(names))
    }

    pub(crate) fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn sign(&self, key: &KeyPair) -> Vec<u8> {
        let signed = self.to_be_signed();
        let signature = key.sign(&signed).unwrap();
        sequence(&[signed, algorithm(self.algorithms[1]), bits(0, &signature)])
    }

    fn to_be_signed(&self) -> Vec<u8> {
        let version = self
            .version
            .map(|version| tlv(0xa0, &integer(&[version])))
            .unwrap_or_default();
        let extensions: Vec<_> = self.extensions.iter().map(Extension::encode).collect();
        let extensions = match self.version {
            Some(_) => tlv(0xa3, &sequence(&extensions)),
            None => Vec::new(),
        };
        sequence(&[
            version,
            integer(&self.serial),
            algorithm(self.algorithms[0]),
            self.issuer.clone(),
            sequence(&[date(self.not_before), date(self.not_after)]),
            self.subject.clone(),
            self.public_key.clone(),
            extensions,
        ])
    }
}

impl Extension {
    fn encode(&self) -> Vec<u8> {
        let critical = if self.critical { truth() } else { Vec::new() };
        sequence(&[oid(self.oid), critical, octets(&self.value)])
    }
}

/// A distinguished name that is one common name.
pub(crate) fn name(common: &str) -> Vec<u8> {
    sequence(&[set(&[sequence(&[oid("2.5.4.3"), utf8(common)])])])
}

pub(crate) fn uri(bytes: &[u8]) -> Vec<u8> {
    tlv(0x86, bytes)
}

pub(crate) fn dns(name: &str) -> Vec<u8> {
    tlv(0x82, name.as_bytes())
}

pub(crate) fn key_usage(usage: u8) -> Vec<u8> {
    bits(usage.trailing_zeros() as u8, &[usage])
}

/// A public key of any algorithm, with its parameters, from its bytes.
pub(crate) fn public_key(algorithm: &str, parameters: Vec<u8>, key: &[u8]) -> Vec<u8> {
    sequence(&[sequence(&[oid(algorithm), parameters]), bits(0, key)])
}

fn algorithm(dotted: &str) -> Vec<u8> {
    sequence(&[oid(dotted)])
}
