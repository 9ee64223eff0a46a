//! Any text is translated to policies that load, or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::import::Route;
use portreeve::import::pomerium;

fuzz_target!(|text: &str| {
    let Ok(service) = "orders".parse() else {
        return;
    };
    let route = Route {
        from: None,
        provider: Some("idp".to_owned()),
        service,
    };
    if let Err(refused) = pomerium(text, &route) {
        assert!(!refused.is_empty());
    }
});
