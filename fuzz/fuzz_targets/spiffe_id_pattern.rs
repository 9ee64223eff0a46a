//! A pattern is written as it was read, and fits nobody of another trust domain.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::id::SpiffeId;
use portreeve::id::SpiffeIdPattern;

fuzz_target!(|input: (&str, &str)| {
    let (text, id) = input;
    let Ok(pattern) = text.parse::<SpiffeIdPattern>() else {
        return;
    };
    assert_eq!(pattern.to_string(), text);
    if let Ok(own) = text.parse::<SpiffeId>() {
        assert!(pattern.fits(&own));
    }
    let Ok(id) = id.parse::<SpiffeId>() else {
        return;
    };
    if pattern.fits(&id) {
        let start = format!("spiffe://{}/", id.trust_domain());
        assert!(text.starts_with(&start), "{text} {id}");
    }
});
