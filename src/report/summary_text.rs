//! The page that one reads when a run is over.
//!
//! It ends with the verdict, as that is where the eye is when the prompt comes back; above it,
//! from the run to what became of its writes.

mod outages;
mod page;
mod verification;

#[cfg(test)]
mod tests;

use chrono::FixedOffset;

use crate::model::latency::Percentiles;
use crate::model::summary::{Summary, VerificationState};
use crate::model::verdict::Outcome;

use super::layout::{Line, Tone};
use super::numbers::{counted, duration, grouped, milliseconds, per_second, percent, seconds};
use super::words;
use page::Page;

/// How the page is written.
#[derive(Debug, Clone, Copy)]
pub struct SummaryTextOptions {
    /// The reader's offset from UTC.
    pub offset: FixedOffset,
    /// Whether to colour.
    pub colour: bool,
    /// The terminal's width in columns; `None` where lines may be of any length, as in a file.
    pub width: Option<usize>,
}

/// The summary as a page of text that ends with a line break; `record` is where the record is.
#[must_use]
pub fn summary_text(
    summary: &Summary,
    record: Option<&str>,
    options: &SummaryTextOptions,
) -> String {
    let mut page = Page::new(options);
    page.rule(
        &Line::new(Tone::Plain, "")
            .rest(format!("pgchaos {}", summary.pgchaos))
            .part(format!("run {}", summary.run_id)),
    );
    page.row("target", &target(summary));
    page.row("started", &started(summary, options));
    page.row("load", &Line::new(Tone::Plain, "").rest(words::load(&summary.options.load)));
    writes(&mut page, summary);
    latency(&mut page, &summary.latency_ms);
    if !summary.errors.is_empty() {
        page.row("errors", &Line::new(Tone::Plain, "").rest(words::errors(&summary.errors)));
    }
    outages::outages(&mut page, summary, options.offset);
    verification::verification(&mut page, summary, options.offset);
    if let Some(record) = record {
        page.copyable("record", record);
    }
    next_step(&mut page, summary, record);
    verdict(&mut page, summary);
    page.text()
}

fn target(summary: &Summary) -> Line {
    let target = &summary.target;
    Line::new(Tone::Plain, "")
        .rest(format!("{}:{}", target.host, target.port))
        .part(format!("database {}", target.dbname))
        .part(format!("user {}", target.user))
}

fn started(summary: &Summary, options: &SummaryTextOptions) -> Line {
    let started = summary.started_at.with_timezone(&options.offset);
    Line::new(Tone::Plain, "")
        .rest(started.format("%Y-%m-%d %H:%M:%S %:z").to_string())
        .part(format!("ran for {}", seconds(summary.elapsed_s)))
}

fn writes(page: &mut Page, summary: &Summary) {
    let writes = &summary.writes;
    let verified = summary.verification.state == VerificationState::Complete;
    let fate = verified.then(|| {
        let found = &summary.verification;
        format!("{} committed, {} not", grouped(found.recovered), grouped(found.absent))
    });
    let plain = |name| Line::new(Tone::Plain, name);
    let wary = |name| Line::new(Tone::Wary, name);
    // Nothing is more than what was due, but for writes after the last flush of a killed run.
    let width = grouped(writes.due.max(writes.attempted).max(writes.unaccounted)).len();
    page.count("writes", writes.due, width, &plain("due"));
    page.count("", writes.attempted, width, &plain("attempted"));
    let share = summary.rate.availability_pct.map(|share| format!("{} of due", percent(share)));
    let acknowledged =
        plain("acknowledged").part_if(share).part(per_second(summary.rate.acknowledged_per_s));
    page.count("", writes.acknowledged, width, &acknowledged);
    let exceptions = [
        (
            writes.acknowledged_locally,
            wary("of these without the synchronous standby")
                .part("a failover may lose them"),
        ),
        (writes.rejected, wary("rejected").part("the server said no: not committed")),
        (writes.in_doubt, wary("in doubt").part("sent, no answer").part_if(fate)),
        (writes.skipped, wary("skipped").part("due, never sent: there was no session")),
        (
            writes.unaccounted,
            Line::new(Tone::Bad, "unaccounted")
                .part("pgchaos was killed: sent after the record's last flush, so nobody knows which were acknowledged"),
        ),
    ];
    for (count, line) in exceptions.into_iter().filter(|(count, _)| *count > 0) {
        page.count("", count, width, &line);
    }
}

fn latency(page: &mut Page, latency: &Percentiles) {
    let named = [
        ("p50", latency.p50),
        ("p90", latency.p90),
        ("p99", latency.p99),
        ("p99.9", latency.p999),
        ("max", latency.max),
    ];
    let known: Vec<String> = named
        .into_iter()
        .filter_map(|(name, ms)| Some(format!("{name} {}", milliseconds(ms?))))
        .collect();
    if !known.is_empty() {
        page.row("latency", &Line::new(Tone::Plain, "").rest(known.join(" · ")));
    }
}

fn next_step(page: &mut Page, summary: &Summary, record: Option<&str>) {
    let nothing_to_verify = summary.writes.attempted == 0;
    if summary.verification.state == VerificationState::Complete || nothing_to_verify {
        return;
    }
    let say = |text: &str| Line::new(Tone::Plain, "").rest(text);
    let Some(record) = record else {
        page.row("next", &say("no record was kept, so this run cannot be accounted for later"));
        return;
    };
    page.row("next", &say("when the cluster is back, account for the run:"));
    page.copyable("", &format!("pgchaos verify {}", quoted(record)));
}

/// As a shell wants it, so that the line can be copied.
fn quoted(path: &str) -> String {
    let bare = |character: char| character.is_alphanumeric() || "/._-+:@%~".contains(character);
    if !path.is_empty() && path.chars().all(bare) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', "'\\''"))
}

fn verdict(page: &mut Page, summary: &Summary) {
    let (tone, name) = match summary.verdict {
        Outcome::Pass => (Tone::Proven, "PASS"),
        Outcome::Fail => (Tone::Loud, "FAIL"),
        Outcome::Inconclusive => (Tone::Loud, "INCONCLUSIVE"),
    };
    page.gap();
    if summary.reasons.is_empty() {
        page.row(name, &Line::new(tone, "").rest(in_short(summary)));
        return;
    }
    for (number, reason) in summary.reasons.iter().enumerate() {
        let label = if number == 0 { name } else { "" };
        page.row(label, &Line::new(tone, "").rest(reason));
    }
}

fn in_short(summary: &Summary) -> String {
    let longest = summary.outages.iter().map(|outage| outage.duration).max();
    let outages = match longest {
        None => "no outage".to_owned(),
        Some(longest) => {
            let count = counted(summary.outages.len() as u64, "outage");
            format!("{count}, the longest {}", duration(longest))
        }
    };
    let lost = counted(summary.verification.lost, "acknowledged write");
    format!("{lost} lost · {outages}")
}
