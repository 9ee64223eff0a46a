//! Notes and their keys, held against those of Go's package `note`.

use proptest::proptest;

use super::*;

// The key pair and the note of the documentation of Go's package `note`.
const THEIR_SECRET: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const THEIR_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const THEIR_TEXT: &str = "If you think cryptography is the answer to your problem,\n\
     then you don't know what your problem is.\n";

#[test]
fn keys_and_signatures_are_those_that_go_makes() {
    let key: SigningKey = THEIR_SECRET.parse().unwrap();
    assert_eq!(key.verifier().to_string(), THEIR_KEY);
    assert_eq!(key.secret().unwrap().as_str(), THEIR_SECRET);
    let note = key.sign(THEIR_TEXT);
    let theirs = "\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    assert_eq!(note, format!("{THEIR_TEXT}{theirs}"));
    let verifier: VerifierKey = THEIR_KEY.parse().unwrap();
    assert_eq!(verifier.open(&note), Ok(THEIR_TEXT));
    assert!(!format!("{key:?}").contains("AYEKFALV"));
}

#[test]
fn a_key_that_is_none_is_refused_with_the_reason() {
    let secret = |text: &str| text.parse::<SigningKey>().err();
    let key = |text: &str| text.parse::<VerifierKey>().err();
    assert_eq!(secret(THEIR_KEY), Some(SECRET));
    assert_eq!(key(THEIR_SECRET), Some(PUBLIC));
    assert_eq!(key(""), Some(PUBLIC));
    assert_eq!(
        key(&THEIR_KEY.replace("c74f20a3", "C74F20A3")),
        Some(PUBLIC)
    );
    assert_eq!(
        key(&THEIR_KEY.replace("c74f20a3", "c74f20a4")),
        Some(KeyError::Id)
    );
    assert_eq!(
        secret(&THEIR_SECRET.replace("Peter", "Pater")),
        Some(KeyError::Id)
    );
    let other = THEIR_KEY.replace("+ARpc", "+Ahpc");
    assert_eq!(key(&other), Some(KeyError::Algorithm { found: 2 }));
    assert_eq!(key(&THEIR_KEY.replace("10TW", "")), Some(PUBLIC));
    for name in ["", "a b", "a+b", "a\nb", &"x".repeat(256)] {
        let name = name.to_owned();
        assert_eq!(
            SigningKey::generate(&name).err(),
            Some(KeyError::Name { name })
        );
    }
}

#[test]
fn a_note_is_believed_only_as_it_was_signed_and_by_whom() {
    let (ours, other) = (
        SigningKey::generate("a").unwrap(),
        SigningKey::generate("a").unwrap(),
    );
    let note = ours.sign("text\n\nand more\n");
    assert_eq!(ours.verifier().open(&note), Ok("text\n\nand more\n"));
    assert!(matches!(
        other.verifier().open(&note),
        Err(NoteError::Unknown { .. })
    ));
    let changed = note.replace("text", "tixt");
    let bad = NoteError::BadSignature {
        name: "a".to_owned(),
    };
    assert_eq!(ours.verifier().open(&changed), Err(bad));
    let both = format!(
        "{note}{}",
        other
            .sign("text\n\nand more\n")
            .rsplit_once("\n\n")
            .unwrap()
            .1
    );
    assert_eq!(ours.verifier().open(&both), Ok("text\n\nand more\n"));
    assert_eq!(other.verifier().open(&both), Ok("text\n\nand more\n"));
    for broken in [
        note.trim_end(),
        &note.replace("\n\n", "\n"),
        &note.replace('\u{2014}', "-"),
        &note.replace("text", "te\tt"),
        "text\n\n",
        "",
    ] {
        assert_eq!(
            ours.verifier().open(broken),
            Err(NoteError::Malformed),
            "{broken:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_taken(text: String) {
        let _key = text.parse::<VerifierKey>();
        let _secret = text.parse::<SigningKey>();
        let _text = unproven(&text);
    }

    #[test]
    fn what_was_signed_is_opened(words in "[ -~\u{e4}\n]{0,80}") {
        let key: SigningKey = THEIR_SECRET.parse().unwrap();
        let text = format!("{words}\n");
        let note = key.sign(&text);
        assert_eq!(key.verifier().open(&note), Ok(text.as_str()));
    }
}
