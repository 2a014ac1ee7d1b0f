//! A scenario: the load, the steps, and what must be seen.

use std::ops::Range;

use super::error::{ScenarioError, Source};
use super::expect::Expect;
use super::hooks::Hooks;
use super::step::Step;
use crate::model::load::options::LoadOptions;

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
    /// Where the file says that.
    pub synchronous_span: Range<usize>,
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
