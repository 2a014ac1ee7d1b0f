//! What must be seen: of the whole run, or after one step.

use std::time::Duration;

use super::command_line::{self, CommandLine};
use super::count::Count;
use super::error::ScenarioError;
use super::fields::{Fields, Value};
use crate::model::fault::Class;
use crate::model::load::values;
use crate::model::outage::kind::Kind;
use crate::model::outcome::Outcome;

/// What must be seen. What is not said is not judged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expect {
    /// How many outages.
    pub outages: Option<Count>,
    /// The kind of the longest one is one of these.
    pub kind: Vec<Kind>,
    /// The kind of each, in order; each is one of several.
    pub kinds: Option<Vec<Vec<Kind>>>,
    /// No outage is longer.
    pub longest: Option<Duration>,
    /// Classes of errors that must appear; each is one of several.
    pub errors: Vec<Vec<Class>>,
    /// Classes that must appear for the first time in this order.
    pub errors_in_order: Vec<Class>,
    /// Classes that must not appear.
    pub no_errors: Vec<Class>,
    /// How many acknowledged writes are lost.
    pub lost: Option<Count>,
    /// Two primaries acknowledge at the same time for no longer; for no time if not said. Of the whole run only.
    pub two_primaries: Option<Duration>,
    /// The least share of due writes that is acknowledged, in percent. Of the whole run only.
    pub min_availability_pct: Option<f64>,
    /// What the run's own verdict is. Of the whole run only, and pass if not said.
    pub verdict: Option<Outcome>,
    /// Numbers that commands count for themselves. Of the whole run only.
    pub counted: Vec<Counted>,
}

/// A number that a command prints, and the number of pgchaos that it must equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The command.
    pub command: CommandLine,
    /// The number.
    pub equals: Number,
}

/// A number of pgchaos.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// Writes of the run that are there.
    Present,
    /// Acknowledged writes that are gone.
    Lost,
}

const OUTCOMES: [(&str, Outcome); 3] =
    [("pass", Outcome::Pass), ("inconclusive", Outcome::Inconclusive), ("fail", Outcome::Fail)];

const OF_A_STEP: [&str; 8] = [
    "outages",
    "kind",
    "kinds",
    "longest-outage",
    "errors",
    "errors-in-order",
    "no-errors",
    "lost",
];

impl Expect {
    /// Of one step.
    pub(super) fn of_step(value: &Value<'_>) -> Result<Self, ScenarioError> {
        let fields = value.fields()?;
        fields.only("what is expected of a step", &OF_A_STEP)?;
        Self::common(&fields)
    }

    /// Of the whole run.
    pub(super) fn of_run(value: &Value<'_>) -> Result<Self, ScenarioError> {
        let fields = value.fields()?;
        let mut known: Vec<&str> =
            OF_A_STEP.iter().filter(|key| **key != "errors-in-order").copied().collect();
        known.extend(["availability", "two-primaries", "verdict", "counted"]);
        if let Some(value) = fields.get("errors-in-order") {
            return Err(value.wrong("errors-in-order belongs to one step: step.expect"));
        }
        fields.only("[expect]", &known)?;
        let mut expect = Self::common(&fields)?;
        if let Some(value) = fields.get("availability") {
            let written = value.written()?;
            let percentage = written.trim().trim_start_matches(">=").trim();
            expect.min_availability_pct =
                Some(values::percentage(percentage).map_err(|words| value.wrong(words))?);
        }
        if let Some(value) = fields.get("two-primaries") {
            expect.two_primaries = Some(value.duration()?);
        }
        if let Some(value) = fields.get("verdict") {
            expect.verdict = Some(value.one_of("verdict", &OUTCOMES)?);
        }
        if let Some(value) = fields.get("counted") {
            expect.counted =
                value.one_or_more()?.iter().map(Counted::read).collect::<Result<_, _>>()?;
        }
        Ok(expect)
    }

    fn common(fields: &Fields<'_>) -> Result<Self, ScenarioError> {
        let mut expect = Self {
            outages: fields.get("outages").map(|value| Count::read(&value)).transpose()?,
            longest: fields.get("longest-outage").map(|value| value.duration()).transpose()?,
            lost: fields.get("lost").map(|value| Count::read(&value)).transpose()?,
            ..Self::default()
        };
        if let Some(value) = fields.get("kind") {
            expect.kind = alternatives(&value, kind)?;
        }
        if let Some(value) = fields.get("kinds") {
            let each = value.list()?;
            expect.kinds =
                Some(each.iter().map(|value| alternatives(value, kind)).collect::<Result<_, _>>()?);
        }
        if let Some(value) = fields.get("errors") {
            let each = value.one_or_more()?;
            expect.errors =
                each.iter().map(|value| alternatives(value, class)).collect::<Result<_, _>>()?;
        }
        if let Some(value) = fields.get("errors-in-order") {
            expect.errors_in_order = value.list()?.iter().map(class).collect::<Result<_, _>>()?;
        }
        if let Some(value) = fields.get("no-errors") {
            expect.no_errors = alternatives(&value, class)?;
        }
        Ok(expect)
    }

    /// How many lost writes are no failure of the run.
    #[must_use]
    pub fn max_lost(&self) -> u64 {
        self.lost.map_or(0, |lost| lost.max.unwrap_or(u64::MAX))
    }
}

impl Counted {
    fn read(value: &Value<'_>) -> Result<Self, ScenarioError> {
        let fields = value.fields()?;
        fields.only("a number to be counted", &["exec", "equals"])?;
        let exec = fields.get("exec").ok_or_else(|| fields.wrong("exec is missing: a command"))?;
        let equals = fields
            .get("equals")
            .ok_or_else(|| fields.wrong("equals is missing: \"present\" or \"lost\""))?;
        let numbers = [("present", Number::Present), ("lost", Number::Lost)];
        Ok(Self { command: command_line::read(&exec)?, equals: equals.one_of("number", &numbers)? })
    }
}

fn alternatives<T>(
    value: &Value<'_>,
    read: fn(&Value<'_>) -> Result<T, ScenarioError>,
) -> Result<Vec<T>, ScenarioError> {
    value.one_or_more()?.iter().map(read).collect()
}

fn kind(value: &Value<'_>) -> Result<Kind, ScenarioError> {
    value.one_of("kind of outage", &Kind::ALL.map(|kind| (kind.name(), kind)))
}

fn class(value: &Value<'_>) -> Result<Class, ScenarioError> {
    value.one_of("class of errors", &Class::ALL.map(|class| (class.name(), class)))
}
