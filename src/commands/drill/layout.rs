//! How the reports of drills are fitted to standard output.

use super::super::terminal::Terminal;
use crate::report::layout::Layout;

/// The layout of standard output.
pub(crate) fn stdout_layout() -> Layout {
    let terminal = Terminal::stdout();
    Layout { colour: terminal.colour, width: terminal.width, shorten: false }
}
