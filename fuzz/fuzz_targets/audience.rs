//! An audience names those who were asked for, each once, and can be said again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::jwt::Audience;

fuzz_target!(|text: &str| {
    let asked: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let Ok(audience) = Audience::try_from(asked.clone()) else {
        return;
    };
    assert!(audience.names().len() <= Audience::MOST);
    for name in audience.names() {
        assert!(asked.contains(name));
        assert!(!name.is_empty() && name.len() <= Audience::MAX_BYTES);
        assert!(!name.chars().any(char::is_control));
    }
    assert_eq!(Audience::try_from(audience.names().to_vec()), Ok(audience));
});
