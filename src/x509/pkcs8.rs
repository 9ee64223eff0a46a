//! A private key in the one form that everybody reads.

use rustls_pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

use crate::x509::leaf::Leaf;

/// The PKCS #8 form, DER, of `key`, which is the private key of `leaf`.
///
/// SEC 1 and PKCS #1 say only half of what PKCS #8 does; the other half, which
/// algorithm the key is for, is in the certificate. `None` if the key is in a
/// form that we do not know.
#[must_use]
pub fn to_pkcs8(key: &PrivateKeyDer<'_>, leaf: &Leaf) -> Option<Zeroizing<Vec<u8>>> {
    let inner = match key {
        PrivateKeyDer::Pkcs8(whole) => {
            return Some(Zeroizing::new(whole.secret_pkcs8_der().to_vec()));
        }
        PrivateKeyDer::Sec1(inner) => inner.secret_sec1_der(),
        PrivateKeyDer::Pkcs1(inner) => inner.secret_pkcs1_der(),
        _ => return None,
    };
    let algorithm = first_element(content(leaf.public_key())?)?;
    let mut body = Zeroizing::new(VERSION_0.to_vec());
    body.extend_from_slice(algorithm);
    element(OCTET_STRING, inner, &mut body);
    let mut whole = Zeroizing::new(Vec::with_capacity(body.len() + 8));
    element(SEQUENCE, &body, &mut whole);
    Some(whole)
}

fn element(tag: u8, content: &[u8], output: &mut Vec<u8>) {
    output.push(tag);
    let length = content.len();
    let bytes = length.to_be_bytes();
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    let digits = bytes.get(zeros..).unwrap_or_default();
    match digits {
        [] => output.push(0),
        [only] if *only < 0x80 => output.push(*only),
        digits => {
            output.push(0x80 | u8::try_from(digits.len()).unwrap_or(0));
            output.extend_from_slice(digits);
        }
    }
    output.extend_from_slice(content);
}

/// What is inside of an element.
fn content(element: &[u8]) -> Option<&[u8]> {
    let (start, end) = bounds(element)?;
    element.get(start..end)
}

/// The first of several elements, with its head.
fn first_element(elements: &[u8]) -> Option<&[u8]> {
    let (_, end) = bounds(elements)?;
    elements.get(..end)
}

/// Where an element's content starts and ends.
fn bounds(element: &[u8]) -> Option<(usize, usize)> {
    let first = *element.get(1)?;
    if first < 0x80 {
        return Some((2, 2 + usize::from(first)));
    }
    // An end that is marked, and not measured, is no DER.
    if first == 0x80 {
        return None;
    }
    let start = 2 + usize::from(first & 0x7f);
    let mut length = 0_usize;
    for &digit in element.get(2..start)? {
        length = length.checked_mul(256)?.checked_add(usize::from(digit))?;
    }
    Some((start, start.checked_add(length)?))
}

const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;
/// `INTEGER 0`.
const VERSION_0: [u8; 3] = [0x02, 0x01, 0x00];

#[cfg(test)]
mod tests {
    use rcgen::CertificateParams;
    use rcgen::ExtendedKeyUsagePurpose;
    use rcgen::IsCa;
    use rcgen::KeyPair;
    use rcgen::KeyUsagePurpose;
    use rcgen::SanType;
    use rustls_pki_types::PrivatePkcs1KeyDer;
    use rustls_pki_types::PrivatePkcs8KeyDer;
    use rustls_pki_types::PrivateSec1KeyDer;

    use super::*;

    #[test]
    fn a_key_in_half_a_form_becomes_the_same_key_in_pkcs_8() {
        for algorithm in [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_RSA_SHA256,
        ] {
            let pair = KeyPair::generate_for(algorithm).unwrap();
            let leaf = leaf(&pair);
            let whole = pair.serialize_der();
            let kept = to_pkcs8(&PrivatePkcs8KeyDer::from(whole.clone()).into(), &leaf).unwrap();
            assert_eq!(*kept, whole);

            // Version, algorithm, and the SEC 1 or PKCS #1 key in an octet string.
            let inside = &content(&whole).unwrap()[VERSION_0.len()..];
            let octets = &inside[first_element(inside).unwrap().len()..];
            let inner = content(octets).unwrap().to_vec();
            let half = if algorithm == &rcgen::PKCS_RSA_SHA256 {
                PrivatePkcs1KeyDer::from(inner).into()
            } else {
                PrivateSec1KeyDer::from(inner).into()
            };
            let made = to_pkcs8(&half, &leaf).unwrap();
            let read = KeyPair::try_from(made.as_slice()).unwrap();
            assert_eq!(read.public_key_raw(), pair.public_key_raw());
        }
    }

    #[test]
    fn long_and_short_elements_are_measured() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let mut written = Vec::new();
            element(OCTET_STRING, &vec![7; length], &mut written);
            assert_eq!(content(&written).map(<[u8]>::len), Some(length));
            assert_eq!(first_element(&written), Some(written.as_slice()));
            written.pop();
            assert_eq!(first_element(&written).filter(|_| length > 0), None);
        }
        let marked = [&[SEQUENCE, 0x80][..], &[0; 200]].concat();
        assert_eq!(content(&marked), None);
    }

    fn leaf(pair: &KeyPair) -> Leaf {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.subject_alt_names = vec![SanType::URI("spiffe://example.org/a".try_into().unwrap())];
        Leaf::parse(params.self_signed(pair).unwrap().der()).unwrap()
    }
}
