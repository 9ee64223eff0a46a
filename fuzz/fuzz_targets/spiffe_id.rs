//! A SPIFFE ID is canonical, or it is none.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::id::SpiffeId;

fuzz_target!(|text: &str| {
    let Ok(id) = text.parse::<SpiffeId>() else {
        return;
    };
    assert_eq!(id.as_str(), text, "one name, two spellings");
    assert!(text.len() <= SpiffeId::MAX_BYTES);
    assert_eq!(format!("spiffe://{}{}", id.trust_domain(), id.path()), text);
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(!text.contains(['%', '?', '#', ';', ',', '"', '\\', '@']));
    let segments = id.path().split('/').skip(1);
    assert!(!id.path().ends_with('/'));
    for segment in segments {
        assert!(!matches!(segment, "" | "." | ".."), "{segment:?}");
    }
});
