//! Measures and their differences in words, and what a comparison comes to in sentences.

use crate::model::comparison::measure::Measure;
use crate::model::comparison::verdict_on_sets::{
    Conclusion, FoundDifference, MeasureOfSets, SetDifference, SetOfRuns, is_better,
};
use crate::model::comparison::{ComparedRun, Comparison, SetName};
use crate::model::statistics::rank_sum;
use crate::report::layout::Tone;
use crate::report::numbers::{counted, grouped, seconds};

use super::losses::{self, LossLead, NAMED};
use super::values::{apart, distance, value};

/// With fewer runs, halves of them tell nothing.
const FEW: usize = 10;

/// What a measure is called: short enough for the label of a page of text.
#[must_use]
pub fn measure(measure: Measure) -> &'static str {
    match measure {
        Measure::LongestOutageS => "outage",
        Measure::WithoutWriteS => "no write",
        Measure::AvailabilityPct => "available",
        Measure::LossPct => "losses",
        Measure::LatencyP99Ms => "latency p99",
        Measure::AcknowledgedPerS => "writes",
    }
}

/// The same where there is room.
#[must_use]
pub fn measure_in_full(measure: Measure) -> &'static str {
    match measure {
        Measure::LongestOutageS => "longest outage of a run",
        Measure::WithoutWriteS => "time without a write",
        Measure::AvailabilityPct => "available",
        Measure::LossPct => "runs that lost writes",
        Measure::LatencyP99Ms => "latency, p99 of a run",
        Measure::AcknowledgedPerS => "acknowledged writes",
    }
}

/// The word for less and for more of it.
fn directions(measure: Measure) -> (&'static str, &'static str) {
    match measure {
        Measure::LongestOutageS => ("shorter", "longer"),
        Measure::WithoutWriteS => ("less", "more"),
        Measure::LossPct => ("fewer", "more"),
        Measure::AvailabilityPct | Measure::LatencyP99Ms => ("lower", "higher"),
        Measure::AcknowledgedPerS => ("fewer", "more"),
    }
}

/// `19.3 s longer`; `None` where the two are the same as printed.
fn difference(measure: Measure, difference: f64) -> Option<String> {
    let (less, more) = directions(measure);
    let words = distance(measure, difference);
    (words != distance(measure, 0.0))
        .then(|| format!("{words} {}", if difference < 0.0 { less } else { more }))
}

/// Between which bounds the shift is: `between 15.0 s and 22.0 s shorter`, `between 1.2 s shorter and
/// 0.9 s longer`, `at least 3.0 s longer`. `None` where it may be anything.
#[must_use]
pub fn interval(of: Measure, found: &SetDifference) -> Option<String> {
    if found.found == FoundDifference::Same {
        return None;
    }
    let (less, more) = directions(of);
    let far = |end: f64| distance(of, end);
    Some(match (found.shift_at_least, found.shift_at_most) {
        (None, None) => return None,
        (Some(low), Some(high)) if low < 0.0 && high > 0.0 => {
            format!("between {} {less} and {} {more}", far(low), far(high))
        }
        (Some(low), Some(high)) => {
            let (near, distant) = if low.abs() < high.abs() { (low, high) } else { (high, low) };
            let direction = if low < 0.0 { less } else { more };
            let is_claim = is_better(of, found.found).is_some();
            match (far(near) == far(0.0), far(distant) == far(0.0)) {
                // It is more than chance, and too small to be read.
                (_, true) if is_claim => return None,
                (_, true) => "no different".to_owned(),
                (true, false) => format!("up to {} {direction}", far(distant)),
                _ if far(near) == far(distant) => format!("about {} {direction}", far(near)),
                _ => format!("between {} and {} {direction}", far(near), far(distant)),
            }
        }
        (None, Some(high)) if high < 0.0 => format!("at least {} {less}", far(high)),
        (None, Some(high)) => format!("at most {} {more}", far(high)),
        (Some(low), None) if low > 0.0 => format!("at least {} {more}", far(low)),
        (Some(low), None) => format!("at most {} {less}", far(low)),
    })
}

/// The sets in a measure, A and B: `12.1 s (9.9 s to 14.2 s)`, and against another set `0 of 10 runs (0 % to 30.8 %)`.
#[must_use]
pub fn sets(comparison: &Comparison, one: &MeasureOfSets) -> (String, Option<String>) {
    let (a, b) = medians(one);
    let of = |set: &SetOfRuns, median: Option<String>, name| match set.with_loss {
        Some(lost) => losses_of(set, lost, comparison.count(name), one.b.is_some()),
        None => median.map_or("not known".to_owned(), |median| {
            let range = range(set, &|number| value(one.measure, number));
            format!("{median}{range}{}", left_out(comparison.count(name).saturating_sub(set.known)))
        }),
    };
    (of(&one.a, a, SetName::A), one.b.as_ref().map(|set| of(set, b, SetName::B)))
}

/// The medians as they are printed: told apart where one is said to be lower.
fn medians(one: &MeasureOfSets) -> (Option<String>, Option<String>) {
    let found = one.difference.as_ref().map(|difference| difference.found);
    let is_claim = found.is_some_and(|found| is_better(one.measure, found).is_some());
    let (a, b) = (one.a.median, one.b.as_ref().and_then(|b| b.median));
    match (a, b) {
        (Some(a), Some(b)) if is_claim && a.total_cmp(&b).is_ne() => {
            let (a, b) = apart(one.measure, a, b);
            (Some(a), Some(b))
        }
        _ => (a.map(|a| value(one.measure, a)), b.map(|b| value(one.measure, b))),
    }
}

/// Runs of which a measure is not known: that were cut, or never wrote.
fn left_out(runs: u64) -> String {
    if runs == 0 { String::new() } else { format!(", {} left out", counted(runs, "run")) }
}

fn range(set: &SetOfRuns, of: &dyn Fn(f64) -> String) -> String {
    match (set.lowest, set.highest) {
        (Some(low), Some(high)) if of(low) != of(high) => format!(" ({} to {})", of(low), of(high)),
        _ => String::new(),
    }
}

/// In how many runs writes were lost. Its interval is one of chance, of which nothing is said where runs are only side
/// by side.
fn losses_of(set: &SetOfRuns, lost: u64, runs: u64, with_interval: bool) -> String {
    let unknown = match set.bounded {
        0 => String::new(),
        unknown => format!(", {} not known", grouped(unknown)),
    };
    // Shares of an interval are rounded, as its ends are no counts.
    let share = |pct: f64| format!("{} %", (pct * 10.0).round() / 10.0);
    let interval = if with_interval { range(set, &share) } else { String::new() };
    format!("{} of {}{unknown}{interval}", grouped(lost), counted(runs, "run"))
}

/// What was found of a measure in a word, and its colour.
#[must_use]
pub fn found(of: &MeasureOfSets) -> Option<(&'static str, Tone)> {
    let found = of.difference.as_ref()?.found;
    let (less, more) = directions(of.measure);
    let tone = match is_better(of.measure, found) {
        Some(true) => Tone::Good,
        Some(false) => Tone::Bad,
        None => Tone::Plain,
    };
    let word = match found {
        FoundDifference::Lower => less,
        FoundDifference::Higher => more,
        FoundDifference::NotShown => "no difference shown",
        FoundDifference::TooFew => "too few runs to say",
        FoundDifference::Same => "the same in every run",
    };
    Some((word, tone))
}

/// What a comparison comes to: a word with its colour, and sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// What stands before the word, whatever that is: one set lost writes and the other did not.
    pub losses: Option<LossLead>,
    /// `BETTER`, `NO DIFFERENCE SHOWN`.
    pub word: String,
    /// Its colour.
    pub tone: Tone,
    /// The sentences, what matters most first.
    pub sentences: Vec<String>,
}

/// What a comparison comes to.
#[must_use]
pub fn headline(comparison: &Comparison) -> Headline {
    let (word, tone) = match comparison.conclusion {
        Some(Conclusion::Better) => ("A IS BETTER", Tone::Proven),
        Some(Conclusion::Worse) => ("A IS WORSE", Tone::Loud),
        Some(Conclusion::Mixed) => ("A IS BETTER AND WORSE", Tone::Wary),
        Some(Conclusion::NotShown) => ("NO DIFFERENCE SHOWN", Tone::Plain),
        Some(Conclusion::TooFew) => ("TOO FEW RUNS TO SAY", Tone::Wary),
        None => ("SIDE BY SIDE", Tone::Plain),
    };
    let mut sentences = match comparison.conclusion {
        None => side_by_side(comparison),
        Some(Conclusion::TooFew) => vec![too_few(comparison)],
        Some(Conclusion::NotShown) => not_shown(comparison),
        Some(_) => claims(comparison),
    };
    sentences.extend(unalike(comparison));
    let losses = losses::lead(comparison);
    let is_claim =
        !matches!(comparison.conclusion, None | Some(Conclusion::NotShown | Conclusion::TooFew));
    if is_claim && !comparison.same_conditions {
        let word = format!("{word}, UNDER OTHER CONDITIONS");
        return Headline { losses, word, tone: Tone::Wary, sentences };
    }
    Headline { losses, word: word.to_owned(), tone, sentences }
}

/// The word as a title has it: in small letters, but for the names of the sets.
#[must_use]
pub fn in_a_title(word: &str) -> String {
    let small = |word: &str| if word.len() == 1 { word.to_owned() } else { word.to_lowercase() };
    word.split(' ').map(small).collect::<Vec<_>>().join(" ")
}

/// That the runs differ in more than what is asked about.
fn unalike(comparison: &Comparison) -> Option<String> {
    comparison.conclusion?;
    let name = |words: &String| words.split(':').next().unwrap_or_default().to_owned();
    let names: Vec<String> = comparison.unalike.iter().map(name).collect();
    (!names.is_empty()).then(|| {
        format!("The runs are not alike: {}. A difference may come from that.", names.join(", "))
    })
}

/// `10 and 12 runs`.
fn sizes(comparison: &Comparison) -> String {
    let (a, b) = (comparison.count(SetName::A), comparison.count(SetName::B));
    format!("{} and {}", grouped(a), counted(b, "run"))
}

fn too_few(comparison: &Comparison) -> String {
    let needed = comparison.runs_needed.unwrap_or_default();
    format!(
        "With {} no difference can be told from chance: it takes {needed} of each, or fewer of one \
         and more of the other.",
        sizes(comparison)
    )
}

fn not_shown(comparison: &Comparison) -> Vec<String> {
    let mut sentences =
        vec![format!("In {} no difference is more than chance.", sizes(comparison))];
    let interval_of = |of: Measure| {
        let difference = comparison.measure(of)?.difference.as_ref()?;
        interval(of, difference).filter(|_| difference.found == FoundDifference::NotShown)
    };
    let outages = interval_of(Measure::LongestOutageS);
    sentences.extend(outages.map(|words| {
        format!("Were there one, outages of A would be {words} ({}).", confidence(comparison))
    }));
    sentences
}

fn confidence(comparison: &Comparison) -> String {
    format!("{} %", comparison.confidence_pct)
}

/// Each difference that is more than chance, that of losses first.
fn claims(comparison: &Comparison) -> Vec<String> {
    let is_loss = |one: &&MeasureOfSets| one.measure == Measure::LossPct;
    let (losses, others): (Vec<_>, Vec<_>) = comparison.measures.iter().partition(is_loss);
    losses.into_iter().chain(others).filter_map(|one| claim(comparison, one)).collect()
}

/// The sentence about a difference that is more than chance.
fn claim(comparison: &Comparison, one: &MeasureOfSets) -> Option<String> {
    let difference = one.difference.as_ref()?;
    let is_lower = match difference.found {
        FoundDifference::Lower => true,
        FoundDifference::Higher => false,
        FoundDifference::NotShown | FoundDifference::TooFew | FoundDifference::Same => return None,
    };
    let subject = match (one.measure, is_lower) {
        (Measure::LongestOutageS, true) => "Outages are shorter",
        (Measure::LongestOutageS, false) => "Outages are longer",
        (Measure::WithoutWriteS, true) => "Less time is without a write",
        (Measure::WithoutWriteS, false) => "More time is without a write",
        (Measure::AvailabilityPct, true) => "Availability is lower",
        (Measure::AvailabilityPct, false) => "Availability is higher",
        (Measure::LossPct, true) => "Fewer runs lose writes",
        (Measure::LossPct, false) => "More runs lose writes",
        (Measure::LatencyP99Ms, true) => "Latency (p99) is lower",
        (Measure::LatencyP99Ms, false) => "Latency (p99) is higher",
        (Measure::AcknowledgedPerS, true) => "Fewer writes a second are acknowledged",
        (Measure::AcknowledgedPerS, false) => "More writes a second are acknowledged",
    };
    if one.measure == Measure::LossPct {
        let (a, b) = sets(comparison, one);
        return Some(format!("{subject}: {a} instead of {}, {}.", b?, confidence(comparison)));
    }
    let (a, b) = medians(one);
    let median = |median: Option<String>| median.unwrap_or_else(|| "unknown".to_owned());
    let longest = if one.measure == Measure::LongestOutageS { "longest of each run, " } else { "" };
    let interval = interval(one.measure, difference)
        .map(|words| format!("; {words}, {}", confidence(comparison)));
    Some(format!(
        "{subject}: {} instead of {} ({longest}median of {}{}).",
        median(a),
        median(b),
        sizes(comparison),
        interval.unwrap_or_default(),
    ))
}

fn side_by_side(comparison: &Comparison) -> Vec<String> {
    let runs = &comparison.runs;
    let outage = |run: &ComparedRun| match run.longest_outage_s {
        None => format!("not known in {}", run.label),
        Some(none) if none <= 0.0 => {
            format!("none{} in {}", if run.open { " seen" } else { "" }, run.label)
        }
        Some(longest) => format!("{}{} in {}", at_least(run), seconds(longest), run.label),
    };
    let all: Vec<String> = runs.iter().take(NAMED).map(outage).collect();
    let known = || runs.iter().filter_map(|run| run.longest_outage_s.map(|length| (length, run)));
    let by_length =
        |one: &(f64, &ComparedRun), other: &(f64, &ComparedRun)| one.0.total_cmp(&other.0);
    let outages = match (known().min_by(by_length), known().max_by(by_length)) {
        (Some((_, shortest)), Some((_, longest))) if runs.len() > NAMED => {
            let unknown = match runs.len() - known().count() {
                0 => String::new(),
                unknown => format!(", not known in {}", counted(unknown as u64, "run")),
            };
            format!("from {} to {}{unknown}", outage(shortest), outage(longest))
        }
        _ => all.join(", "),
    };
    let chance = match runs.len() {
        ..FEW => "Too few runs to say what is more than chance: --against compares two sets.",
        _ => "What is more than chance is said of two sets: --against compares them.",
    };
    let longest = [format!("Longest outages: {outages}."), chance.to_owned()];
    losses::side_by_side(runs).into_iter().chain(longest).collect()
}

/// `at least ` where the run ended in the outage, or its record was cut.
pub(super) fn at_least(run: &ComparedRun) -> &'static str {
    if run.open { "at least " } else { "" }
}

/// How the numbers, the intervals and the claims are meant.
#[must_use]
pub fn method(comparison: &Comparison) -> String {
    if comparison.conclusion.is_none() {
        return "Behind a median stand the lowest and the highest run. Nothing is said of chance."
            .to_owned();
    }
    let tested = comparison.measures_tested;
    let sizes = [SetName::A, SetName::B].map(|set| usize::try_from(comparison.count(set)));
    let all_ways = matches!(sizes, [Ok(a), Ok(b)] if rank_sum::are_all_ways_counted(a, b));
    let test = match all_ways {
        true => "Mann and Whitney's exact test, of losses Fisher's".to_owned(),
        false => format!(
            "Mann and Whitney's test over {} of all ways to deal the runs out, drawn at random; of \
             losses, as of all that has two values, Fisher's exact test",
            grouped(u64::from(rank_sum::DRAWN_WAYS))
        ),
    };
    format!(
        "Each run counts as one. Behind a median stand the lowest and the highest run. Each interval of \
         {} % is by itself, and of the shift between the sets (Hodges and Lehmann). A difference is told \
         only where it is more than chance ({test}) also among all {} in which any two runs differ (Holm's correction): of equal settings at most 5 in \
         100 comparisons tell any.",
        comparison.confidence_pct,
        counted(tested, "measure"),
    )
}

/// A run against the first one of its set: each difference, and whether it is better.
#[must_use]
pub fn against_first(first: &ComparedRun, run: &ComparedRun) -> Vec<(String, bool)> {
    let of = |one: Measure, first: Option<f64>, this: Option<f64>| {
        let change = this? - first?;
        let words = difference(one, change)?;
        let less = change < 0.0;
        Some((format!("{} {words}", measure(one)), less == one.less_is_better()))
    };
    let open = first.open || run.open;
    let closed = |length: Option<f64>| length.filter(|_| !open);
    let cut = first.cut || run.cut;
    let whole = |number: Option<f64>| number.filter(|_| !cut);
    let rows = [
        of(Measure::LongestOutageS, closed(first.longest_outage_s), closed(run.longest_outage_s)),
        of(Measure::WithoutWriteS, closed(first.without_write_s), closed(run.without_write_s)),
        of(Measure::AvailabilityPct, whole(first.availability_pct), whole(run.availability_pct)),
        lost(first, run),
        of(Measure::LatencyP99Ms, whole(first.latency_p99_ms), whole(run.latency_p99_ms)),
        of(
            Measure::AcknowledgedPerS,
            whole(Some(first.acknowledged_per_s)),
            whole(Some(run.acknowledged_per_s)),
        ),
    ];
    rows.into_iter().flatten().collect()
}

/// What is said where [`against_first`] has nothing.
#[must_use]
pub fn no_difference(first: &ComparedRun, run: &ComparedRun) -> &'static str {
    match (run.cut, first.cut) {
        (true, _) => "not compared: its record was cut",
        (false, true) => "not compared: the first one's record was cut",
        (false, false) => "no difference",
    }
}

fn lost(first: &ComparedRun, run: &ComparedRun) -> Option<(String, bool)> {
    let (before, now) = (first.lost?, run.lost?);
    let word = if now < before { "fewer" } else { "more" };
    (before != now)
        .then(|| (format!("{} {word} lost", grouped(now.abs_diff(before))), now < before))
}
