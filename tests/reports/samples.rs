//! Recorded runs, and sets of runs that are made of one of them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pgchaos::engine::record::file::read;
use pgchaos::model::comparison::Comparison;
use pgchaos::model::run::summarize::sum_up;
use pgchaos::model::run::summary::{RecordSummary, Summary};
use pgchaos::report::export::Format;
use uuid::Uuid;

pub(crate) const FORMATS: [Format; 6] =
    [Format::Text, Format::Html, Format::Markdown, Format::Json, Format::Junit, Format::Csv];

pub(crate) fn path(record: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/papers/runs").join(record)
}

/// A recorded run: `failover.jsonl`, `loss.jsonl` or `crash.jsonl`.
pub(crate) fn recorded(record: &str) -> Summary {
    let read = read(&path(record), |_| {}).unwrap();
    let complete = read.complete && !read.torn;
    let mut summary = sum_up(&read.run);
    summary.record = Some(RecordSummary { path: record.to_owned(), complete, error: None });
    summary
}

/// The recorded failover with an outage of this length, as another run.
pub(crate) fn with_outage(record: &str, outage_s: f64) -> Summary {
    let mut run = recorded("failover.jsonl");
    run.run_id = Uuid::new_v4();
    run.record.as_mut().unwrap().path = record.to_owned();
    let length = Duration::from_secs_f64(outage_s);
    let outage = &mut run.outages[0];
    (outage.duration, outage.without_ack, outage.degraded) = (length, length, length);
    outage.first_ack = Some(outage.began + length);
    run.elapsed_s = 60.0;
    run.rate.availability_pct = Some(100.0 - outage_s / 0.6);
    run.rate.acknowledged_per_s = (60.0 - outage_s) / 60.0;
    run.latency_ms.p99 = Some(40.0);
    run
}

/// As many runs as lengths.
pub(crate) fn set(name: &str, outages_s: &[f64]) -> Vec<Summary> {
    let run = |(n, length): (usize, &f64)| with_outage(&format!("{name}{}.jsonl", n + 1), *length);
    outages_s.iter().enumerate().map(run).collect()
}

pub(crate) fn lose(run: &mut Summary, writes: u64) {
    run.verification.counts.lost = writes;
    run.verification.counts.present -= writes;
}

/// Short outages against long ones, some of which lost writes.
pub(crate) fn better() -> (Vec<Summary>, Vec<Summary>) {
    let a = set("new", &[12.1, 9.9, 14.2, 11.8, 12.6, 13.0]);
    let mut b = set("old", &[31.4, 29.0, 33.3, 30.1, 35.2, 28.8]);
    lose(&mut b[1], 3);
    lose(&mut b[4], 1);
    (a, b)
}

pub(crate) fn compared(format: Format, a: &[Summary], b: &[Summary]) -> String {
    let all: Vec<&Summary> = a.iter().chain(b).collect();
    format.render_comparison(&Comparison::of(a, b), &all).unwrap()
}

/// Names that mean something to a terminal, to XML, HTML, Markdown, a spreadsheet.
pub(crate) const HOSTILE: [&str; 7] = [
    "a|b\n| c |",
    "<script>alert(1)</script><img src=x>",
    "[here](https://evil.example) `code` **bold** | https://evil.example @all",
    "=cmd|' /C calc'!A0",
    "\u{1b}[2J\u{202e}\u{0}\u{fffe}",
    "]]> & \"quoted\", 'too'; <!-- ",
    "- [ ] list\n# head\n\n---\n```\n",
];

/// A run in which everything that others say is this.
pub(crate) fn hostile(words: &str) -> Summary {
    let mut run = with_outage(&format!("{words}/{words}.jsonl"), 7.0);
    let said = || words.to_owned();
    (run.name, run.group, run.pgchaos) = (Some(said()), Some(said()), said());
    (run.target.endpoints, run.target.dbname, run.target.user) = (said(), said(), said());
    (run.target.host, run.reasons) = (said(), vec![said()]);
    run.own_limits = vec![said()];
    let found = &mut run.verification;
    (found.server, found.reason, found.since) = (Some(said()), Some(said()), Some(said()));
    let outage = &mut run.outages[0];
    for side in [&mut outage.from, &mut outage.to] {
        side.as_mut().unwrap().member = Some(said());
    }
    run
}
