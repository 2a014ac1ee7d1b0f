//! What else differs between runs that are compared, in words: other loads, other drills, and runs
//! that were not seen whole.

use std::time::Duration;

use crate::model::foreign::{plain, shortened};
use crate::model::load::options::Rate;
use crate::model::outcome::Outcome;
use crate::model::run::summary::Summary;

/// Values of a setting that are named before the rest is counted.
const NAMED: usize = 3;

/// Characters of a value: what a drill did may be long.
const VALUE_CHARS_MAX: usize = 80;

/// Characters of why a run is inconclusive.
const REASON_CHARS_MAX: usize = 200;

/// Runs that write for times further apart than this share of the shortest, and a second, are told.
const APART: f64 = 0.2;

/// A setting: its name, and its value in each run.
type ComparedSetting = (&'static str, fn(&Summary) -> String);

/// The settings without which runs lived through different things, the first of [`SETTINGS`]. Those
/// that follow may be what is asked about.
const CONDITIONS: usize = 7;

/// What makes a comparison unfair first, then what a client was told of its waits.
const SETTINGS: [ComparedSetting; 16] = [
    ("rate", |run| rate(run.options.load.rate)),
    ("writers", |run| run.options.load.writers.to_string()),
    ("writes in flight", |run| run.options.load.pipeline.to_string()),
    ("backlog", |run| run.options.load.backlog.name().to_owned()),
    ("duration", |run| some_time(run.options.load.duration)),
    ("number of writes", |run| run.options.load.writes.map_or_else(none, |n| n.to_string())),
    ("what the drill did", drill),
    ("protocol", |run| run.options.load.protocol.name().to_owned()),
    ("read every", |run| run.options.load.read_every.to_string()),
    ("connect timeout", |run| time(run.options.load.connect_timeout)),
    ("write timeout", |run| time(run.options.load.write_timeout)),
    ("stall after", |run| time(run.options.load.stall_after)),
    ("backoff", |run| {
        let load = &run.options.load;
        format!("{} to {}", time(load.backoff_min), time(load.backoff_max))
    }),
    ("target", |run| format!("{}/{}", run.target.endpoints, run.target.dbname)),
    ("limit of lost writes", |run| limit(run.options.thresholds.max_lost)),
    ("pgchaos", |run| run.pgchaos.clone()),
];

/// The settings in which the runs differ, and by how much their lengths do. Where there is one set, which runs have
/// which value.
pub(super) fn unalike(a: &[Summary], b: &[Summary], labels: &[String]) -> Vec<String> {
    let setting = |(name, value): &ComparedSetting| {
        let of = |runs: &[Summary]| distinct(runs.iter().map(value));
        let (of_a, of_b) = (of(a), of(b));
        let all = distinct(of_a.iter().chain(&of_b).cloned());
        (all.len() > 1).then(|| match b.is_empty() {
            true => format!("{name}: {}", by_run(a.iter().map(value).zip(labels))),
            false => format!("{name}: {} in A, {} in B", named(&of_a), named(&of_b)),
        })
    };
    SETTINGS.iter().filter_map(setting).chain(lengths(a, b)).collect()
}

/// Whether load, length and drill of all runs were the same. Where a duration, a number of writes or a
/// drill ends a run, how long it took is what came of it; where only a person did, it is a condition.
pub(super) fn same_conditions(a: &[Summary], b: &[Summary]) -> bool {
    let both = || a.iter().chain(b);
    let by_hand = both().any(|run| {
        let load = &run.options.load;
        load.duration.is_none() && load.writes.is_none() && run.injections.is_empty()
    });
    let same = |(_, value): &ComparedSetting| distinct(both().map(value)).len() < 2;
    SETTINGS[..CONDITIONS].iter().all(same) && !(by_hand && lengths(a, b).is_some())
}

fn distinct(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::new();
    for value in values {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}

/// `1/s in failover · 100/s in loss`, the first values and of each the first runs.
fn by_run<'a>(values: impl Iterator<Item = (String, &'a String)>) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (value, label) in values {
        match groups.iter_mut().find(|(other, _)| *other == value) {
            Some((_, labels)) => labels.push(label),
            None => groups.push((value, vec![label])),
        }
    }
    let words = |(value, labels): &(String, Vec<&str>)| {
        let value = shortened(&plain(value), VALUE_CHARS_MAX);
        match labels.len() {
            ..=NAMED => format!("{value} in {}", labels.join(", ")),
            many => format!("{value} in {many} runs"),
        }
    };
    let more = groups.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("{more} more values"));
    groups.iter().take(NAMED).map(words).chain(more).collect::<Vec<_>>().join(" · ")
}

fn named(values: &[String]) -> String {
    let named: Vec<String> =
        values.iter().take(NAMED).map(|value| shortened(&plain(value), VALUE_CHARS_MAX)).collect();
    match values.len().saturating_sub(NAMED) {
        0 => named.join(" or "),
        more => format!("{} or {more} more", named.join(", ")),
    }
}

/// How long the runs wrote, where that is far apart.
fn lengths(a: &[Summary], b: &[Summary]) -> Option<String> {
    let range = |runs: &[Summary]| {
        let of = |pick: fn(f64, f64) -> f64| runs.iter().map(|run| run.elapsed_s).reduce(pick);
        Some((of(f64::min)?, of(f64::max)?))
    };
    let (low_a, high_a) = range(a)?;
    let (low, high) = range(b).map_or((low_a, high_a), |(l, h)| (l.min(low_a), h.max(high_a)));
    let words = |(low, high): (f64, f64)| match high - low < 0.1 {
        true => format!("{low:.1} s"),
        false => format!("{low:.1} s to {high:.1} s"),
    };
    (high > low * (1.0 + APART) + 1.0).then(|| match range(b) {
        None => format!("time that they wrote: {}", words((low, high))),
        Some(of_b) => {
            format!("time that they wrote: {} in A, {} in B", words((low_a, high_a)), words(of_b))
        }
    })
}

fn none() -> String {
    "none".to_owned()
}

fn time(time: Duration) -> String {
    match time.subsec_nanos() {
        0 => format!("{} s", time.as_secs()),
        _ => format!("{} ms", time.as_secs_f64() * 1e3),
    }
}

fn some_time(length: Option<Duration>) -> String {
    length.map_or_else(none, time)
}

fn rate(rate: Rate) -> String {
    match rate {
        Rate::PerSecond(rate) => format!("{rate}/s"),
        Rate::Max => "max".to_owned(),
    }
}

/// A drill that expects losses lifts the limit.
fn limit(max: u64) -> String {
    if max == u64::MAX { "unlimited".to_owned() } else { max.to_string() }
}

/// The steps of a drill without the members that they hit, which differ from run to run.
fn drill(run: &Summary) -> String {
    let steps: Vec<String> = run
        .injections
        .iter()
        .map(|step| format!("{} {}", step.what.action, step.what.target))
        .collect();
    if steps.is_empty() { "nothing".to_owned() } else { steps.join(", ") }
}

/// The runs that were not seen whole, and why: those of one reason together.
pub(super) fn reservations(runs: &[&Summary], labels: &[String]) -> Vec<String> {
    let mut by_reason: Vec<(String, Vec<String>)> = Vec::new();
    for (run, label) in runs.iter().zip(labels) {
        for (reason, detail) in reasons(run) {
            let label = match detail {
                Some(detail) => format!("{label} {detail}"),
                None => label.clone(),
            };
            match by_reason.iter_mut().find(|(other, _)| *other == reason) {
                Some((_, labels)) => labels.push(label),
                None => by_reason.push((reason, vec![label])),
            }
        }
    }
    let words = |(reason, labels): (String, Vec<String>)| {
        let named = labels.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        match labels.len().saturating_sub(NAMED) {
            0 => format!("{named}: {reason}"),
            more => format!("{named} and {more} more: {reason}"),
        }
    };
    by_reason.into_iter().map(words).collect()
}

/// Each reason, with what differs from run to run.
fn reasons(run: &Summary) -> Vec<(String, Option<String>)> {
    let mut reasons = Vec::new();
    match run.verdict {
        // The reasons of an inconclusive run are what was not seen.
        Outcome::Inconclusive => {
            let why = shortened(&plain(&run.reasons.join("; ")), REASON_CHARS_MAX);
            reasons.push((format!("inconclusive, {why}"), None));
        }
        Outcome::Pass | Outcome::Fail => {
            let incomplete = run.record.as_ref().is_some_and(|record| !record.complete);
            reasons.extend(incomplete.then(|| ("the record is incomplete".to_owned(), None)));
        }
    }
    if run.outages.iter().any(|outage| outage.open.is_some()) {
        let why = "an outage was not over when the run ended, and is at least so long";
        reasons.push((why.to_owned(), None));
    }
    let paused: f64 = run.own_pauses.iter().map(|pause| pause.length.as_secs_f64()).sum();
    if paused > 0.0 {
        let why =
            "pgchaos itself did not run for a while, and what it missed may have been anything";
        reasons.push((why.to_owned(), Some(format!("{paused:.1} s"))));
    }
    if !run.own_limits.is_empty() {
        reasons.push(("pgchaos itself was out of resources".to_owned(), None));
    }
    reasons
}
