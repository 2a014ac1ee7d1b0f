//! Several runs side by side, and two sets of them against each other: what differs, and whether few
//! runs are enough to say so.
//!
//! Each run is one observation: writes of one run have too much in common to count one by one. Nothing
//! is averaged, and no percentile is made from percentiles: of a measure a set has its median, lowest
//! and highest run.
//!
//! - [`measure`]: what is compared of a run, and between which bounds it lies.
//! - [`verdict_on_sets`]: what sets come to, and which differences are more than chance.
//! - [`alike`]: what else differs, which makes the comparison unfair; [`labels`]: what runs are called.

pub mod alike;
pub mod labels;
pub mod measure;
pub mod verdict_on_sets;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::comparison::measure::{Measure, is_cut, lost_writes, may_be_longer};
use crate::model::comparison::verdict_on_sets::{CONFIDENCE_PCT, Conclusion, MeasureOfSets};
use crate::model::outage::Outage;
use crate::model::outcome::Outcome;
use crate::model::run::summary::Summary;

/// The format of the JSON.
pub const FORMAT: u32 = 1;

/// Several runs, compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The format of this comparison.
    pub format: u32,
    /// The version of pgchaos that compared.
    pub pgchaos: String,
    /// The gravest verdict of the runs; of two sets that of A, as B is what A is measured by.
    pub verdict: Outcome,
    /// Whether A is better than B; missing where there is one set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<Conclusion>,
    /// The one set of which runs lost acknowledged writes, where no run of the other is known to have: it is told
    /// before the conclusion, which says only what is more than chance. Missing where both did or neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_only_in: Option<SetName>,
    /// How many measures differ between any two runs: the probabilities are corrected for as many.
    pub measures_tested: u64,
    /// How many runs each set needs, at the least, so that a difference can be told from chance;
    /// missing where there is one set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_needed: Option<u64>,
    /// The confidence of each interval, in percent.
    pub confidence_pct: f64,
    /// Every measure.
    pub measures: Vec<MeasureOfSets>,
    /// Whether load, duration and drill of all runs were the same; of runs that nothing but a person ended
    /// also the time that they wrote, within a fifth and a second. If not, what is better may be so for that
    /// alone.
    pub same_conditions: bool,
    /// Settings in which the runs differ: what a difference of theirs may come from.
    pub unalike: Vec<String>,
    /// Runs that were not seen whole, and why.
    pub reservations: Vec<String>,
    /// Every run, those of A first.
    pub runs: Vec<ComparedRun>,
}

/// Which of two sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetName {
    /// What is asked about.
    A,
    /// What it is measured by (`--against`).
    B,
}

impl SetName {
    /// `A` or `B`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }
}

/// One run of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedRun {
    /// Its set.
    pub set: SetName,
    /// What it is called here: the beginning of its id, and its name if it has one, where its record is called by
    /// its time and id; else the name of its record's file, without `.jsonl`.
    pub label: String,
    /// Its record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Its id.
    pub run_id: Uuid,
    /// The group of runs that it belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What it was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it began, by the wall clock.
    pub started_at: DateTime<Utc>,
    /// How long it wrote, or waited to write.
    pub elapsed_s: f64,
    /// Its verdict.
    pub verdict: Outcome,
    /// How many outages it had, partial ones left out.
    pub outages: u64,
    /// The longest stretch without an acknowledged write; 0 without an outage. Null where none was
    /// acknowledged: outages begin after the first one.
    pub longest_outage_s: Option<f64>,
    /// An outage was not over when the run ended, or the record was cut: the longest outage and the time
    /// without a write are at least so long.
    pub open: bool,
    /// The record lacks its end: availability, rate and latencies are those of what it has, and in no measure of its
    /// set.
    #[serde(default)]
    pub cut: bool,
    /// The time without an acknowledged write in all outages; null as the longest outage.
    pub without_write_s: Option<f64>,
    /// As the run's own summary has it.
    pub availability_pct: Option<f64>,
    /// Acknowledged writes.
    pub acknowledged: u64,
    /// The same per second of the run.
    pub acknowledged_per_s: f64,
    /// Acknowledged writes that are lost; null where that was not verified.
    pub lost: Option<u64>,
    /// Writes that were in doubt.
    pub in_doubt: u64,
    /// The median latency.
    pub latency_p50_ms: Option<f64>,
    /// The 99th percentile of latency.
    pub latency_p99_ms: Option<f64>,
}

impl Comparison {
    /// Compares runs with each other, or with those of another set where that has any.
    #[must_use]
    pub fn of(a: &[Summary], b: &[Summary]) -> Self {
        let all: Vec<&Summary> = a.iter().chain(b).collect();
        let labels = labels::labels(&all);
        let set = |n: usize| if n < a.len() { SetName::A } else { SetName::B };
        let row = |(n, run): (usize, &&Summary)| ComparedRun::of(run, set(n), labels[n].clone());
        let sets = verdict_on_sets::sets(a, b);
        Self {
            format: FORMAT,
            pgchaos: env!("CARGO_PKG_VERSION").to_owned(),
            verdict: a.iter().map(|run| run.verdict).max().unwrap_or(Outcome::Inconclusive),
            conclusion: sets.conclusion,
            lost_only_in: if b.is_empty() { None } else { lost_only_in(a, b) },
            measures_tested: sets.tested,
            runs_needed: sets.runs_needed,
            confidence_pct: CONFIDENCE_PCT,
            measures: sets.measures,
            same_conditions: alike::same_conditions(a, b),
            unalike: alike::unalike(a, b, &labels),
            reservations: alike::reservations(&all, &labels),
            runs: all.iter().enumerate().map(row).collect(),
        }
    }

    /// How many runs a set has.
    #[must_use]
    pub fn count(&self, set: SetName) -> u64 {
        self.runs.iter().filter(|run| run.set == set).count() as u64
    }

    /// One of the measures.
    #[must_use]
    pub fn measure(&self, measure: Measure) -> Option<&MeasureOfSets> {
        self.measures.iter().find(|one| one.measure == measure)
    }
}

/// The set of which runs lost writes, if none of the other is known to have.
fn lost_only_in(a: &[Summary], b: &[Summary]) -> Option<SetName> {
    let lost = |runs: &[Summary]| runs.iter().filter_map(lost_writes).any(|lost| lost > 0);
    match (lost(a), lost(b)) {
        (true, false) => Some(SetName::A),
        (false, true) => Some(SetName::B),
        (true, true) | (false, false) => None,
    }
}

impl ComparedRun {
    fn of(run: &Summary, set: SetName, label: String) -> Self {
        let measured = |measure: Measure| measure.of(run).measured;
        let is_whole = |outage: &&Outage| !outage.partial;
        Self {
            set,
            label,
            record: run.record.as_ref().map(|record| record.path.clone()),
            run_id: run.run_id,
            group: run.group.clone(),
            name: run.name.clone(),
            started_at: run.started_at,
            elapsed_s: run.elapsed_s,
            verdict: run.verdict,
            outages: run.outages.iter().filter(is_whole).count() as u64,
            longest_outage_s: measured(Measure::LongestOutageS),
            open: may_be_longer(run),
            cut: is_cut(run),
            without_write_s: measured(Measure::WithoutWriteS),
            availability_pct: run.rate.availability_pct,
            acknowledged: run.writes.acknowledged,
            acknowledged_per_s: run.rate.acknowledged_per_s,
            lost: lost_writes(run),
            in_doubt: run.writes.in_doubt,
            latency_p50_ms: run.latency_ms.p50,
            latency_p99_ms: run.latency_ms.p99,
        }
    }
}
