//! Tables of the page, each in a frame that scrolls where the page is narrow.

use maud::{Markup, Render, html};

/// Rows of a table, and elements of one kind in a picture, at most: more make a page that does not
/// open at once. What is left out is counted.
pub(super) const SHOWN_MAX: usize = 500;

/// Tables with so many columns are wider than a phone: the style gives them a width, and words that they scroll.
const WIDE_COLUMNS: usize = 4;

/// The class of the frame around a table of so many columns.
pub(super) fn frame(columns: usize) -> &'static str {
    if columns >= WIDE_COLUMNS { "scroll wide" } else { "scroll" }
}

/// A table, of which each row is a list of cells: texts, or what they are marked up as.
pub(super) struct HtmlTable<'a, Cell = String> {
    pub(super) caption: &'a str,
    pub(super) head: &'a [(&'a str, CellsOf)],
    pub(super) rows: Vec<Vec<Cell>>,
    /// Rows that are left out.
    pub(super) more: usize,
}

/// What a column has: numbers stand to the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellsOf {
    Texts,
    Numbers,
}

impl<Cell: Render> HtmlTable<'_, Cell> {
    pub(super) fn markup(&self) -> Markup {
        let class = |column: usize| match self.head.get(column).map(|(_, cells)| cells) {
            Some(CellsOf::Numbers) => Some("n"),
            _ => None,
        };
        html! {
            div class=(frame(self.head.len())) tabindex="0" role="group" aria-label=(self.caption) {
                table {
                    caption { (self.caption) }
                    thead {
                        tr {
                            @for (n, (name, _)) in self.head.iter().enumerate() {
                                th scope="col" class=[class(n)] { (name) }
                            }
                        }
                    }
                    tbody {
                        @for row in &self.rows {
                            tr {
                                @for (n, cell) in row.iter().enumerate() {
                                    td class=[class(n)] { (cell) }
                                }
                            }
                        }
                    }
                }
                @if self.more > 0 { p class="dim" { "and " (self.more) " more, in the JSON report" } }
            }
        }
    }
}
