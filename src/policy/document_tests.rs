use super::*;

#[test]
fn a_text_is_read_up_to_its_limit() {
    let most = " ".repeat(Document::MAX_BYTES);
    assert!(matches!(
        Document::parse(&most),
        Err(DocumentError::Malformed { .. })
    ));
    assert!(matches!(
        Document::parse(&format!("{most} ")),
        Err(DocumentError::TooLarge { bytes }) if bytes == Document::MAX_BYTES + 1
    ));
}

#[test]
fn whose_callers_come_is_for_each_reader_to_say() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        trust_domains: ["td".parse().unwrap()].into(),
        ..Settings::default()
    };
    let document = Document::load(dir.path(), &settings).unwrap();
    assert!(document.settings.trust_domains.is_empty());
}

#[test]
fn a_digest_is_the_sha256_of_the_text() {
    // FIPS 180-2, appendix B.1.
    let hex: String = Document::digest("abc")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hex,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}
