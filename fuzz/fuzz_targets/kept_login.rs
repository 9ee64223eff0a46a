//! The file of a login, as any bytes: an answer, never a panic; what is read is
//! written and read back, and names a host that is asked over TLS or is near.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::login::Kept;
use portreeve::login::Site;
use portreeve::session::SessionId;

fuzz_target!(|text: &[u8]| {
    if let Ok(kept) = Kept::parse(text) {
        let written = kept.to_text().unwrap();
        assert_eq!(Kept::parse(written.as_bytes()).unwrap(), kept);
        assert!(SessionId::parse_token(kept.token().as_bytes()).is_ok());
    }
    if let Ok(site) = String::from_utf8_lossy(text).parse::<Site>() {
        let shown = site.as_str();
        assert_eq!(shown.parse::<Site>().unwrap(), site);
        let is_near = ["http://127.", "http://localhost", "http://[::1]"];
        assert!(shown.starts_with("https://") || is_near.iter().any(|near| shown.starts_with(near)));
    }
});
