//! Where somebody goes once they have signed in: a place on the same origin.
//!
//! A browser reads a `Location` by the URL standard, not by RFC 3986: it takes a
//! backslash for a slash, drops tabs and newlines, and reads `//host` as another
//! host. Only what it can read in one way, as a path, is kept.

use http::uri::PathAndQuery;

use crate::proxy::edge::passage::PLACE;
use crate::proxy::path;
use crate::proxy::path::Latitude;

/// `text` if it is a path on our own origin, else the origin's root.
pub(super) fn checked(text: &str) -> PathAndQuery {
    read(text).unwrap_or_else(|| PathAndQuery::from_static("/"))
}

fn read(text: &str) -> Option<PathAndQuery> {
    if text.len() > MOST_BYTES || !text.starts_with('/') || text.starts_with("//") {
        return None;
    }
    let is_plain = |byte: u8| {
        byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#' | b'"' | b'<' | b'>' | b'`')
    };
    if !text.bytes().all(is_plain) {
        return None;
    }
    let read: PathAndQuery = text.parse().ok()?;
    // The same rules as for what is forwarded: no dot segments, no empty ones, also none in disguise.
    let is_one_path = path::canonical(read.path(), Latitude::WIDEST).is_ok();
    // Signing in leads away from where one signs in.
    let of_ours = read.path().strip_prefix(PLACE).unwrap_or_default();
    let is_ours = of_ours.starts_with("/callback") || of_ours.starts_with("/sign-");
    (is_one_path && !is_ours).then_some(read)
}

/// Longer ones are somebody's trick, or lose no more than their way.
const MOST_BYTES: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_place_on_the_same_origin_is_kept() {
        for text in [
            "/",
            "/a/b?c=d&e=//x",
            "/a%20b",
            "/?next=https://evil.example/",
            "/.portreeve/",
            "/a;b=c",
            "/@evil.example",
        ] {
            assert_eq!(checked(text).as_str(), text);
        }
        let long = format!("/{}", "a".repeat(MOST_BYTES));
        let others = [
            "",
            "a",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/\tevil.example",
            "/\n/evil.example",
            "/%2fevil.example",
            "/%5Cevil.example",
            "/%09/evil.example",
            "/./evil.example",
            "/..//evil.example",
            "/.//evil.example",
            "/a//b",
            "https://evil.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "/a#b",
            "/ü",
            "/a b",
            "?a",
            "/.portreeve/callback/x?code=1",
            "/.portreeve/sign-out",
            "/a\r\nset-cookie: x=y",
            &long,
        ];
        for text in others {
            assert_eq!(checked(text).as_str(), "/", "{text:?}");
        }
    }

    /// Each way to name another host that browsers were ever talked into, by each way to spell it.
    fn elsewhere() -> Vec<String> {
        let pairs = BEGINNINGS
            .iter()
            .flat_map(|begin| HOSTS.iter().map(move |host| format!("{begin}{host}")));
        pairs.collect()
    }

    #[test]
    fn of_hundreds_of_ways_to_another_place_none_leads_there() {
        let base = url::Url::parse("https://apps.example/.portreeve/callback/corp").unwrap();
        let all = elsewhere();
        assert!(all.len() >= 300, "{}", all.len());
        for text in all {
            let kept = checked(&text);
            // As a browser reads it.
            let led = base.join(kept.as_str()).unwrap();
            assert_eq!(led.origin(), base.origin(), "{text:?} was kept as {kept}");
            assert!(!led.path().starts_with("//"), "{text:?} was kept as {kept}");
        }
        // The twin: what is a place here is kept as it is.
        for text in [
            "/",
            "/a/b?c=//evil.example",
            "/a%20b",
            "/@evil.example",
            "/evil.example",
        ] {
            assert_eq!(checked(text).as_str(), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_kept_is_on_our_origin(text in "\\PC{0,24}|[/\\\\%.a2f5cC:@?#;\t ]{0,16}") {
            let base = url::Url::parse("https://apps.example/x").unwrap();
            let led = base.join(checked(&text).as_str()).unwrap();
            proptest::prop_assert_eq!(led.origin(), base.origin());
        }
    }

    const BEGINNINGS: &[&str] = &[
        "//",
        "///",
        "////",
        "/\\",
        "\\/",
        "\\\\",
        "/\\/",
        "//\\",
        "/%2f",
        "/%5c",
        "/%2F/",
        "/%5C/",
        "/%09/",
        "/%0a/",
        "/%0d/",
        "/%00/",
        "/\t/",
        "/\n/",
        "/\r/",
        "/ /",
        "/./",
        "/../",
        "/.//",
        "/..//",
        "/;/",
        "/.\\",
        "https://",
        "https:",
        "https:/",
        "https:\\\\",
        "http://",
        "http:",
        "HTTPS://",
        "//user@",
        "//user:pw@",
        "https://apps.example@",
        "//apps.example@",
        "javascript:",
        "data:text/html,",
        "vbscript:",
        "file:///",
        "\u{2044}/",
        "/\u{2044}",
        "/\u{3002}/",
        "?//",
        "#//",
    ];
    const HOSTS: &[&str] = &[
        "evil.example",
        "evil.example/",
        "evil.example%2f..",
        "evil.example:443",
        "evil.example#x",
        "evil.example?x",
        "[::1]",
        "0x7f000001",
        "evil%2eexample",
        "EVIL.example/apps.example",
    ];
}
