use proptest::prelude::*;

use super::*;

const STRICT: Latitude = Latitude {
    encoded_slashes: EncodedSlashes::Refuse,
    semicolons: Semicolons::Refuse,
};

#[test]
fn keeps_what_has_one_reading() {
    for path in [
        "/",
        "/a/b",
        "/a/",
        "/.well-known/x",
        "/...",
        "/a.b/..c",
        "/~u/(x)!$&'*+,=:@",
        "/%C3%A9",
        "/100%25",
        "/a%20b",
    ] {
        assert_eq!(canonical(path, STRICT).as_deref(), Ok(path));
    }
    assert_eq!(
        canonical("/a;v=1/b", Latitude::WIDEST).as_deref(),
        Ok("/a;v=1/b")
    );
}

#[test]
fn decodes_what_needed_no_escape() {
    for (path, expected) in [
        ("/%61dmin", "/admin"),
        ("/%7euser", "/~user"),
        ("/%c3%a9", "/%C3%A9"),
        ("/a%2eb", "/a.b"),
    ] {
        assert_eq!(canonical(path, STRICT).as_deref(), Ok(expected));
    }
}

#[test]
fn refuses_what_has_two_readings() {
    use PathError::{
        BadCharacter, BadEscape, DotSegment, DoubleEscape, EmptySegment, EscapedSeparator, NoSlash,
        Semicolon,
    };

    let cases = [
        ("", NoSlash),
        ("admin", NoSlash),
        ("*", NoSlash),
        ("//admin", EmptySegment),
        ("/a//b", EmptySegment),
        ("/public/../admin", DotSegment),
        ("/./admin", DotSegment),
        ("/admin/.", DotSegment),
        ("/admin/..", DotSegment),
        ("/%2e%2e/admin", DotSegment),
        ("/.%2E/admin", DotSegment),
        ("/admin%2fx", EscapedSeparator { byte: b'/' }),
        ("/public%2F..%2fadmin", EscapedSeparator { byte: b'/' }),
        ("/public%5c..%5cadmin", EscapedSeparator { byte: b'\\' }),
        ("/admin%00.html", EscapedSeparator { byte: 0 }),
        ("/a%0d%0ab", EscapedSeparator { byte: b'\r' }),
        ("/a%7f", EscapedSeparator { byte: 0x7f }),
        ("/%252e%252e/admin", DoubleEscape),
        ("/%25%32%65/admin", DoubleEscape),
        ("/%252%65/admin", DoubleEscape),
        ("/%25%32e/admin", DoubleEscape),
        ("/%c0%ae", BadEscape),
        ("/%zz", BadEscape),
        ("/%4", BadEscape),
        ("/%", BadEscape),
        ("/public/..;/admin", Semicolon),
        ("/admin;x=1", Semicolon),
        ("/admin%3bx", Semicolon),
        ("/a\\b", BadCharacter { byte: b'\\' }),
        ("/a b", BadCharacter { byte: b' ' }),
        ("/a|b", BadCharacter { byte: b'|' }),
        ("/{a}", BadCharacter { byte: b'{' }),
        ("/a#b", BadCharacter { byte: b'#' }),
        ("/\u{e9}", BadCharacter { byte: 0xc3 }),
    ];
    for (path, why) in cases {
        assert_eq!(canonical(path, STRICT), Err(why), "{path:?}");
    }
}

#[test]
fn an_escaped_slash_is_kept_where_it_is_taken() {
    let takes = Latitude {
        encoded_slashes: EncodedSlashes::Allow,
        ..STRICT
    };
    let kept = [
        ("/projects/group%2fproject", "/projects/group%2Fproject"),
        ("/a%2Fb/%63", "/a%2Fb/c"),
        (
            "/r/https%3A%2f%2fgit.example%2Frepo",
            "/r/https%3A%2F%2Fgit.example%2Frepo",
        ),
        ("/r/https:%2F%2Fh/x", "/r/https:%2F%2Fh/x"),
    ];
    for (path, expected) in kept {
        assert_eq!(canonical(path, takes).as_deref(), Ok(expected));
        let why = PathError::EscapedSeparator { byte: b'/' };
        assert_eq!(canonical(path, STRICT), Err(why), "{path}");
    }
}

#[test]
fn an_escaped_slash_hides_nothing() {
    use PathError::{DoubleEscape, EscapedSeparator};

    let takes = Latitude {
        encoded_slashes: EncodedSlashes::Allow,
        ..STRICT
    };
    let dot = PathError::HiddenSegment {
        cause: InnerSlashError::Dot,
    };
    let empty = PathError::HiddenSegment {
        cause: InnerSlashError::Empty,
    };
    let cases = [
        ("/x%2F..%2Fadmin", dot),
        ("/x/..%2fadmin", dot),
        ("/%2e%2e%2fadmin", dot),
        ("/x%2f%2e%2E", dot),
        ("/x%2F./admin", dot),
        ("/https%3A%2F%2F..%2Fadmin", dot),
        ("/%2Fadmin", empty),
        ("/x%2F/admin", empty),
        ("/x%2F%2Fadmin", empty),
        ("/x/%2f%2fevil.example", empty),
        ("/x%2F", empty),
        ("/x%252F..%252Fadmin", DoubleEscape),
        ("/x%252fadmin", DoubleEscape),
        ("/x%25%32%46admin", DoubleEscape),
        ("/x%2F..%5Cadmin", EscapedSeparator { byte: b'\\' }),
        ("/x%2F%00", EscapedSeparator { byte: 0 }),
        ("/x%c0%afadmin", PathError::BadEscape),
        ("/x%2F;y", PathError::Semicolon),
    ];
    for (path, why) in cases {
        assert_eq!(canonical(path, takes), Err(why), "{path}");
    }
}

/// What a service would make of `path` that decodes it before it reads its segments.
fn decoded_first(path: &str) -> Vec<String> {
    let slashes = path.replace("%2F", "/");
    let url = url::Url::parse(&format!("http://h{slashes}")).unwrap();
    url.path_segments().unwrap().map(str::to_owned).collect()
}

proptest! {
    #[test]
    fn whoever_decodes_first_resolves_nothing_away(
        path in "/(a|\\.|/|:|http|%2[fF]|%2[eE]|%3[aA]|%25|%5C){0,10}"
    ) {
        // The `url` crate drops dot segments as browsers do, in any spelling.
        if let Ok(read) = canonical(&path, Latitude::WIDEST) {
            let slashes = read.replace("%2F", "/");
            let pieces: Vec<_> = slashes.split('/').skip(1).collect();
            prop_assert_eq!(decoded_first(&read), &*pieces);
            // Nor is there a `//` to be merged, but for that of a URL.
            let nothing = pieces.iter().enumerate().filter(|(at, piece)| {
                let is_last = at + 1 == pieces.len() && read.ends_with('/');
                let before = at.checked_sub(1).and_then(|at| pieces.get(at));
                let of_url = before.is_some_and(|before| before.ends_with(':') || before.ends_with("%3A"));
                piece.is_empty() && !is_last && !of_url
            });
            prop_assert_eq!(nothing.count(), 0, "{}", read);
            // What is asked of the policy has the segments that are sent.
            prop_assert_eq!(read.matches('/').count(), path.matches('/').count());
        }
    }

    #[test]
    fn the_canonical_form_is_its_own_canonical_form(path in "/([a-c/.;~]|%[0-9a-fA-F]{2}){0,12}") {
        for latitude in [STRICT, Latitude::WIDEST] {
            if let Ok(once) = canonical(&path, latitude) {
                let twice = canonical(&once, latitude);
                prop_assert_eq!(twice.as_deref(), Ok(once.as_ref()));
            }
        }
    }

    #[test]
    fn equal_after_decoding_means_equal_form(path in "/([a-c.]|%[0-9a-fA-F]{2}){0,8}") {
        // Escaping everything that may be escaped changes nothing.
        if let Ok(plain) = canonical(&path, STRICT) {
            let spelt: String = plain.chars().map(|c| match c {
                'a'..='z' | '.' => format!("%{:02x}", c as u32),
                other => other.to_string(),
            }).collect();
            let again = canonical(&spelt, STRICT);
            prop_assert_eq!(again.as_deref(), Ok(plain.as_ref()));
        }
    }
}
