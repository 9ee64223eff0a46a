//! What a CA of the web says, and what is written about one: refused, or as good as it promises.

#![no_main]

use std::time::Duration;
use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use portreeve::acme::Answer;
use portreeve::acme::Contact;
use portreeve::acme::ExternalKey;
use portreeve::acme::Issued;
use portreeve::acme::retry_after;

fuzz_target!(|bytes: &[u8]| {
    let _key = ExternalKey::parse(bytes);
    let _answer = Answer::shown(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(contact) = text.parse::<Contact>() {
        assert_eq!(contact.as_str(), text);
        assert_eq!(text.matches('@').count(), 1);
    }
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    if let Some(said) = retry_after(text, now) {
        assert!(said <= Duration::from_secs(86_400));
    }
    if let Ok(issued) = Issued::read(text, "a.example") {
        assert!(issued.begins <= issued.ends);
        assert!(Issued::read(issued.as_str(), "b.example").is_err());
    }
});
