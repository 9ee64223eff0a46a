//! Everything that is wrong with a configuration, by its path in the file.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mistake {
    /// Where, such as `outbound[1].expect`; empty for the file as a whole.
    pub path: String,
    /// What is wrong and what would be right, on one line.
    pub text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.text);
        }
        write!(f, "{}: {}", self.path, self.text)
    }
}

/// Collects mistakes, so that an operator sees all of them at once.
#[derive(Debug, Default)]
pub(super) struct Mistakes {
    list: Vec<Mistake>,
}

impl Mistakes {
    pub(super) fn add(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.list.push(Mistake {
            path: path.into(),
            text: text.into(),
        });
    }

    /// Parses `text`, or notes why that cannot be done.
    pub(super) fn parse<T>(&mut self, path: impl Into<String>, text: &str) -> Option<T>
    where
        T: std::str::FromStr<Err: std::error::Error>,
    {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(path, format!("`{text}`: {}", chain(&error)));
                None
            }
        }
    }

    /// `value`, or a note that it must be above zero.
    pub(super) fn above_zero<T: Default + PartialEq>(&mut self, path: &str, value: T) -> T {
        if value == T::default() {
            self.add(path, "must be above 0");
        }
        value
    }

    /// `value`, or a note that it must be from `least` to `most`.
    pub(super) fn between<T: Copy + fmt::Display + PartialOrd>(
        &mut self,
        path: &str,
        value: T,
        least: T,
        most: T,
    ) -> T {
        if value < least || value > most {
            self.add(path, format!("must be from {least} to {most}, not {value}"));
        }
        value
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// `settings` if nothing was noted.
    pub(super) fn unless_any<T>(self, settings: Option<T>) -> Result<T, Vec<Mistake>> {
        match settings {
            Some(settings) if self.list.is_empty() => Ok(settings),
            _ => Err(self.list),
        }
    }
}

/// An error with all its causes on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
