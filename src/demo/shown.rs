//! Text on a page of the demo.

use std::fmt;

/// Text as HTML shows it.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(['&', '<', '>', '"', '\'']) {
            let plain = part.trim_end_matches(['&', '<', '>', '"', '\'']);
            f.write_str(plain)?;
            f.write_str(match part.strip_prefix(plain) {
                Some("&") => "&amp;",
                Some("<") => "&lt;",
                Some(">") => "&gt;",
                Some("\"") => "&quot;",
                Some("'") => "&#39;",
                _ => "",
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_shown_cannot_become_a_part_of_the_page() {
        let said = Shown("<script>alert('x' && \"y\")</script>").to_string();
        assert_eq!(
            said,
            "&lt;script&gt;alert(&#39;x&#39; &amp;&amp; &quot;y&quot;)&lt;/script&gt;"
        );
    }

    proptest! {
        #[test]
        fn shown_text_is_read_back(text in "[a-z&<>\"' ]{0,40}") {
            let shown = Shown(&text).to_string();
            prop_assert!(!shown.contains(['<', '>', '"', '\'']));
            let back = shown
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&#39;", "'")
                .replace("&amp;", "&");
            prop_assert_eq!(back, text);
        }
    }
}
