//! Names and values in the form that is posted, and that stands in a query.

use std::fmt;
use std::fmt::Write as _;

use zeroize::Zeroizing;

/// `name=value&…`, escaped (`application/x-www-form-urlencoded`). It may hold
/// secrets, and is never shown.
#[derive(Default)]
pub struct Form(Zeroizing<String>);

impl Form {
    /// One with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, and `name` with `value`.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let separator = if self.0.is_empty() { "" } else { "&" };
        let value = escaped(value);
        for part in [separator, &escaped(name), "=", &value] {
            self.0.push_str(part);
        }
        self
    }

    /// As it is posted.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Form(…)")
    }
}

/// What is neither a letter, a digit nor one of `-._` as `%XX`. A space is
/// `%20`, which is read the same in a form and in any other part of a URL.
pub(super) fn escaped(text: &str) -> Zeroizing<String> {
    // Enough for all of it, so that no half-written secret is left behind.
    let mut written = Zeroizing::new(String::with_capacity(text.len() * 3));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            written.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _always = write!(written, "%{byte:02X}");
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_in_a_value_divides() {
        let form = Form::new().with("a", "b c").with("d&", "=e&f+%~é");
        assert_eq!(form.as_str(), "a=b%20c&d%26=%3De%26f%2B%25%7E%C3%A9");
        assert_eq!(Form::new().as_str(), "");
        assert_eq!(format!("{form:?}"), "Form(…)");
    }

    proptest! {
        #[test]
        fn any_text_is_read_back(name in "\\PC{1,8}", value in "\\PC{0,16}") {
            let form = Form::new().with(&name, &value);
            let (left, right) = form.as_str().split_once('=').unwrap();
            prop_assert_eq!(unescaped(left), name);
            prop_assert_eq!(unescaped(right), value);
        }
    }

    fn unescaped(text: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let pair = [rest.next().unwrap(), rest.next().unwrap()];
                let pair = std::str::from_utf8(&pair).unwrap();
                bytes.push(u8::from_str_radix(pair, 16).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    }
}
