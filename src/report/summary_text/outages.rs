//! Every outage on a few lines: what it was, how long, and its anatomy.

use std::time::Duration;

use chrono::FixedOffset;

use crate::model::outage::Outage;
use crate::model::outage::whose::WhoseSeconds;
use crate::model::run::summary::Summary;
use crate::report::layout::{Line, Tone};
use crate::report::numbers::{counted, duration};
use crate::report::whose_words;
use crate::report::words;

use super::page::Page;
use super::time_of_day::time;

/// Steps that are closer to the first write are not told apart.
const NOTABLY_APART: Duration = Duration::from_millis(100);

/// How many outages are shown, the longest: more would push the verdict off the screen.
const SHOWN: usize = 8;

pub(super) fn outages(page: &mut Page, summary: &Summary, offset: FixedOffset) {
    if summary.outages.is_empty() {
        page.row("outages", &Line::new(Tone::Plain, "").rest("none"));
        return;
    }
    let mut longest: Vec<&Outage> = summary.outages.iter().collect();
    longest.sort_by_key(|outage| std::cmp::Reverse(outage.length()));
    longest.truncate(SHOWN);
    longest.sort_by_key(|outage| outage.n);
    for outage in longest {
        let label = format!("outage {}", outage.n);
        page.row(&label, &head(outage, summary, offset));
        page.row("", &length(outage, summary.options.load.writers));
        if let Some(anatomy) = anatomy(outage) {
            page.row("", &anatomy);
        }
        if let Some(whose) = &outage.whose {
            page.row("", &whose_seconds(whose));
        }
    }
    if let Some(more) = summary.outages.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        let more = counted(more as u64, "more outage");
        page.row("", &Line::new(Tone::Plain, "").rest(format!("{more}, none of them longer")));
    }
}

fn head(outage: &Outage, summary: &Summary, offset: FixedOffset) -> Line {
    let at = time(outage.began_at, summary.started_at, offset);
    Line::new(Tone::Plain, "")
        .rest(format!("{} at {at}", words::outage(outage)))
        .part_if(outage.fault.as_ref().map(|cause| words::cause(cause)))
}

fn length(outage: &Outage, writers: u32) -> Line {
    let tone = if outage.writers_out_at_end == 0 { Tone::Plain } else { Tone::Bad };
    let line = Line::new(tone, words::length(outage, writers));
    let line = line.part_if(words::writable_again(outage).filter(|_| outage.open.is_none()));
    let errors =
        (!outage.errors.is_empty()).then(|| format!("errors: {}", words::errors(&outage.errors)));
    let in_doubt =
        (outage.in_doubt > 0).then(|| format!("{} in doubt", counted(outage.in_doubt, "write")));
    let lost =
        (outage.lost > 0).then(|| format!("{} LOST", counted(outage.lost, "acknowledged write")));
    line.part_if(lost).part_if(in_doubt).part_if(errors)
}

fn whose_seconds(whose: &WhoseSeconds) -> Line {
    let parts: Vec<String> = whose_words::parts(whose, Duration::ZERO).collect();
    let line = Line::new(Tone::Plain, "").rest(format!("whose seconds: {}", parts.join(" · ")));
    whose.shorter.iter().map(whose_words::shorter).fold(line, Line::part)
}

fn anatomy(outage: &Outage) -> Option<Line> {
    let phases = &outage.phases;
    // A step that came together with the first write is not shown.
    let apart = |after: &Duration| {
        phases.first_ack.is_none_or(|first| first.abs_diff(*after) >= NOTABLY_APART)
    };
    let mut seen: Vec<(Duration, &str)> = [
        ("leader changed", phases.leader_changed),
        ("session", phases.session.filter(apart)),
        ("writable", phases.writable.filter(apart)),
        ("first write", phases.first_ack),
        ("all writers", phases.all_writers.filter(apart)),
        ("full rate", phases.full_rate.filter(apart)),
    ]
    .into_iter()
    .filter_map(|(name, after)| Some((after?, name)))
    .collect();
    seen.sort_by_key(|(after, _)| *after);
    let seen: Vec<String> =
        seen.into_iter().map(|(after, name)| format!("{name} {}", duration(after))).collect();
    (seen.len() > 1)
        .then(|| Line::new(Tone::Plain, "").rest(format!("after it began: {}", seen.join(" · "))))
}
