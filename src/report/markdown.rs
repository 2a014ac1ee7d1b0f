//! The summary as Markdown, for a ticket, a wiki or the log of a drill. Times are UTC: its readers
//! may be in other zones.

#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::model::ledger::loss_times::LostWrites;
use crate::model::load::options::Rate;
use crate::model::outage::Outage;
use crate::model::outcome::Outcome;
use crate::model::run::summary::{Summary, VerificationState, Writes};

use super::numbers::{counted, duration, grouped, milliseconds, per_second, percent, seconds};
use super::whose_words;
use super::words;
use crate::model::foreign::plain;

/// The summary as Markdown with tables as GitHub and GitLab show them.
#[must_use]
pub fn markdown(summary: &Summary) -> String {
    let sections = [
        head(summary),
        writes(summary),
        outages(summary),
        whose_seconds(summary),
        replicas(summary),
        verification(summary),
        two_primaries(summary),
        history(summary),
    ];
    let mut text = sections.into_iter().flatten().collect::<Vec<_>>().join("\n\n");
    text.push('\n');
    text
}

fn head(summary: &Summary) -> Option<String> {
    let lost = summary.verification.counts.lost;
    let verdict = match summary.verdict {
        Outcome::Pass if lost > 0 => format!("✅ Pass, as allowed: {} lost", grouped(lost)),
        Outcome::Pass => "✅ Pass".to_owned(),
        Outcome::Fail => "❌ Fail".to_owned(),
        Outcome::Inconclusive => "❓ Inconclusive".to_owned(),
    };
    let target = &summary.target;
    let called = words::called(summary.name.as_deref(), summary.group.as_deref())
        .map(|called| format!(" ({})", inert(&called)))
        .unwrap_or_default();
    let mut text = format!(
        "# pgchaos: {verdict}\n\nRun `{}`{called} against {}, database {}, from {} for {}: {}.",
        summary.run_id,
        inert(&target.endpoints),
        inert(&target.dbname),
        stamp(summary.started_at),
        seconds(summary.elapsed_s),
        words::load(&summary.options.load),
    );
    if !summary.reasons.is_empty() {
        text.push('\n');
    }
    for reason in &summary.reasons {
        text.push_str(&format!("\n- {}", inert(reason)));
    }
    Some(text)
}

fn writes(summary: &Summary) -> Option<String> {
    let Writes {
        due,
        attempted,
        acknowledged,
        acknowledged_locally,
        rejected,
        in_doubt,
        skipped,
        unaccounted,
        unaccounted_seen,
    } = summary.writes;
    let mut rows = vec!["| Writes | |".to_owned(), "|---|---:|".to_owned()];
    let always = [("due", due), ("attempted", attempted), ("acknowledged", acknowledged)];
    let exceptions = [
        ("of these without the synchronous standby", acknowledged_locally),
        ("rejected", rejected),
        ("in doubt", in_doubt),
        ("skipped", skipped),
    ];
    let exceptions = exceptions.into_iter().filter(|(_, count)| *count > 0);
    rows.extend(
        always
            .into_iter()
            .chain(exceptions)
            .map(|(name, count)| format!("| {name} | {} |", grouped(count))),
    );
    if unaccounted.is_none() {
        let seen = grouped(unaccounted_seen);
        rows.push(format!("| unaccounted | unknown, {seen} of them seen |"));
    }
    let share = summary.rate.availability_pct.map(percent);
    rows.extend(share.map(|share| match summary.options.load.rate {
        Rate::PerSecond(_) => format!("| acknowledged of due | {share} |"),
        Rate::Max => format!("| time in which one could write | {share} |"),
    }));
    rows.push(format!("| rate | {} |", per_second(summary.rate.acknowledged_per_s)));
    let latency = &summary.latency_ms;
    for (name, ms) in [("p50", latency.p50), ("p99", latency.p99), ("longest", latency.max)] {
        rows.extend(ms.map(|ms| format!("| latency, {name} | {} |", milliseconds(ms))));
    }
    if !summary.errors.is_empty() {
        rows.push(format!("| errors | {} |", inert(&words::errors(&summary.errors))));
    }
    rows.extend(summary.passed_over.iter().map(|host| {
        let words = words::passed_over(host);
        format!("| passed over | {} |", inert(&words))
    }));
    if let Some(pauses) = words::own_pauses(&summary.own_pauses) {
        rows.push(format!("| pgchaos itself did not run | {} |", inert(&pauses)));
    }
    Some(rows.join("\n"))
}

fn outages(summary: &Summary) -> Option<String> {
    if summary.outages.is_empty() {
        return Some("## Outages\n\nNone.".to_owned());
    }
    let mut rows = vec![
        "## Outages\n".to_owned(),
        "| | Kind | Began (UTC) | How long | All writers after | Errors | In doubt | Lost |"
            .to_owned(),
        "|---:|---|---|---|---:|---|---:|---:|".to_owned(),
    ];
    let writers = summary.options.load.writers;
    rows.extend(summary.outages.iter().map(|one| outage(one, writers)));
    Some(rows.join("\n"))
}

/// The parts of each outage, a line an outage.
fn whose_seconds(summary: &Summary) -> Option<String> {
    let line = |outage: &Outage| {
        let whose = outage.whose.as_ref()?;
        let parts = whose_words::parts(whose, Duration::ZERO);
        let parts: Vec<String> =
            parts.chain(whose.shorter.iter().map(whose_words::shorter)).collect();
        Some(format!("- Outage {}: {}", outage.n, inert(&parts.join(" · "))))
    };
    let lines: Vec<String> = summary.outages.iter().filter_map(line).collect();
    (!lines.is_empty()).then(|| format!("Whose seconds:\n\n{}", lines.join("\n")))
}

fn outage(outage: &Outage, writers: u32) -> String {
    let all = outage.phases.all_writers.map_or_else(|| "never".to_owned(), duration);
    let length = words::length(outage, writers);
    let cause = outage.fault.as_ref().map(|cause| format!(", {}", words::cause(cause)));
    format!(
        "| {} | {} | {} | {length} | {all} | {} | {} | {} |",
        outage.n,
        inert(&format!("{}{}", words::outage(outage), cause.unwrap_or_default())),
        outage.began_at.format("%Y-%m-%d %H:%M:%S"),
        inert(&words::errors(&outage.errors)),
        grouped(outage.in_doubt),
        grouped(outage.lost),
    )
}

fn replicas(summary: &Summary) -> Option<String> {
    let rows: Vec<String> = summary
        .replicas
        .iter()
        .map(|replica| {
            format!(
                "| {} | {} | {} | {} | {} | {} |",
                inert(&replica.name),
                duration(replica.lag_max),
                duration(replica.lag_max_at),
                grouped(replica.writes_behind_max),
                duration(replica.lag_last),
                grouped(replica.reads),
            )
        })
        .collect();
    let head = "## Replicas\n\n| | Behind at most | That long after the start | Writes behind at most \
                | Behind at the end | Reads |\n|---|---:|---:|---:|---:|---:|";
    (!rows.is_empty()).then(|| format!("{head}\n{}", rows.join("\n")))
}

fn verification(summary: &Summary) -> Option<String> {
    let found = &summary.verification;
    let reason = || found.reason.as_deref().map(inert).unwrap_or_default();
    let text = match found.state {
        VerificationState::Incomplete => format!("Not complete: {}", reason()),
        VerificationState::Skipped => format!("Skipped. {}", reason()),
        VerificationState::Complete if found.counts.lost == 0 => {
            words::all_there_sentence(summary.writes.unaccounted.is_some())
        }
        VerificationState::Complete => {
            let ranges: Vec<String> = found.lost_writes.iter().map(lost).collect();
            let count = grouped(found.counts.lost);
            format!("**Lost acknowledged writes: {count}**\n\n{}", ranges.join("\n"))
        }
    };
    let mut text = format!("## Verification\n\n{text}");
    if found.counts.recovered.max(found.counts.absent) > 0 {
        let (committed, not) = (grouped(found.counts.recovered), grouped(found.counts.absent));
        text.push_str(&format!("\n\nIn doubt: {committed} committed, {not} not."));
    }
    let complete = found.state == VerificationState::Complete;
    let undecided = (found.counts.undecided > 0)
        .then(|| format!("{} stay in doubt", counted(found.counts.undecided, "write")));
    let withdrawn = (found.counts.withdrawn > 0).then(|| {
        format!("Said to be there after an outage, and gone: {}", grouped(found.counts.withdrawn))
    });
    let since = found.since.as_ref().map(|since| format!("Since then {since}"));
    let said = found.notes.iter().filter_map(words::note);
    let locally = words::lost_locally(found.counts.lost_locally).into_iter();
    let more = locally.chain(words::held(&found.held, complete)).chain(undecided).chain(withdrawn);
    for line in more.chain(said).chain(since) {
        text.push_str(&format!("\n\n{}.", inert(&line)));
    }
    if found.counts.duplicated.max(found.counts.unexpected) > 0 {
        let (more, strange) = (grouped(found.counts.duplicated), grouped(found.counts.unexpected));
        text.push_str(&format!("\n\n**There more than once: {more}; unexpected: {strange}.**"));
    }
    Some(text)
}

fn lost(lost: &LostWrites) -> String {
    let mut text = format!("- writer {} #{}–#{}", lost.writer, lost.first_seq, lost.last_seq);
    if let (Some(from), Some(to)) = (lost.acknowledged_from, lost.acknowledged_to) {
        text.push_str(&format!(", acknowledged between {} and {}", stamp(from), stamp(to)));
    }
    text
}

fn two_primaries(summary: &Summary) -> Option<String> {
    let rows: Vec<String> = summary
        .two_primaries
        .iter()
        .map(|seen| {
            let (from, to) = (duration(seen.from), duration(seen.to));
            format!(
                "- {}, {from} to {to} after the start",
                inert(&words::two_primaries_account(seen))
            )
        })
        .collect();
    (!rows.is_empty()).then(|| format!("## Two primaries\n\n{}", rows.join("\n")))
}

fn history(summary: &Summary) -> Option<String> {
    let rows: Vec<String> = summary
        .history_backwards
        .iter()
        .map(|back| {
            format!("- {}, {} after the start", inert(&words::backwards(back)), duration(back.seen))
        })
        .collect();
    (!rows.is_empty()).then(|| format!("## History went backwards\n\n{}", rows.join("\n")))
}

fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A space of no width: inside a mention or a link it makes it plain text.
const BREAK: char = '\u{200b}';

/// Text that means nothing to Markdown or HTML, and in which GitHub finds no mention and no link.
pub(super) fn inert(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    let text = plain(text);
    for (at, character) in text.char_indices() {
        let after = &text[at + character.len_utf8()..];
        let is_link = character == '.' && inert.to_ascii_lowercase().ends_with("www");
        if is_link || (character == '/' && inert.ends_with(":") && after.starts_with('/')) {
            inert.push(BREAK);
        }
        if character == '@' {
            inert.extend([character, BREAK]);
            continue;
        }
        if "\\`*_{}[]<>|#&~".contains(character) {
            inert.push('\\');
        }
        inert.push(character);
    }
    inert
}
