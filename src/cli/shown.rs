//! Texts that others chose, on a terminal: they must not order it about.

/// `text` with a mark in place of each character that a terminal acts on, or that
/// nobody sees.
pub(super) fn shown(text: &str) -> String {
    let plain = |c: char| {
        if c.is_control() || is_invisible(c) {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(plain).collect()
}

/// Whether it joins, hides or turns what is beside it.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::shown;
    use proptest::proptest;

    #[test]
    fn what_a_terminal_would_act_on_is_a_mark() {
        for (text, told) in [
            ("/orders/{id}", "/orders/{id}"),
            ("Zoë 名", "Zoë 名"),
            ("a\u{1b}[2Jb", "a\u{fffd}[2Jb"),
            (
                "a\u{9b}2J\r\n\t\u{7f}",
                "a\u{fffd}2J\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
            ),
            ("\u{202e}gro\u{2066}\u{200b}", "\u{fffd}gro\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(shown(text), told);
        }
    }

    proptest! {
        #[test]
        fn nothing_of_any_text_is_a_control(text: String) {
            let told = shown(&text);
            assert_eq!(told.chars().count(), text.chars().count());
            assert!(!told.chars().any(char::is_control));
        }
    }
}
