//! Any text is a path in its one form or refused; what is a path stays one, and hides
//! nothing from whoever decodes it first.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::proxy::Latitude;
use portreeve::proxy::canonical_path;

fuzz_target!(|text: &str| {
    let strict = canonical_path(text, Latitude::default());
    let wide = canonical_path(text, Latitude::WIDEST);
    if let Ok(path) = &strict {
        assert_eq!(wide.as_ref(), Ok(path));
        assert!(!path.contains(['\\', ';']) && !path.contains("%2F"));
    }
    let Ok(path) = wide else {
        return;
    };
    assert_eq!(canonical_path(&path, Latitude::WIDEST).as_ref(), Ok(&path));
    assert_eq!(path.matches('/').count(), text.matches('/').count());
    let decoded = path.replace("%2F", "/");
    assert!(!decoded.split('/').any(|piece| matches!(piece, "." | "..")));
    assert!(!decoded.starts_with("//"));
});
