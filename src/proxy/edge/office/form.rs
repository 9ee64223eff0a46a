//! The parameters of a query or of a form (`application/x-www-form-urlencoded`).

use std::collections::BTreeMap;

use crate::policy;
use crate::proxy::edge::errand::Asked;

/// Parameters by name, each once.
#[derive(Debug, Default)]
pub(in crate::proxy::edge) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads `text`; none if a name comes twice, or something is no text: what
    /// has two readings is not what a provider or a browser sends (RFC 6749 3.1).
    pub(in crate::proxy::edge) fn parse(text: &str) -> Option<Self> {
        let mut all = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if all.insert(decoded(name)?, decoded(value)?).is_some() {
                return None;
            }
        }
        Some(Self(all))
    }

    /// The one that was posted with `asked`, if it is one.
    pub(super) fn posted(asked: &Asked) -> Option<Self> {
        let text = std::str::from_utf8(&asked.body).ok();
        Self::parse(text.filter(|_| asked.is_form)?)
    }

    /// The value of the parameter `name`, unless it is empty.
    pub(in crate::proxy::edge) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }
}

fn decoded(text: &str) -> Option<String> {
    let text = String::from_utf8(policy::unescaped(text)?).ok()?;
    (!text.contains('\0')).then_some(text)
}

/// `text` as the value of a parameter.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_comes_twice_or_is_no_text_is_not_read() {
        let form = Form::parse("code=a%2Bb+c&&state=&iss=https%3a%2f%2Fop").unwrap();
        assert_eq!(form.get("code"), Some("a+b c"));
        assert_eq!(form.get("iss"), Some("https://op"));
        assert_eq!((form.get("state"), form.get("other")), (None, None));
        for text in [
            "a=1&a=1",
            "a=1&%61=2",
            "a=%",
            "a=%4",
            "a=%zz",
            "a=%ff",
            "a=%00",
            "%+1",
        ] {
            assert!(Form::parse(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(name in "[a-z]{1,4}", value in "\\PC{1,12}") {
            prop_assume!(!value.contains('\0'));
            let text = format!("{name}={}", encoded(&value));
            let form = Form::parse(&text).unwrap();
            prop_assert_eq!(form.get(&name), Some(value.as_str()));
        }

        #[test]
        fn nothing_is_too_strange(text in "\\PC{0,40}|[a%&=+0-9]{0,20}") {
            drop(Form::parse(&text));
        }
    }
}
