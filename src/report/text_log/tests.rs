//! Events in, whole lines out.

mod daily_life;
mod failures;
mod passed_over;
mod patroni;
mod properties;
mod refusals;
mod several_hosts;

use chrono::FixedOffset;

use crate::report::fixtures::{ms, story};

use super::*;

fn log(writers: u32, one_by_one: bool, width: Option<usize>) -> TextLog {
    TextLog::new(options(writers, one_by_one, width))
}

fn options(writers: u32, one_by_one: bool, width: Option<usize>) -> TextLogOptions {
    TextLogOptions {
        started_at: "2026-11-22T20:56:20.500Z".parse().unwrap(),
        offset: FixedOffset::east_opt(3 * 3600).unwrap(),
        colour: false,
        verbosity: Verbosity::Normal,
        one_by_one,
        writers,
        width,
    }
}

/// Every event, with a tick before it for each 200 ms that passed, as the program gives them.
fn told(log: &mut TextLog, events: &[Event]) -> Vec<String> {
    let mut rows = Vec::new();
    let mut now = Duration::ZERO;
    for event in events {
        while now + ms(200) < event.at {
            now += ms(200);
            rows.extend(log.tick(now));
        }
        now = now.max(event.at);
        rows.extend(log.event(event));
    }
    rows.extend(log.finish(now + ms(300)));
    rows
}

#[test]
fn the_homeworks_story() {
    let rows = told(&mut log(1, true, None), &story());
    assert_eq!(
        rows,
        [
            "--- pgchaos gen → localhost:5500 · run 0d6f… · 1 writer · 1 write/s · Ctrl-C to stop and verify",
            "[23:56:21] CONNECTED to patroni2 172.18.0.6:5432 · primary · timeline 1",
            "[23:56:21] INSERT: purchase by Иван Петров · id 3",
            "           READ check (last 3 IDs): [3, 2, 1]",
            "[23:56:22] INSERT: login by Иван Петров · id 4",
            "[23:57:42] CONNECTION LOST during INSERT #82: server closed the connection · in doubt",
            "[23:57:42] NO BACKEND: accepted, then closed: no live primary? · retrying",
            "[23:57:47] NO BACKEND ×5, last 0.2 s ago · no write for 5.1 s · retrying",
            "[23:57:52] NO BACKEND ×9, last 0.4 s ago · no write for 10.1 s · retrying",
            "[23:57:57] NO BACKEND ×11, last 3.0 s ago · no write for 15.1 s · retrying",
            "[23:58:49] CONNECTED to patroni3 172.18.0.7:5432 · primary · timeline 2",
            "[23:58:49] INSERT: click by Алексей Козлов · id 91",
            "[23:58:49] RECOVERED · failover patroni2 → patroni3 · outage 67.1 s (connection_lost 1, no_backend 11) · 7 writes due and not sent",
            "[23:58:49] CHECKED after outage 1: the last 81 acknowledged writes are all there",
            "           INSERT #82 in doubt: not found so far, final answer at the end",
            "           ids 82 → 91: the new primary skipped sequence values, no acknowledged write is missing",
            "[23:59:50] STOPPED writing · verifying (Ctrl-C again to stop now)",
            "           verifying: waiting for sessions of this run",
            "           verifying: looked at 2 000 000 of 5 000 000 writes",
            "[23:59:50] VERIFIED on patroni3 in 0.3 s · every acknowledged write is there",
            "           in doubt: 0 committed, 1 not",
        ]
    );
}

#[test]
fn at_80_columns_lines_break_between_facts() {
    let rows = told(&mut log(1, true, Some(80)), &story());
    let long: Vec<&String> = rows.iter().filter(|row| row.chars().count() > 80).collect();
    assert_eq!(long, Vec::<&String>::new());
    assert_eq!(
        rows[..2],
        [
            "--- pgchaos gen → localhost:5500 · run 0d6f… · 1 writer · 1 write/s",
            "    Ctrl-C to stop and verify",
        ]
    );
    let recovered = rows.iter().position(|row| row.contains("RECOVERED")).unwrap();
    assert_eq!(
        rows[recovered..recovered + 2],
        [
            "[23:58:49] RECOVERED · failover patroni2 → patroni3 · outage 67.1 s",
            "           (connection_lost 1, no_backend 11) · 7 writes due and not sent",
        ]
    );
}

/// Not a test: `cargo test --lib show_the_story -- --ignored --nocapture` shows what it looks like.
#[test]
#[ignore = "for the eye"]
fn show_the_story() {
    let options = TextLogOptions { colour: true, ..options(1, true, Some(80)) };
    let rows = told(&mut TextLog::new(options), &story());
    let options = crate::report::summary_text::SummaryTextOptions {
        offset: FixedOffset::east_opt(3 * 3600).unwrap(),
        colour: true,
        width: Some(80),
    };
    let summary = crate::report::fixtures::summary();
    let page = crate::report::summary_text::summary_text(&summary, &options);
    println!("{}\n{page}", rows.join("\n"));
}
