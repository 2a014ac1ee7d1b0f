//! What a drill comes to, one run or several.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::outcome::Outcome;
use crate::model::run::summary::Summary;
use crate::model::run::summary::VerificationState::Complete;
use crate::model::scenario::judging::Judged;
use crate::model::seconds;

/// The format of the JSON.
pub const FORMAT: u32 = 1;

/// All that was drilled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrillReport {
    /// The format of this report.
    pub format: u32,
    /// The version of pgchaos.
    pub pgchaos: String,
    /// The gravest outcome.
    pub verdict: Outcome,
    /// Every run, in order.
    pub drills: Vec<DrillRun>,
}

/// One run of one drill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrillRun {
    /// The drill's name.
    pub drill: String,
    /// Its title.
    pub title: String,
    /// What it ran on: `lab-pgchaos`.
    pub on: String,
    /// Which run of it, from 1.
    pub repetition: u32,
    /// How long it took, its healing and its verification included.
    #[serde(rename = "took_s", with = "seconds")]
    pub took: Duration,
    /// What it comes to.
    pub verdict: Outcome,
    /// Why it could not run, or not to its end, when no expectation says so.
    pub problem: Option<String>,
    /// Its user stopped it before anything was broken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// What was expected, and what was seen.
    pub expectations: Vec<Judged>,
    /// The run's own summary, when there was a run.
    pub summary: Option<Summary>,
}

/// Several runs of one drill, taken together.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread<'a> {
    /// The drill's name.
    pub drill: &'a str,
    /// Its runs.
    pub runs: Vec<&'a DrillRun>,
}

/// The shortest, the middle and the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// How many there were.
    pub count: usize,
    /// The shortest.
    pub min: Duration,
    /// The middle one; of an even number the mean of the two in the middle.
    pub median: Duration,
    /// The longest.
    pub max: Duration,
}

impl DrillReport {
    /// All runs, with the gravest outcome.
    #[must_use]
    pub fn of(drills: Vec<DrillRun>) -> Self {
        let verdict = drills.iter().map(|run| run.verdict).max().unwrap_or(Outcome::Inconclusive);
        Self { format: FORMAT, pgchaos: env!("CARGO_PKG_VERSION").to_owned(), verdict, drills }
    }

    /// By drill, in the order of their first runs.
    #[must_use]
    pub fn spreads(&self) -> Vec<Spread<'_>> {
        let mut spreads: Vec<Spread<'_>> = Vec::new();
        for run in &self.drills {
            match spreads.iter_mut().find(|spread| spread.drill == run.drill) {
                Some(spread) => spread.runs.push(run),
                None => spreads.push(Spread { drill: &run.drill, runs: vec![run] }),
            }
        }
        spreads
    }
}

impl DrillRun {
    /// The writes that were lost in a run that passed: as many as were expected. None where none
    /// were, or where they could not be counted.
    #[must_use]
    pub fn lost_as_expected(&self) -> Option<u64> {
        let found = &self.summary.as_ref().filter(|_| self.verdict == Outcome::Pass)?.verification;
        (found.state == Complete && found.counts.lost > 0).then_some(found.counts.lost)
    }
}

impl Spread<'_> {
    /// The gravest outcome.
    #[must_use]
    pub fn verdict(&self) -> Outcome {
        self.runs.iter().map(|run| run.verdict).max().unwrap_or(Outcome::Inconclusive)
    }

    /// How long the nth outage of the drill was, from 0.
    #[must_use]
    pub fn outage(&self, n: usize) -> Option<Range> {
        let summaries = self.runs.iter().filter_map(|run| run.summary.as_ref());
        range(summaries.filter_map(|summary| Some(summary.outages.get(n)?.length())).collect())
    }

    /// How long the runs took.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.runs.iter().map(|run| run.took).sum()
    }

    /// Lost writes of each run that could count them.
    #[must_use]
    pub fn lost(&self) -> Vec<u64> {
        let summaries = self.runs.iter().filter_map(|run| run.summary.as_ref());
        let complete = summaries.filter(|summary| summary.verification.state == Complete);
        complete.map(|summary| summary.verification.counts.lost).collect()
    }
}

fn range(mut all: Vec<Duration>) -> Option<Range> {
    all.sort_unstable();
    let (min, max) = (*all.first()?, *all.last()?);
    let (low, high) = (all[(all.len() - 1) / 2], all[all.len() / 2]);
    Some(Range { count: all.len(), min, median: (low + high) / 2, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_its_median_in_the_middle() {
        let of = |ms: &[u64]| range(ms.iter().map(|ms| Duration::from_millis(*ms)).collect());
        assert_eq!(of(&[]), None);
        let ms = |range: Range| [range.min, range.median, range.max].map(|d| d.as_millis());
        assert_eq!(ms(of(&[5]).unwrap()), [5, 5, 5]);
        assert_eq!(ms(of(&[9, 1, 3]).unwrap()), [1, 3, 9]);
        assert_eq!(ms(of(&[4, 2]).unwrap()), [2, 3, 4]);
    }
}
