//! The top of the page: the verdict in a sentence, its reasons, and the numbers that have limits.

use std::time::Duration;

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use crate::model::foreign::plain;
use crate::model::outage::Outage;
use crate::model::outcome::Outcome;
use crate::model::percent;
use crate::model::run::limits;
use crate::model::run::summary::{Summary, VerificationState};
use crate::report::numbers::{counted, duration, grouped, milliseconds, seconds, whole};
use crate::report::words;

pub(super) fn headline(summary: &Summary) -> Markup {
    let (word, class) = match summary.verdict {
        Outcome::Pass if summary.verification.counts.lost > 0 => ("PASS, as allowed", "pass"),
        Outcome::Pass => ("PASS", "pass"),
        Outcome::Fail => ("FAIL", "fail"),
        Outcome::Inconclusive => ("INCONCLUSIVE", "inconclusive"),
    };
    html! {
        h1 { b class=(class) { (word) } " · " (what_was_seen(summary)) }
        p class="dim" { (setting(summary)) }
        @if let Some(words) = of_a_drill(summary) { p { (words) } }
        (reasons(summary))
    }
}

/// That limits are not all that judges this run.
fn of_a_drill(summary: &Summary) -> Option<String> {
    if !summary.is_of_a_drill() {
        return None;
    }
    let drill = match summary.part_of.as_deref() {
        None => "a drill".to_owned(),
        Some("demo") => "the demo's drill".to_owned(),
        Some(drill) => plain(drill),
    };
    let verdict = summary.drill_verdict.map(|verdict| format!(": {verdict}")).unwrap_or_default();
    Some(format!("The load of {drill}, which judges by what it expects{verdict}."))
}

/// Why the verdict is what it is.
pub(super) fn reasons(summary: &Summary) -> Markup {
    html! {
        @if !summary.reasons.is_empty() {
            ul { @for reason in &summary.reasons { li { (plain(reason)) } } }
        }
    }
}

/// The verdict with what was seen, as the page's title has it.
pub(super) fn sentence(summary: &Summary) -> String {
    let word = match summary.verdict {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Inconclusive => "inconclusive",
    };
    format!("{word}: {}", what_was_seen(summary))
}

/// `no acknowledged write was lost, one outage of 29.9 s`.
pub(super) fn what_was_seen(summary: &Summary) -> String {
    let found = &summary.verification;
    let lost = match (found.state, found.counts.lost) {
        (VerificationState::Complete, 0) => match summary.writes.unaccounted {
            Some(_) => "no acknowledged write was lost".to_owned(),
            None => words::all_there(false).to_owned(),
        },
        (VerificationState::Complete, 1) => "1 acknowledged write was lost".to_owned(),
        (VerificationState::Complete, lost) => {
            format!("{} acknowledged writes were lost", grouped(lost))
        }
        (VerificationState::Incomplete, _) => "whether writes were lost is not known".to_owned(),
        (VerificationState::Skipped, _) => "whether writes were lost was not looked at".to_owned(),
    };
    let two = match &summary.two_primaries[..] {
        [] => "",
        windows if windows.iter().all(|window| window.both().is_zero()) => ", two primaries",
        _ => ", two primaries at the same time",
    };
    format!("{lost}{two}, {}", outages(summary))
}

/// `2 outages, the longest 1.6 s, one partial outage of 6.1 s`.
pub(super) fn outages(summary: &Summary) -> String {
    let (partial, whole): (Vec<&Outage>, Vec<&Outage>) =
        summary.outages.iter().partition(|outage| outage.partial);
    let told = [of_a_kind(&whole, "outage"), of_a_kind(&partial, "partial outage")];
    let told: Vec<String> = told.into_iter().flatten().collect();
    if told.is_empty() { "no outage".to_owned() } else { told.join(", ") }
}

fn of_a_kind(outages: &[&Outage], noun: &str) -> Option<String> {
    let longest = duration(outages.iter().map(|outage| outage.length()).max()?);
    let end = outages.iter().find_map(|outage| at_end(outage));
    Some(match outages.len() {
        1 => {
            let end = end.map(|end| format!(", {end}")).unwrap_or_default();
            format!("one {noun} of {longest}{end}")
        }
        some => {
            let end = end.map(|end| format!(", one of them {end}")).unwrap_or_default();
            format!("{}, the longest {longest}{end}", counted(some as u64, noun))
        }
    })
}

/// What of an outage was not over when the run ended.
fn at_end(outage: &Outage) -> Option<&'static str> {
    match (outage.open, outage.writers_out_at_end) {
        (Some(_), _) => Some("not over when the run ended"),
        (None, 0) => None,
        (None, _) if outage.partial => Some("not over when the run ended"),
        (None, _) => Some("with writers out until the run ended"),
    }
}

/// What ran where and when.
pub(super) fn setting(summary: &Summary) -> String {
    let called = words::called(summary.name.as_deref(), summary.group.as_deref());
    let target = &summary.target;
    let place = format!("{}, database {}", target.endpoints, target.dbname);
    let from = stamp(summary.started_at);
    let run = format!("run {}", summary.run_id);
    let lasted = format!("{from}, for {}", seconds(summary.elapsed_s));
    let parts =
        [called, Some(place), Some(lasted), Some(words::load(&summary.options.load)), Some(run)];
    plain(&parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
}

/// A time by the wall clock: `27 Nov 2026, 14:23:04 UTC`.
pub(super) fn stamp(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M:%S UTC").to_string()
}

/// A number that matters, with its limit.
struct KeyNumber {
    name: &'static str,
    value: String,
    beside: String,
}

/// The numbers that matter, each with its limit.
pub(super) fn keys(summary: &Summary) -> Markup {
    html! {
        dl class="keys" {
            @for key in key_numbers(summary) {
                div {
                    dt { (key.name) }
                    dd class="value" { (key.value) }
                    dd class="limit" { (key.beside) }
                }
            }
        }
    }
}

fn key_numbers(summary: &Summary) -> Vec<KeyNumber> {
    let thresholds = &summary.options.thresholds;
    let counts = &summary.verification.counts;
    let longest =
        |of: &dyn Fn(&&Outage) -> bool| summary.outages.iter().filter(of).map(Outage::length).max();
    let of_none = if summary.is_of_a_drill() { "the drill judges" } else { "no limit set" };
    let no_limit = || of_none.to_owned();
    let limit =
        |limit: Option<String>| limit.map_or_else(no_limit, |words| format!("limit {words}"));
    let is_verified = summary.verification.state == VerificationState::Complete;
    let (value, beside) = length_beside(longest(&|outage| !outage.partial), thresholds.max_outage);
    let mut keys = vec![
        KeyNumber { name: "longest outage", value, beside: limit(beside) },
        KeyNumber {
            name: "acknowledged writes lost",
            value: match (is_verified, summary.writes.unaccounted) {
                (true, Some(_)) => grouped(counts.lost),
                // A record that was not closed may lack some.
                (true, None) => format!("{} of those in the record", grouped(counts.lost)),
                (false, _) => "not known".to_owned(),
            },
            // A drill that expects losses lifts the limit.
            beside: limit((thresholds.max_lost < u64::MAX).then(|| grouped(thresholds.max_lost))),
        },
        KeyNumber {
            name: "available",
            value: match (summary.rate.availability_pct, thresholds.min_availability_pct) {
                (None, _) => "not known".to_owned(),
                (Some(pct), None) => percent::percent(pct),
                (Some(pct), Some(min)) => percent::beside(pct, min),
            },
            beside: limit(thresholds.min_availability_pct.map(|min| format!("{min} %"))),
        },
        KeyNumber {
            name: "in doubt",
            value: grouped(summary.writes.in_doubt),
            beside: match is_verified {
                true => in_doubt_words(summary),
                false => "not cleared up".to_owned(),
            },
        },
    ];
    let (value, beside) = latency_beside(summary.latency_ms.p99, thresholds.max_p99);
    keys.push(KeyNumber { name: "latency p99", value, beside: limit(beside) });
    if let Some(partial) = longest(&|outage| outage.partial) {
        let (value, beside) = length_beside(Some(partial), thresholds.max_degraded);
        let name = "longest partial outage";
        keys.insert(1, KeyNumber { name, value, beside: limit(beside) });
    }
    keys
}

/// A length, and its limit: with more digits where one is over the other and they would read the same.
fn length_beside(length: Option<Duration>, limit: Option<Duration>) -> (String, Option<String>) {
    match (length, limit) {
        (Some(length), Some(limit)) if length != limit && duration(length) == duration(limit) => {
            let (length, limit) = limits::in_seconds(length, limit);
            (length, Some(limit))
        }
        (length, limit) => (length.map_or_else(|| "none".to_owned(), duration), limit.map(whole)),
    }
}

/// The same of a latency in milliseconds.
fn latency_beside(ms: Option<f64>, limit: Option<Duration>) -> (String, Option<String>) {
    let Some(ms) = ms else { return ("not known".to_owned(), limit.map(whole)) };
    let limit_ms = limit.map(|limit| limit.as_secs_f64() * 1e3);
    let reads_the_same = |limit_ms: &f64| {
        milliseconds(*limit_ms) == milliseconds(ms) && limit_ms.total_cmp(&ms).is_ne()
    };
    match (limit, limit_ms.filter(reads_the_same)) {
        (Some(limit), Some(_)) => {
            let measured = Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default();
            let (measured, limit) = limits::in_milliseconds(measured, limit);
            (measured, Some(limit))
        }
        _ => (milliseconds(ms), limit.map(whole)),
    }
}

fn in_doubt_words(summary: &Summary) -> String {
    let counts = &summary.verification.counts;
    let open = (counts.undecided > 0).then(|| format!(", {} open", grouped(counts.undecided)));
    format!(
        "{} committed, {} not{}",
        grouped(counts.recovered),
        grouped(counts.absent),
        open.unwrap_or_default()
    )
}
