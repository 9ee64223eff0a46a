//! A screen of our own, on top of what the terminal shows; that is there again when it is dropped.

use std::io;
use std::io::stdout;

use rustix::termios::tcgetwinsize;

use crate::cli::print;
use crate::cli::top::table::Table;

/// The terminal's other screen.
#[derive(Debug)]
pub(super) struct Screen(());

impl Screen {
    /// Shows an empty screen, without a cursor.
    pub(super) fn open() -> io::Result<Self> {
        let screen = Self(());
        print::whole(OPEN)?;
        Ok(screen)
    }

    /// Draws all of it anew, in one write.
    pub(super) fn draw(&self, table: &Table) -> io::Result<()> {
        let size = tcgetwinsize(stdout())?;
        // A cursor in the last column would stay there, and what is deleted behind it begins with that.
        let columns = usize::from(size.ws_col).saturating_sub(1);
        let lines = table.lines(columns, usize::from(size.ws_row));
        let mut text = HOME.to_owned();
        text.push_str(&lines.join(NEXT_LINE));
        text.push_str(REST);
        print::whole(text.as_bytes())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Whoever reads may have gone: then there is nothing to show again.
        drop(print::whole(CLOSE));
    }
}

/// The other screen, no cursor, and what is too long for a line is cut.
const OPEN: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?7l";
const CLOSE: &[u8] = b"\x1b[?7h\x1b[?25h\x1b[?1049l";
const HOME: &str = "\u{1b}[H";
/// What was behind a line, and below the last, goes.
const NEXT_LINE: &str = "\u{1b}[K\r\n";
const REST: &str = "\u{1b}[K\u{1b}[J";
