//! Which paths a template matches, and which templates meet.

use super::*;

#[test]
fn matches_whole_segments() {
    let cases = [
        ("/", &["/"][..], &["/a", "//"][..]),
        (
            "/users",
            &["/users"],
            &["/users/", "/user", "/users/7", "/"],
        ),
        ("/users/", &["/users/"], &["/users", "/users/7"]),
        (
            "/users/{id}",
            &["/users/7", "/users/%2A", "/users/**", "/users/a%2Fb"],
            &["/users", "/users/", "/users/7/", "/users/7/x", "/users%2F7"],
        ),
        (
            "/a/{x}/c/**",
            &["/a/b/c", "/a/b/c/", "/a/b/c/d/e"],
            &["/a//c", "/a/b/cc", "/a/b", "/a/b/b/c"],
        ),
        ("/**", &["/", "/a", "/a/b/"], &[""]),
    ];
    for (template, fit, misfit) in cases {
        let template: Template = template.parse().unwrap();
        for path in fit {
            assert!(template.matches(path), "{template} misses {path}");
        }
        for path in misfit {
            assert!(!template.matches(path), "{template} takes {path}");
        }
    }
}

#[test]
fn rejects_what_could_never_match() {
    use TemplateError::{
        BadCharacter, BadEscape, BadName, BadWildcard, DotSegment, EmptySegment, NoSlash,
        RepeatedName, TooDeep, TooLong,
    };

    let inner = |at, cause| TemplateError::InnerSlash { at, cause };
    let deep = "/a".repeat(65);
    let long = format!("/{}", "a".repeat(1024));
    let cases = [
        ("", NoSlash),
        ("users", NoSlash),
        ("/a//b", EmptySegment { at: 3 }),
        ("/a/../b", DotSegment { at: 3 }),
        ("/a/.", DotSegment { at: 3 }),
        ("/a/*", BadWildcard { at: 3 }),
        ("/a/**/b", BadWildcard { at: 3 }),
        ("/a/b**", BadWildcard { at: 4 }),
        ("/a/{}", BadName { at: 3 }),
        ("/a/{1}", BadName { at: 3 }),
        ("/a/{a-b}", BadName { at: 3 }),
        ("/a/{id}s", BadCharacter { at: 3, found: '{' }),
        ("/a b", BadCharacter { at: 2, found: ' ' }),
        ("/a?b", BadCharacter { at: 2, found: '?' }),
        (
            "/\u{e9}",
            BadCharacter {
                at: 1,
                found: '\u{e9}',
            },
        ),
        ("/%61", BadEscape { at: 1 }),
        ("/%2f", BadEscape { at: 1 }),
        ("/a/..%2Fadmin", inner(3, InnerSlashError::Dot)),
        ("/%e2", BadEscape { at: 1 }),
        ("/%2", BadEscape { at: 1 }),
        ("/{a}/{a}", RepeatedName { name: "a".into() }),
        (deep.as_str(), TooDeep { segments: 65 }),
        (long.as_str(), TooLong { bytes: 1025 }),
    ];
    for (text, why) in cases {
        assert_eq!(text.parse::<Template>(), Err(why), "{text:?}");
    }
    for text in [
        "/%20",
        "/%C3%A9",
        "/a;b=c/@:!$&'()+,",
        "/a/{_x}/**",
        "/a/b%2Fc",
    ] {
        assert_eq!(text.parse::<Template>().unwrap().as_str(), text);
    }
}

#[test]
fn a_template_may_be_as_long_and_as_deep_as_that() {
    let deep = "/a".repeat(64);
    let long = format!("/{}", "a".repeat(1023));
    let [deep, long] = [deep, long].map(|text| text.parse::<Template>().unwrap());
    assert_eq!(deep.segments().len(), 64);
    assert_eq!(long.to_string().len(), 1024);
    assert_eq!(deep, deep.clone());
    assert_ne!(deep, long);
}

#[test]
fn knows_when_two_can_meet() {
    let cases = [
        ("/users/{id}", "/users/me", true),
        ("/users/{id}", "/users/", false),
        ("/a/**", "/a", true),
        ("/a/**", "/b/**", false),
        ("/{x}/b", "/a/{y}", true),
        ("/a/b", "/a", false),
    ];
    for (a, b, meet) in cases {
        let (a, b): (Template, Template) = (a.parse().unwrap(), b.parse().unwrap());
        assert_eq!(a.overlaps(&b), meet, "{a} {b}");
        assert_eq!(b.overlaps(&a), meet, "{b} {a}");
    }
}
