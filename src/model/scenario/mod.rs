//! A drill as its file has it: the load, the steps, and what must be seen.
//!
//! A scenario is TOML. The whole schema, in words, is what `pgchaos drill show --schema` prints
//! ([`SCHEMA`]); this is its reader. An error points at file, line and column.
//!
//! - [`error`], `fields`: how an error finds its place; [`count`]: numbers and ranges.
//! - [`step`], [`expect`], [`hooks`]: the parts of a scenario.
//! - `read`: from text to a [`Scenario`], with what must fit together checked.

mod concealed;
pub mod count;
pub mod error;
pub mod expect;
mod fields;
pub mod hooks;
mod load;
mod read;
pub mod step;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::options::LoadOptions;
use error::{ScenarioError, Source};
use expect::Expect;
pub use fields::instead;
use hooks::Hooks;
use step::Step;

/// The schema for people, as a scenario that explains itself.
pub const SCHEMA: &str = include_str!("schema.toml");

/// What a drill can run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum On {
    /// The local cluster of plain processes.
    Lab,
    /// The Docker Compose project.
    Compose,
    /// Any cluster, by commands of the user's.
    Hooks,
}

impl On {
    /// All of them, by their names.
    pub const ALL: [(&'static str, Self); 3] =
        [("lab", Self::Lab), ("compose", Self::Compose), ("hooks", Self::Hooks)];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::Compose => "compose",
            Self::Hooks => "hooks",
        }
    }
}

/// The way that the load takes to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// One port, behind which the proxy finds the primary.
    Proxy,
    /// Every member's own port, where they can be reached; pgchaos finds the primary by itself.
    Members,
}

/// A drill.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its name: the file's, without the ending.
    pub name: String,
    /// In a line.
    pub title: String,
    /// In some lines; may be empty.
    pub description: String,
    /// What it can run on, the first by default.
    pub on: Vec<On>,
    /// What the cluster must be: synchronous, or not; `None` is either.
    pub synchronous: Option<bool>,
    /// The load.
    pub load: LoadOptions,
    /// The way that it takes.
    pub through: Through,
    /// The steps.
    pub steps: Vec<Step>,
    /// What must be seen of the whole run.
    pub expect: Expect,
    /// How the cluster is broken and mended, where it is by commands.
    pub hooks: Option<Hooks>,
    /// The text, to point into.
    pub source: Source,
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// [`ScenarioError`], with the line.
    pub fn read(name: &str, file: &str, text: &str) -> Result<Self, ScenarioError> {
        read::scenario(name, &Source { file: file.to_owned(), text: text.to_owned() })
    }

    /// An error that is found later, at a place in the file.
    #[must_use]
    pub fn error(&self, span: &Range<usize>, message: impl Into<String>) -> ScenarioError {
        self.source.error(span, message)
    }

    /// The line of a step.
    #[must_use]
    pub fn line(&self, span: &Range<usize>) -> usize {
        self.source.line(span.start)
    }
}
