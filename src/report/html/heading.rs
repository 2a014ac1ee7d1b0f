//! Headings: a run stands on a page of its own, or as a section among others.

use maud::{Markup, PreEscaped, html};

/// The level of a section's heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// The page itself: `h1`.
    Page,
    /// A section of it: `h2`.
    Section,
    /// A part of a section: `h3`.
    Part,
}

impl Level {
    /// The level of what is in it.
    pub(super) fn below(self) -> Self {
        match self {
            Self::Page => Self::Section,
            Self::Section | Self::Part => Self::Part,
        }
    }

    /// A heading of this level.
    pub(super) fn heading(self, words: &Markup) -> Markup {
        let name = match self {
            Self::Page => "h1",
            Self::Section => "h2",
            Self::Part => "h3",
        };
        html! { (PreEscaped(format!("<{name}>"))) (words) (PreEscaped(format!("</{name}>"))) }
    }

    /// A heading of words alone.
    pub(super) fn titled(self, words: &str) -> Markup {
        self.heading(&html! { (words) })
    }
}
