//! Our pages: few words, no script, nothing from elsewhere.

use std::fmt;

/// Text as HTML shows it.
#[derive(Debug)]
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
            f.write_str(plain)?;
            let mut characters = special.chars();
            f.write_str(match characters.next() {
                Some('&') => "&amp;",
                Some('<') => "&lt;",
                Some('>') => "&gt;",
                Some('"') => "&quot;",
                _ => "&#39;",
            })?;
            rest = characters.as_str();
        }
        f.write_str(rest)
    }
}

/// A whole page. `body` is HTML.
pub(super) fn page(title: &str, body: &str) -> String {
    let title = Shown(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <link rel=\"stylesheet\" href=\"/.portreeve/style.css\">\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Names and values, where there are values. Both become text.
pub(super) fn facts(facts: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let mut list = String::from("<dl>\n");
    for (name, value) in facts {
        list.push_str(&format!(
            "<dt>{}</dt><dd>{}</dd>\n",
            Shown(name),
            Shown(&value)
        ));
    }
    list.push_str("</dl>\n");
    list
}

/// How they look. The colours are the window's as well.
pub(super) const STYLE: &str = concat!(include_str!("palette.css"), include_str!("style.css"));

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
        assert!(page("<b>", "").contains("<title>&lt;b&gt;</title>"));
        assert!(facts([("<", ">".to_owned())]).contains("<dt>&lt;</dt><dd>&gt;</dd>"));
    }

    proptest! {
        #[test]
        fn shown_text_has_no_character_of_markup_and_is_read_back(text in "\\PC{0,40}") {
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
