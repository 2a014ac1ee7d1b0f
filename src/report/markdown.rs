//! The summary as Markdown, for a ticket, a wiki or the log of a drill. Times are UTC, as the
//! page travels.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use crate::model::outage::Outage;
use crate::model::summary::{LostWrites, Summary, VerificationState, Writes};
use crate::model::verdict::Outcome;

use super::numbers::{duration, grouped, milliseconds, per_second, percent, seconds};
use super::plain::plain;
use super::words;

/// The summary as Markdown with tables as GitHub and GitLab show them.
#[must_use]
pub fn markdown(summary: &Summary) -> String {
    let sections =
        [head(summary), writes(summary), outages(summary), verification(summary), history(summary)];
    let mut text = sections.into_iter().flatten().collect::<Vec<_>>().join("\n\n");
    text.push('\n');
    text
}

fn head(summary: &Summary) -> Option<String> {
    let verdict = match summary.verdict {
        Outcome::Pass => "✅ Pass",
        Outcome::Fail => "❌ Fail",
        Outcome::Inconclusive => "❓ Inconclusive",
    };
    let target = &summary.target;
    let mut text = format!(
        "# pgchaos: {verdict}\n\nRun `{}` against {}:{}, database {}, from {} for {}: {}.",
        summary.run_id,
        inert(&target.host),
        target.port,
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
    } = summary.writes;
    let mut rows = vec!["| Writes | |".to_owned(), "|---|---:|".to_owned()];
    let always = [("due", due), ("attempted", attempted), ("acknowledged", acknowledged)];
    let exceptions = [
        ("of these without the synchronous standby", acknowledged_locally),
        ("rejected", rejected),
        ("in doubt", in_doubt),
        ("skipped", skipped),
        ("unaccounted", unaccounted),
    ];
    let exceptions = exceptions.into_iter().filter(|(_, count)| *count > 0);
    rows.extend(
        always
            .into_iter()
            .chain(exceptions)
            .map(|(name, count)| format!("| {name} | {} |", grouped(count))),
    );
    let share = summary.rate.availability_pct.map(percent);
    rows.extend(share.map(|share| format!("| acknowledged of due | {share} |")));
    rows.push(format!("| rate | {} |", per_second(summary.rate.acknowledged_per_s)));
    let latency = &summary.latency_ms;
    for (name, ms) in [("p50", latency.p50), ("p99", latency.p99), ("longest", latency.max)] {
        rows.extend(ms.map(|ms| format!("| latency, {name} | {} |", milliseconds(ms))));
    }
    if !summary.errors.is_empty() {
        rows.push(format!("| errors | {} |", inert(&words::errors(&summary.errors))));
    }
    Some(rows.join("\n"))
}

fn outages(summary: &Summary) -> Option<String> {
    if summary.outages.is_empty() {
        return Some("## Outages\n\nNone.".to_owned());
    }
    let mut rows = vec![
        "## Outages\n".to_owned(),
        "| | Kind | Began (UTC) | Without a write | All writers after | Errors | In doubt | Lost |"
            .to_owned(),
        "|---:|---|---|---:|---:|---|---:|---:|".to_owned(),
    ];
    rows.extend(summary.outages.iter().map(outage));
    Some(rows.join("\n"))
}

fn outage(outage: &Outage) -> String {
    let all = outage.phases.all_writers.map_or_else(|| "never".to_owned(), duration);
    let ended = if outage.first_ack.is_some() { "" } else { ", not over" };
    let cause = outage.fault.as_ref().map(|cause| format!(", {}", words::cause(cause)));
    format!(
        "| {} | {} | {} | {}{ended} | {all} | {} | {} | {} |",
        outage.n,
        inert(&format!("{}{}", words::outage(outage), cause.unwrap_or_default())),
        outage.began_at.format("%Y-%m-%d %H:%M:%S"),
        duration(outage.duration),
        inert(&words::errors(&outage.errors)),
        grouped(outage.in_doubt),
        grouped(outage.lost),
    )
}

fn verification(summary: &Summary) -> Option<String> {
    let found = &summary.verification;
    let reason = || found.reason.as_deref().map(inert).unwrap_or_default();
    let text = match found.state {
        VerificationState::Incomplete => format!("Not complete: {}", reason()),
        VerificationState::Skipped => format!("Skipped. {}", reason()),
        VerificationState::Complete if found.lost == 0 => {
            "Every acknowledged write is there.".to_owned()
        }
        VerificationState::Complete => {
            let ranges: Vec<String> = found.lost_writes.iter().map(lost).collect();
            let count = grouped(found.lost);
            format!("**Lost acknowledged writes: {count}**\n\n{}", ranges.join("\n"))
        }
    };
    let mut text = format!("## Verification\n\n{text}");
    if found.recovered + found.absent > 0 {
        let (committed, not) = (grouped(found.recovered), grouped(found.absent));
        text.push_str(&format!("\n\nIn doubt: {committed} committed, {not} not."));
    }
    if found.duplicated + found.unexpected > 0 {
        let (more, strange) = (grouped(found.duplicated), grouped(found.unexpected));
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

/// Text without meaning to Markdown or HTML.
pub(super) fn inert(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    for character in plain(text).chars() {
        if "\\`*_{}[]<>|#&~".contains(character) {
            inert.push('\\');
        }
        inert.push(character);
    }
    inert
}
