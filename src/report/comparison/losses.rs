//! Losses in words: a comparison begins with them, whatever else it comes to.

use crate::model::comparison::{ComparedRun, Comparison, SetName};
use crate::report::layout::Tone;
use crate::report::numbers::{counted, grouped};

/// Runs that a sentence names one by one.
pub(super) const NAMED: usize = 3;

/// That one set lost writes and the other did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LossLead {
    /// `ONLY A LOST WRITES`.
    pub word: String,
    /// Its colour.
    pub tone: Tone,
    /// In how many runs, and how many.
    pub sentence: String,
}

/// What is said before all else where one set lost writes and none of the other is known to be lost.
#[must_use]
pub fn lead(comparison: &Comparison) -> Option<LossLead> {
    let loser = comparison.lost_only_in?;
    let other = match loser {
        SetName::A => SetName::B,
        SetName::B => SetName::A,
    };
    let runs = |set: SetName| comparison.runs.iter().filter(move |run| run.set == set);
    let lost: Vec<u64> = runs(loser).filter_map(|run| run.lost).filter(|lost| *lost > 0).collect();
    let writes = lost.iter().fold(0_u64, |sum, lost| sum.saturating_add(*lost));
    let unknown = runs(other).filter(|run| run.lost.is_none()).count() as u64;
    let (name, of_other) = (loser.name(), other.name());
    let others = comparison.count(other);
    let verb = if writes == 1 { "is" } else { "are" };
    let none = match unknown {
        0 => format!("none in {} of {of_other}", counted(others, "run")),
        _ => format!(
            "none is known of {of_other} (not verified: {} of {})",
            grouped(unknown),
            counted(others, "run")
        ),
    };
    let word = if unknown == 0 { "ONLY " } else { "" };
    Some(LossLead {
        word: format!("{word}{name} LOST WRITES"),
        tone: match (loser, unknown) {
            (SetName::A, _) => Tone::Loud,
            (SetName::B, 0) => Tone::Proven,
            (SetName::B, _) => Tone::Wary,
        },
        sentence: format!(
            "{} {verb} lost in {} of {} of {name}, {none}.",
            counted(writes, "acknowledged write"),
            grouped(lost.len() as u64),
            counted(comparison.count(loser), "run"),
        ),
    })
}

/// Which of the runs lost writes, where any did.
pub(super) fn side_by_side(runs: &[ComparedRun]) -> Option<String> {
    let lost = || runs.iter().filter_map(|run| Some((run.lost.filter(|lost| *lost > 0)?, run)));
    let (most, loser) = lost().max_by_key(|(lost, _)| *lost)?;
    if runs.len() <= NAMED {
        let of = |run: &ComparedRun| match run.lost {
            None => format!("not known in {}", run.label),
            Some(0) => format!("none in {}", run.label),
            Some(lost) => format!("{} in {}", grouped(lost), run.label),
        };
        let all: Vec<String> = runs.iter().map(of).collect();
        return Some(format!("Acknowledged writes lost: {}.", all.join(", ")));
    }
    let unknown = match runs.iter().filter(|run| run.lost.is_none()).count() as u64 {
        0 => String::new(),
        unknown => format!(", not known in {}", counted(unknown, "run")),
    };
    Some(format!(
        "Acknowledged writes lost: in {} of {}, the most {} in {}{unknown}.",
        grouped(lost().count() as u64),
        counted(runs.len() as u64, "run"),
        grouped(most),
        loser.label,
    ))
}
