//! An outage in words: its end, and what was found after it.

use crate::model::cluster::two_primaries::TwoPrimaries;
use crate::model::event::{Backwards, Checked, IdGap, WritesResumed};
use crate::model::outage::Outage;
use crate::model::outage::kind::Kind;
use crate::report::layout::{Line, Tone};
use crate::report::numbers::{counted, duration, grouped};
use crate::report::words;

/// A difference of less is not told: between the first writer that is back and the last, and between
/// the ends of the range in which writes became possible.
const NOTABLY_MS: u128 = 200;

/// Some writers write again, others are still out.
pub(super) fn resumed(resumed: &WritesResumed, writers: u32) -> Line {
    Line::new(Tone::Good, "WRITING AGAIN").rest(format!(" after {}", duration(resumed.after))).part(
        format!(
            "{} of {} still out",
            grouped(resumed.writers_down),
            counted(u64::from(writers), "writer")
        ),
    )
}

/// Some writers are out, and others write.
pub(super) fn writers_out(out: u64, writers: u32) -> Line {
    Line::new(Tone::Wary, "WRITERS OUT")
        .part(format!("{} of {}", grouped(out), counted(u64::from(writers), "writer")))
        .part(if u64::from(writers) - out.min(u64::from(writers)) == 1 {
            "the other one writes"
        } else {
            "the others write"
        })
}

/// Whether the range in which writes became possible is wide enough to be told.
fn is_unsharp(outage: &Outage) -> bool {
    outage.open.is_none()
        && outage.resolution.as_millis() >= NOTABLY_MS
        && outage.resolution * 10 >= outage.duration
}

/// The outage is over, or the run is.
pub(super) fn ended(outage: &Outage, writers: u32) -> Line {
    let errors = match outage.errors.is_empty() {
        true => String::new(),
        false => format!(" ({})", words::errors(&outage.errors)),
    };
    let over = outage.writers_out_at_end == 0;
    let everybody = outage.degraded.saturating_sub(outage.duration);
    let length = match outage.open {
        _ if outage.partial && over => words::partial(outage, writers),
        _ if outage.partial => format!("{}, and the run ended", words::partial(outage, writers)),
        Some(open) => format!("no write for {} when the run ended", duration(open)),
        None => format!("outage {}", duration(outage.duration)),
    };
    let still_out = !over && outage.open.is_none() && !outage.partial;
    let (tone, mark) = if over { (Tone::Good, "RECOVERED") } else { (Tone::Bad, "NOT RECOVERED") };
    Line::new(tone, mark)
        .part(words::outage(outage))
        .part(format!("{length}{errors}"))
        .part_if(words::writable_again(outage).filter(|_| is_unsharp(outage)))
        .part_if(
            (outage.skipped > 0)
                .then(|| format!("{} due and not sent", counted(outage.skipped, "write"))),
        )
        .part_if(
            (over && !outage.partial && writers > 1 && everybody.as_millis() >= NOTABLY_MS)
                .then(|| format!("all writers after {}", duration(outage.degraded))),
        )
        .part_if(still_out.then(|| {
            format!("{} when the run ended", words::writers_out(outage.writers_out_at_end, writers))
        }))
}

/// An outage's kind, where it became known only after the outage was told.
pub(super) fn reclassified(outage: u32, kind: Kind) -> Line {
    let why = match kind {
        Kind::Switchover => ": the old primary stayed, as a replica",
        _ => "",
    };
    Line::new(Tone::Plain, "OUTAGE").rest(format!(" {outage} was a {kind}{why}"))
}

/// What was looked up after an outage. `news` is whether the writes that were not found are others
/// than last time.
pub(super) fn checked(checked: &Checked, news: bool, several_writers: bool) -> Vec<Line> {
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
    lines.extend(doubts(checked, news, several_writers));
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

fn doubts(checked: &Checked, news: bool, several_writers: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    let recovered = words::inserts(&checked.recovered, several_writers);
    match words::total(&checked.recovered) {
        0 => {}
        1 => lines.push(format!("{recovered} in doubt: it is there, so it was committed")),
        _ => lines.push(format!("{recovered} in doubt: they are there, so they were committed")),
    }
    // Writes that an earlier look-up did not find are told once.
    if news && !checked.not_found.is_empty() {
        let not_found = words::inserts(&checked.not_found, several_writers);
        lines.push(format!("{not_found} in doubt: not found so far, final answer at the end"));
    }
    lines.into_iter().map(|text| Line::new(Tone::Plain, "").rest(text)).collect()
}

/// How many values of a sequence a promotion or a crash skips at most: WAL logs so many ahead.
const SKIPPED_MAX: u64 = 32;

/// Ids that jumped: what is known of the values between, no guess.
pub(super) fn id_gap(gap: &IdGap) -> Line {
    let values = gap.after.saturating_sub(gap.before).saturating_sub(1).unsigned_abs();
    let taken = [
        (gap.rejected, "rejected write", "rejected writes"),
        (gap.in_doubt, "write in doubt", "writes in doubt"),
        (gap.witness_rows, "row of a witness", "rows of witnesses"),
        (gap.other_rows.unwrap_or(0), "row of another run", "rows of other runs"),
    ];
    let taken_at_most = taken.iter().fold(0, |sum: u64, (count, ..)| sum.saturating_add(*count));
    let parts: Vec<String> = taken
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| {
            format!("{} {}", grouped(*count), if *count == 1 { one } else { many })
        })
        .collect();
    let skipped = match gap.kind {
        Kind::Failover | Kind::Switchover | Kind::Demotion => {
            Some("the new primary skipped sequence values")
        }
        Kind::Restart if gap.crashed => Some("the crashed server skipped sequence values"),
        _ => None,
    };
    let parts = parts.join(", ");
    let why = match skipped {
        _ if values <= taken_at_most => format!("used by {parts}"),
        Some(why) if values <= taken_at_most.saturating_add(SKIPPED_MAX) => match taken_at_most {
            0 => why.to_owned(),
            _ => format!("{why}, others were used by {parts}"),
        },
        _ if taken_at_most > 0 => format!("some used by {parts}, the rest is not explained"),
        _ => "not explained".to_owned(),
    };
    Line::new(Tone::Plain, "").rest(format!(
        "ids {} → {}: {why}, no acknowledged write is missing",
        gap.before, gap.after
    ))
}

/// Two primaries, and for how long once that is known.
pub(super) fn two_primaries(seen: &TwoPrimaries) -> Line {
    let so_far = (!seen.over).then(|| "so far".to_owned());
    Line::new(Tone::Loud, "!!! TWO PRIMARIES").part(words::two_primaries(seen)).part_if(so_far)
}

/// History that went backwards.
pub(super) fn backwards(backwards: &Backwards) -> Line {
    Line::new(Tone::Loud, "!!!")
        .rest(" HISTORY WENT BACKWARDS")
        .part(words::backwards(backwards))
        .part("acknowledged writes may be gone")
}
