//! An outage in words: its end, and what was found after it.

use crate::model::event::{Backwards, Checked, IdGap, WritesResumed};
use crate::model::kind::Kind;
use crate::model::outage::Outage;
use crate::report::layout::{Line, Tone};
use crate::report::numbers::{counted, duration, grouped};
use crate::report::words;

/// Until everybody writes again this much longer than the first is worth a word.
const NOTABLY_MS: u128 = 200;

/// Somebody writes, others cannot yet.
pub(super) fn resumed(resumed: &WritesResumed, writers: u32) -> Line {
    Line::new(Tone::Good, "WRITING AGAIN").rest(format!(" after {}", duration(resumed.after))).part(
        format!(
            "{} of {} still without",
            grouped(resumed.writers_down),
            counted(u64::from(writers), "writer")
        ),
    )
}

/// The outage is over, or the run is.
pub(super) fn ended(outage: &Outage, writers: u32) -> Line {
    let errors = match outage.errors.is_empty() {
        true => String::new(),
        false => format!(" ({})", words::errors(&outage.errors)),
    };
    let took = duration(outage.duration);
    let everybody = outage.degraded.saturating_sub(outage.duration);
    let back = outage.first_ack.is_some();
    let still_without = back && outage.phases.all_writers.is_none() && writers > 1;
    let (tone, mark, length) = if back {
        (Tone::Good, "RECOVERED", format!("outage {took}{errors}"))
    } else {
        (Tone::Bad, "NOT RECOVERED", format!("no write for {took} when the run ended{errors}"))
    };
    Line::new(tone, mark)
        .part(words::outage(outage))
        .part(length)
        .part_if(
            (outage.skipped > 0)
                .then(|| format!("{} due and not sent", counted(outage.skipped, "write"))),
        )
        .part_if(
            (back && !still_without && writers > 1 && everybody.as_millis() >= NOTABLY_MS)
                .then(|| format!("all writers after {}", duration(outage.degraded))),
        )
        .part_if(still_without.then(|| "some writers never came back".to_owned()))
}

/// A kind that became known after the outage was told.
pub(super) fn reclassified(outage: u32, kind: Kind) -> Line {
    let why = match kind {
        Kind::Switchover => ": the old primary stayed, as a replica",
        _ => "",
    };
    Line::new(Tone::Plain, "OUTAGE").rest(format!(" {outage} was a {kind}{why}"))
}

/// What was looked up after an outage.
pub(super) fn checked(checked: &Checked, several_writers: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(error) = &checked.error {
        lines.push(
            Line::new(Tone::Wary, "NOT CHECKED")
                .message(error.clone())
                .part("the final verification decides"),
        );
    }
    if !checked.missing.is_empty() {
        lines.push(missing(checked));
    }
    if checked.missing.is_empty() && checked.error.is_none() {
        let last = match checked.looked_up {
            0 => ": nothing was acknowledged before".to_owned(),
            1 => ": the last acknowledged write is there".to_owned(),
            some => format!(": the last {} acknowledged writes are all there", grouped(some)),
        };
        let outage = checked.outage;
        lines.push(Line::new(Tone::Good, "CHECKED").rest(format!(" after outage {outage}{last}")));
    }
    lines.extend(doubts(checked, several_writers));
    lines
}

fn missing(checked: &Checked) -> Line {
    let count = words::total(&checked.missing);
    let (noun, verb) = if count == 1 { ("write", "is") } else { ("writes", "are") };
    Line::new(Tone::Loud, "!!!")
        .rest(format!(
            " {} acknowledged {noun} {verb} NOT THERE ({})",
            grouped(count),
            words::by_writer(&checked.missing)
        ))
        .part("provisional, the final verification decides")
}

fn doubts(checked: &Checked, several_writers: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    let recovered = words::inserts(&checked.recovered, several_writers);
    match words::total(&checked.recovered) {
        0 => {}
        1 => lines.push(format!("{recovered} in doubt: it is there, so it was committed")),
        _ => lines.push(format!("{recovered} in doubt: they are there, so they were committed")),
    }
    if !checked.not_found.is_empty() {
        let not_found = words::inserts(&checked.not_found, several_writers);
        lines.push(format!("{not_found} in doubt: not found so far, final answer at the end"));
    }
    lines.into_iter().map(|text| Line::new(Tone::Plain, "").rest(text)).collect()
}

/// Everybody asks about ids that jumped.
pub(super) fn id_gap(gap: &IdGap) -> Line {
    let why = match gap.kind {
        Kind::Failover | Kind::Switchover | Kind::Demotion => {
            "the new primary skipped sequence values"
        }
        Kind::Restart => "the restarted server skipped sequence values",
        Kind::Connection | Kind::Stall | Kind::Unknown => {
            "sequence values went to writes that were not committed"
        }
    };
    Line::new(Tone::Plain, "").rest(format!(
        "ids {} → {}: {why}, no acknowledged write is missing",
        gap.before, gap.after
    ))
}

/// History that went backwards.
pub(super) fn backwards(backwards: &Backwards) -> Line {
    Line::new(Tone::Loud, "!!!")
        .rest(" HISTORY WENT BACKWARDS")
        .part(words::backwards(backwards))
        .part("acknowledged writes may be gone")
}
