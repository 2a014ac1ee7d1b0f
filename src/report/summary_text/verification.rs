//! What became of the writes, in words.

use chrono::FixedOffset;

use crate::model::event::Note;
use crate::model::ledger::loss_times::LostWrites;
use crate::model::run::summary::{Summary, VerificationState};
use crate::report::layout::{Line, Tone};
use crate::report::numbers::{counted, duration};
use crate::report::words;

use super::page::Page;
use super::time_of_day::time;

/// How many ranges of lost writes are named; the JSON has them all.
const SHOWN: usize = 8;

pub(super) fn verification(page: &mut Page, summary: &Summary, offset: FixedOffset) {
    let mut label = Some("verification");
    let mut row = |line: &Line| page.row(label.take().unwrap_or_default(), line);
    for line in lines(summary, offset) {
        row(&line);
    }
    if let Some(since) = &summary.verification.since {
        let text = format!("since then {since}");
        row(&Line::new(Tone::Wary, "").rest(text));
    }
    for seen in &summary.two_primaries {
        let line = Line::new(Tone::Loud, "")
            .rest(format!("TWO PRIMARIES: {}", words::two_primaries_account(seen)))
            .part(format!("{} to {} after the start", duration(seen.from), duration(seen.to)));
        row(&line);
    }
    for backwards in &summary.history_backwards {
        let at = format!("{} after the start", duration(backwards.seen));
        let line = Line::new(Tone::Loud, "")
            .rest(format!("history went BACKWARDS: {}", words::backwards(backwards)))
            .part(at);
        row(&line);
    }
}

fn lines(summary: &Summary, offset: FixedOffset) -> Vec<Line> {
    let found = &summary.verification;
    let reason = found.reason.as_deref();
    match found.state {
        VerificationState::Complete => complete(summary, offset),
        VerificationState::Incomplete => {
            let why = reason.unwrap_or("it did not finish");
            vec![Line::new(Tone::Bad, "not complete").rest(format!(": {why}"))]
        }
        VerificationState::Skipped => {
            let why = reason.unwrap_or(match summary.writes.attempted {
                0 => "no write was sent",
                _ => "it was not reached",
            });
            vec![Line::new(Tone::Wary, "skipped").rest(format!(": {why}"))]
        }
    }
}

fn complete(summary: &Summary, offset: FixedOffset) -> Vec<Line> {
    let found = &summary.verification;
    let mut lines = match (found.counts.lost, summary.writes.acknowledged) {
        (0, 0) => vec![Line::new(Tone::Wary, "no write was acknowledged, so none can be missing")],
        (0, _) => {
            let there = words::all_there(summary.writes.unaccounted.is_some());
            vec![Line::new(Tone::Good, there).part_if(looked_at(summary))]
        }
        _ => lost(summary, offset),
    };
    let say = |tone, text: String| Line::new(tone, "").rest(text);
    if found.counts.lost > 0 {
        let locally = words::lost_locally(found.counts.lost_locally);
        lines.extend(locally.map(|text| say(Tone::Bad, text)));
        lines.extend(words::held(&found.held, true).map(|text| say(Tone::Bad, text)));
    }
    if found.counts.withdrawn > 0 {
        let verb = if found.counts.withdrawn == 1 { "was" } else { "were" };
        let count = counted(found.counts.withdrawn, "write");
        let text = format!("{count} {verb} said to be there after an outage, and GONE since");
        lines.push(say(Tone::Loud, text));
    }
    lines.extend(found.notes.iter().filter_map(words::note).map(|text| say(Tone::Wary, text)));
    let strange = |count: u64, what: &str| {
        let verb = if count == 1 { "is" } else { "are" };
        Line::new(Tone::Loud, "").rest(format!("{} {verb} {what}", counted(count, "write")))
    };
    if found.counts.duplicated > 0 {
        lines.push(strange(found.counts.duplicated, "there MORE THAN ONCE"));
    }
    if found.counts.unexpected > 0 {
        lines.push(strange(
            found.counts.unexpected,
            "there UNEXPECTEDLY: never sent, or proven not committed",
        ));
    }
    lines
}

/// The server that was looked at; where there is one endpoint, that no other member was.
fn looked_at(summary: &Summary) -> Option<String> {
    let found = &summary.verification;
    let server = found.server.as_ref()?;
    let alone = found.notes.contains(&Note::OneEndpoint);
    Some(if alone {
        format!("on {server}, no other member was looked at")
    } else {
        format!("on {server}")
    })
}

fn lost(summary: &Summary, offset: FixedOffset) -> Vec<Line> {
    let found = &summary.verification;
    let count = counted(found.counts.lost, "acknowledged write");
    let head = Line::new(Tone::Loud, "").rest(format!("{count} LOST"));
    let mut lines = vec![head.part_if(looked_at(summary))];
    lines.extend(found.lost_writes.iter().take(SHOWN).map(|lost| range(lost, summary, offset)));
    let more = found.lost_writes.len().saturating_sub(SHOWN);
    if more > 0 {
        let more = counted(more as u64, "more range");
        lines.push(Line::new(Tone::Bad, format!("and {more}")));
    }
    lines
}

fn range(lost: &LostWrites, summary: &Summary, offset: FixedOffset) -> Line {
    let writes = match lost.first_seq == lost.last_seq {
        true => format!("#{}", lost.first_seq),
        false => format!("#{}–#{}", lost.first_seq, lost.last_seq),
    };
    let at = |time_of| time(time_of, summary.started_at, offset);
    let when = match (lost.acknowledged_from, lost.acknowledged_to) {
        (Some(from), Some(to)) => Some(format!("acknowledged between {} and {}", at(from), at(to))),
        (None, Some(to)) => Some(format!("acknowledged by {}", at(to))),
        (Some(from), None) => Some(format!("acknowledged after {}", at(from))),
        (None, None) => None,
    };
    Line::new(Tone::Bad, format!("writer {} {writes}", lost.writer)).part_if(when)
}
