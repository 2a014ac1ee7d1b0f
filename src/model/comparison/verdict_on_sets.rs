//! What sets of runs come to, and which differences between two are more than chance.
//!
//! Each measure is tested by itself ([`rank_sum`]), and the probabilities are corrected for
//! their number ([`holm`]): of sets that are equal in truth, at most one comparison in twenty calls any
//! of them different. A measure in which no two runs differ is not among them.

use serde::{Deserialize, Serialize};

use crate::model::comparison::measure::Measure;
use crate::model::run::summary::Summary;
use crate::model::statistics::rank_sum::{self, RanksApart};
use crate::model::statistics::{Bounds, holm, median, proportion};

/// The confidence of each interval, in percent. A difference is told where chance alone has less than
/// the rest, corrected for the number of measures.
pub const CONFIDENCE_PCT: f64 = 95.0;

/// Whether A is better than B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// In some measures, and worse in none.
    Better,
    /// In some measures, and better in none.
    Worse,
    /// Better in some measures, worse in others.
    Mixed,
    /// No difference is more than chance.
    NotShown,
    /// With so few runs no difference could be told from chance.
    TooFew,
}

/// What a difference between two sets is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundDifference {
    /// A is lower, by more than chance.
    Lower,
    /// A is higher, by more than chance.
    Higher,
    /// Chance alone could explain it.
    NotShown,
    /// With so few runs none could be told from chance.
    TooFew,
    /// No two runs differ.
    Same,
}

/// A measure of one set or of two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasureOfSets {
    /// Which, with its unit: that of all numbers here.
    pub measure: Measure,
    /// Of the runs, or of A.
    pub a: SetOfRuns,
    /// Of B, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b: Option<SetOfRuns>,
    /// How A differs from B.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<SetDifference>,
}

/// A measure of the runs of a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetOfRuns {
    /// Runs of which it is known.
    pub known: u64,
    /// Runs of which only bounds are known.
    pub bounded: u64,
    /// Of losses, in how many runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_loss: Option<u64>,
    /// The median run. Of losses null.
    pub median: Option<f64>,
    /// The lowest run; of losses what the share of such runs is at least.
    pub lowest: Option<f64>,
    /// The highest run; of losses what the share of such runs is at most.
    pub highest: Option<f64>,
}

/// How A differs from B.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetDifference {
    /// The median of the differences of all pairs of runs, A less B (Hodges and Lehmann). Of losses null.
    pub shift: Option<f64>,
    /// Between this and the next the shift is, with the confidence of the comparison; null where few runs
    /// leave it open, and of losses.
    pub shift_at_least: Option<f64>,
    /// The same from above.
    pub shift_at_most: Option<f64>,
    /// How probable so great a difference is by chance alone, in either direction: by the test of Mann
    /// and Whitney over all ways to deal the runs out to sets, which of losses is Fisher's; of large sets
    /// over 20,000 ways drawn at random.
    pub probability: f64,
    /// The same, corrected for the number of measures (Holm).
    pub probability_corrected: f64,
    /// What is told of it.
    pub found: FoundDifference,
}

/// What is told of sets.
pub(super) struct VerdictOnSets {
    pub(super) conclusion: Option<Conclusion>,
    pub(super) tested: u64,
    pub(super) runs_needed: Option<u64>,
    pub(super) measures: Vec<MeasureOfSets>,
}

/// The most probable chance that is called a difference.
const ALPHA: f64 = 1.0 - CONFIDENCE_PCT / 100.0;

/// How few runs of each set are looked through for what is enough.
const RUNS_NEEDED_MAX: usize = 100;

pub(super) fn sets(a: &[Summary], b: &[Summary]) -> VerdictOnSets {
    let values = |runs: &[Summary], measure: Measure| -> Vec<Bounds> {
        runs.iter().map(|run| measure.of(run)).collect()
    };
    let pairs: Vec<(Measure, Vec<Bounds>, Vec<Bounds>)> =
        Measure::ALL.map(|measure| (measure, values(a, measure), values(b, measure))).into();
    let differs = |(_, a, b): &&(Measure, Vec<Bounds>, Vec<Bounds>)| !all_same(a, b);
    let tested: Vec<RanksApart> =
        pairs.iter().filter(differs).map(|(_, a, b)| rank_sum::apart(a, b)).collect();
    let probabilities: Vec<f64> = tested.iter().map(|apart| apart.probability).collect();
    let mut corrected = tested.iter().copied().zip(holm::corrected(&probabilities));
    let enough = enough(a.len(), b.len(), tested.len());
    let measure = |(measure, of_a, of_b): &(Measure, Vec<Bounds>, Vec<Bounds>)| {
        let apart = if all_same(of_a, of_b) { None } else { corrected.next() };
        let of = |values: &[Bounds]| SetOfRuns::of(*measure, values);
        MeasureOfSets {
            measure: *measure,
            a: of(of_a),
            b: (!b.is_empty()).then(|| of(of_b)),
            difference: (!b.is_empty())
                .then(|| SetDifference::of(*measure, of_a, of_b, apart, enough)),
        }
    };
    let measures: Vec<MeasureOfSets> = pairs.iter().map(measure).collect();
    VerdictOnSets {
        conclusion: (!b.is_empty()).then(|| conclude(&measures, enough)),
        tested: tested.len() as u64,
        runs_needed: (!b.is_empty()).then(|| runs_needed(tested.len())),
        measures,
    }
}

/// Whether a difference could be told from chance with so many runs, and so many measures.
fn enough(a: usize, b: usize, tested: usize) -> bool {
    #[allow(clippy::cast_precision_loss, reason = "a few tests")]
    let tested = tested.max(1) as f64;
    rank_sum::least_probability(a, b) * tested <= ALPHA
}

fn runs_needed(tested: usize) -> u64 {
    (1..RUNS_NEEDED_MAX).find(|n| enough(*n, *n, tested)).unwrap_or(RUNS_NEEDED_MAX) as u64
}

fn all_same(a: &[Bounds], b: &[Bounds]) -> bool {
    let mut all = a.iter().chain(b);
    let Some(first) = all.next() else { return true };
    let exact = |one: &Bounds| one.at_least.total_cmp(&one.at_most).is_eq();
    exact(first) && all.all(|one| one == first)
}

fn conclude(measures: &[MeasureOfSets], enough: bool) -> Conclusion {
    let claimed = |better: bool| {
        measures.iter().any(|one| {
            let found = one.difference.as_ref().map(|difference| difference.found);
            is_better(one.measure, found.unwrap_or(FoundDifference::Same)) == Some(better)
        })
    };
    match (claimed(true), claimed(false)) {
        (true, true) => Conclusion::Mixed,
        (true, false) => Conclusion::Better,
        (false, true) => Conclusion::Worse,
        (false, false) if enough => Conclusion::NotShown,
        (false, false) => Conclusion::TooFew,
    }
}

/// Whether what was found is better for A, or worse; `None` where nothing is claimed.
#[must_use]
pub fn is_better(measure: Measure, found: FoundDifference) -> Option<bool> {
    match found {
        FoundDifference::Lower => Some(measure.less_is_better()),
        FoundDifference::Higher => Some(!measure.less_is_better()),
        FoundDifference::NotShown | FoundDifference::TooFew | FoundDifference::Same => None,
    }
}

impl SetOfRuns {
    fn of(measure: Measure, values: &[Bounds]) -> Self {
        let known: Vec<f64> = values.iter().filter_map(|one| one.measured).collect();
        let is_exact = |one: &&Bounds| one.at_least.total_cmp(&one.at_most).is_eq();
        let exact = values.iter().filter(is_exact).count();
        let ordered = |pick: fn(f64, f64) -> f64| known.iter().copied().reduce(pick);
        let set = Self {
            known: known.len() as u64,
            bounded: (values.len() - exact) as u64,
            with_loss: None,
            median: median(known.clone()),
            lowest: ordered(f64::min),
            highest: ordered(f64::max),
        };
        match measure {
            Measure::LossPct => set.of_losses(values),
            _ => set,
        }
    }

    /// In how many runs writes were lost, with the interval of the share. A run of which that is not
    /// known may be either.
    fn of_losses(self, values: &[Bounds]) -> Self {
        let count = |is: fn(&Bounds) -> bool| values.iter().filter(|one| is(one)).count() as u64;
        let (lost, at_most) = (count(|one| one.at_least > 0.5), count(|one| one.at_most > 0.5));
        let (all, confidence) = (values.len() as u64, CONFIDENCE_PCT / 100.0);
        Self {
            with_loss: Some(lost),
            median: None,
            lowest: Some(proportion::interval(lost, all, confidence).0 * 100.0),
            highest: Some(proportion::interval(at_most, all, confidence).1 * 100.0),
            ..self
        }
    }
}

impl SetDifference {
    fn of(
        measure: Measure,
        a: &[Bounds],
        b: &[Bounds],
        apart: Option<(RanksApart, f64)>,
        enough: bool,
    ) -> Self {
        let shift = rank_sum::shift(a, b, CONFIDENCE_PCT / 100.0);
        let is_loss = measure == Measure::LossPct;
        let finite = |end: f64| Some(end).filter(|end| end.is_finite() && !is_loss);
        let (probability, probability_corrected) =
            apart.map_or((1.0, 1.0), |(apart, corrected)| (apart.probability, corrected));
        let found = match apart {
            None => FoundDifference::Same,
            Some(_) if !enough => FoundDifference::TooFew,
            Some((_, corrected)) if corrected > ALPHA => FoundDifference::NotShown,
            Some((apart, _)) if apart.is_lower => FoundDifference::Lower,
            Some(_) => FoundDifference::Higher,
        };
        Self {
            shift: shift.estimate.and_then(finite),
            shift_at_least: finite(shift.at_least),
            shift_at_most: finite(shift.at_most),
            probability,
            probability_corrected,
            found,
        }
    }
}
