//! When there is colour, and which.

use std::io::IsTerminal as _;
use std::io::stdout;

use clap::ValueEnum;

use crate::config;

/// When there is colour.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum When {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl When {
    pub(super) fn palette(self) -> Palette {
        match self {
            Self::Always => Palette::Coloured,
            Self::Auto if stdout().is_terminal() && !config::wants_no_color() => Palette::Coloured,
            Self::Auto | Self::Never => Palette::Plain,
        }
    }
}

/// Whether there is colour now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Palette {
    Coloured,
    Plain,
}

/// What a text means, which its words say as well.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tone {
    Bad,
    Faint,
    Good,
    Strong,
}

impl Tone {
    /// `text` in its colour, if there is to be any.
    pub(super) fn paint(self, text: &str, palette: Palette) -> String {
        if palette == Palette::Plain {
            return text.to_owned();
        }
        let code = match self {
            Self::Bad => "31",
            Self::Faint => "2",
            Self::Good => "32",
            Self::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
