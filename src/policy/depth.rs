//! How deep the syntax tree of a policy can be, told from its text.
//!
//! Cedar parses, checks and drops its trees by recursion, 4 KB of stack for an
//! operator and 20 KB for a bracket, and a stack that ends ends the process. A
//! policy that could be too deep is refused before Cedar sees it.

/// The deepest that is let through. Measured on a thread of 2 MB, the standard
/// library's default, which ends at 585. Nobody reads that far.
pub(super) const MAX_DEPTH: usize = 256;

/// An upper bound of the depth, in operators.
pub(super) fn depth(text: &str) -> usize {
    let mut open = vec![Group::default()];
    let mut deepest = 0;
    let mut bytes = text.bytes().peekable();
    let mut word_before = false;
    while let Some(byte) = bytes.next() {
        let word = byte.is_ascii_alphanumeric() || byte == b'_';
        let Some(group) = open.last_mut() else { break };
        match byte {
            b'"' => skip_string(&mut bytes),
            b'/' if bytes.peek() == Some(&b'/') => {
                while bytes.next_if(|&b| b != b'\n' && b != b'\r').is_some() {}
            }
            b'(' | b'[' | b'{' => open.push(Group::default()),
            b')' | b']' | b'}' => {
                let inside = group.depth() + BRACKET;
                deepest = deepest.max(inside);
                open.pop();
                match open.last_mut() {
                    Some(around) => around.inside = around.inside.max(inside),
                    // One bracket too many.
                    None => open.push(Group::default()),
                }
            }
            // What is listed stands side by side.
            b',' => group.next(),
            b'.' | b'!' | b'=' | b'<' | b'>' => group.steps += 1,
            b'&' | b'|' => {
                bytes.next_if_eq(&byte);
                group.operator();
            }
            b'+' | b'-' | b'*' => group.operator(),
            b'i' if !word_before && bytes.peek() == Some(&b'f') => group.operator(),
            _ => {}
        }
        word_before = word;
    }
    // A bracket that is never closed may hold the deepest part.
    let unclosed: usize = open.iter().map(|group| group.depth() + BRACKET).sum();
    deepest.max(unclosed)
}

/// What is open between two brackets.
#[derive(Debug, Default)]
struct Group {
    /// Operators since the last comma: each may hold all that stand before it.
    operators: usize,
    /// Prefixes, attributes and comparisons since the last operator, and the
    /// most of them between two: each holds the one before it.
    steps: usize,
    most_steps: usize,
    /// The deepest bracket in it.
    inside: usize,
    /// The deepest part before the last comma.
    before: usize,
}

impl Group {
    fn operator(&mut self) {
        self.operators += 1;
        self.most_steps = self.most_steps.max(self.steps);
        self.steps = 0;
    }

    fn next(&mut self) {
        *self = Self {
            before: self.depth(),
            ..Self::default()
        };
    }

    fn depth(&self) -> usize {
        let part = self.operators + self.most_steps.max(self.steps) + self.inside;
        part.max(self.before)
    }
}

/// Past the closing quote, or to the end where there is none.
fn skip_string(bytes: &mut impl Iterator<Item = u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

/// A bracket takes as much stack as so many operators.
const BRACKET: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_counts_and_what_stands_beside_does_not() {
        let cases = [
            ("", 6),
            ("a || b || c", 2 + 6),
            ("a.b == 1 && c", 3 + 1 + 6),
            ("a.b.c, d.e, f", 2 + 6),
            ("!!!a", 3 + 6),
            ("[a, [b], c]", 3 * 6),
            ("[[[", 4 * 6),
            ("]]]", 6),
            ("f(a || b) || c", 2 + 2 * 6),
            ("\"((((\\\"((\"", 6),
            ("a // ((((\n b", 6),
            ("if a then b else if c then d else e", 2 + 6),
            ("iff notif", 6 + 1),
            ("a + b - c * d", 3 + 6),
            // No operator of Cedar's, but it may not hide what follows.
            ("a / ((((\n b", 5 * 6),
            ("a // ((((\n [b]", 2 * 6),
            ("a // ((((\r [b]", 2 * 6),
        ];
        for (text, expected) in cases {
            assert_eq!(depth(text), expected, "{text}");
        }
    }
}
