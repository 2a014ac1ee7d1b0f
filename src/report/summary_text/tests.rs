//! A summary in, the whole page out.

use std::time::Duration;

use chrono::FixedOffset;
use proptest::prelude::*;

use crate::model::event::{Backwards, BackwardsWhat};
use crate::model::fault::Class;
use crate::model::foreign::is_steering;
use crate::model::ledger::loss_times::LostWrites;
use crate::model::load::passed_over::PassedOverCount;
use crate::model::load::target::Target;
use crate::model::run::summary::Writes;
use crate::model::tls_cause::TlsCause;
use crate::report::fixtures::summary;
use crate::report::layout::columns;

use super::*;

const RECORD: &str = "/var/lib/pgchaos/0d6f.jsonl";

fn options(colour: bool) -> SummaryTextOptions {
    SummaryTextOptions { offset: FixedOffset::east_opt(3 * 3600).unwrap(), colour, width: Some(80) }
}

fn page(summary: &Summary, record: Option<&str>) -> Vec<String> {
    let mut summary = summary.clone();
    summary.record =
        record.map(|path| RecordSummary { path: path.to_owned(), complete: true, error: None });
    summary_text(&summary, &options(false)).lines().map(str::to_owned).collect()
}

#[test]
fn hosts_that_were_tried_in_vain_are_counted_with_what_they_cost() {
    let mut summary = summary();
    let count = |class, count, total_s| {
        let host = "db:5432 (10.0.0.3)".to_owned();
        PassedOverCount { host, class, count, total_s, served_without_tls: class == Class::Auth }
    };
    summary.passed_over = vec![
        count(Class::Refused, 1_200, 0.02),
        count(Class::Timeout, 9, 27.01),
        count(Class::Auth, 2, 0.0),
    ];
    let page = page(&summary, None);
    let at = page.iter().position(|row| row.starts_with("passed over")).unwrap();
    assert_eq!(
        page[at..at + 4],
        [
            "passed over   db:5432 (10.0.0.3): refused ×1 200",
            "              db:5432 (10.0.0.3): timeout ×9, 27.0 s of waiting",
            "              db:5432 (10.0.0.3): auth ×2, then without TLS",
            "outage 1      failover patroni2 → patroni3 at 23:57:42",
        ]
    );
}

#[test]
fn partial_outages_are_counted_apart_in_the_last_line() {
    let mut summary = summary();
    let mut partial = summary.outages[0].clone();
    (partial.n, partial.partial, partial.degraded) = (2, true, Duration::from_millis(6_100));
    summary.outages.push(partial);
    assert_eq!(
        in_short(&summary),
        "0 acknowledged writes lost · 1 outage, the longest 67.1 s · 1 partial outage, the longest 6.1 s"
    );
    summary.outages.remove(0);
    assert_eq!(
        in_short(&summary),
        "0 acknowledged writes lost · 1 partial outage, the longest 6.1 s"
    );
}

fn losses() -> Summary {
    let mut summary = summary();
    summary.writes = Writes {
        due: 1_204_881,
        attempted: 1_200_000,
        acknowledged: 1_199_900,
        acknowledged_locally: 3,
        rejected: 60,
        in_doubt: 40,
        skipped: 4_881,
        unaccounted: Some(0),
        unaccounted_seen: 0,
    };
    summary.verification.counts.lost = 13;
    summary.verification.counts.recovered = 30;
    summary.verification.counts.absent = 10;
    summary.verification.counts.duplicated = 1;
    let range = |writer, first_seq, last_seq| LostWrites {
        writer,
        first_seq,
        last_seq,
        acknowledged_from: Some("2026-11-22T20:57:41Z".parse().unwrap()),
        acknowledged_to: Some("2026-11-22T21:00:42Z".parse().unwrap()),
    };
    summary.verification.lost_writes = vec![range(1, 70, 81), range(3, 5, 5)];
    summary.history_backwards = vec![Backwards {
        what: BackwardsWhat::Timeline,
        from: "3".to_owned(),
        to: "2".to_owned(),
        server: "patroni1".to_owned(),
        seen: Duration::from_secs(123),
    }];
    summary.outages[0].lost = 13;
    summary.outages[0].first_ack = None;
    summary.outages[0].open = Some(summary.outages[0].duration);
    summary.outages[0].writers_out_at_end = 1;
    summary.verdict = Outcome::Fail;
    summary.reasons = vec![
        "13 acknowledged writes are lost, at most 0 allowed".to_owned(),
        "1 write is there more than once".to_owned(),
    ];
    summary
}

#[test]
fn the_homeworks_story_fits_a_page() {
    assert_eq!(
        page(&summary(), Some(RECORD)),
        [
            "--- pgchaos 0.1.0 · run 0d6f7d2a-1111-4222-8333-123456789abc",
            "target        localhost:5500 · database postgres · user postgres",
            "started       2026-11-22 23:56:20 +03:00 · ran for 3 min 30 s",
            "load          1 writer · 1 write/s",
            "writes        209 due",
            "              142 attempted",
            "              141 acknowledged · 67.4 % of due · 0.7/s",
            "                1 in doubt · sent, no proof · 0 committed, 1 not",
            "               67 skipped · due, never sent: there was no session",
            "latency       p50 2.1 ms · p90 3.4 ms · p99 12 ms · p99.9 40 ms · max 40 ms",
            "errors        connection_lost 1, no_backend 11",
            "outage 1      failover patroni2 → patroni3 at 23:57:42",
            "              67.1 s without a write",
            "              writable again between +66.9 s and +67.1 s · 1 write in doubt",
            "              errors: connection_lost 1, no_backend 11",
            "              after it began: leader changed 45.0 s · session 66.8 s",
            "              writable 66.9 s · first write 67.1 s · full rate 68.0 s",
            "verification  every acknowledged write is there · on patroni3",
            "record        /var/lib/pgchaos/0d6f.jsonl",
            "",
            "PASS          0 acknowledged writes lost · 1 outage, the longest 67.1 s",
        ]
    );
}

#[test]
fn losses_are_named_and_the_verdict_is_last() {
    let rows = page(&losses(), None);
    assert_eq!(
        rows[4..12],
        [
            "writes        1 204 881 due",
            "              1 200 000 attempted",
            "              1 199 900 acknowledged · 67.4 % of due · 0.7/s",
            "                      3 of these without the synchronous standby",
            "                        a failover may lose them",
            "                     60 rejected · the server said no: not committed",
            "                     40 in doubt · sent, no proof · 30 committed, 10 not",
            "                  4 881 skipped · due, never sent: there was no session",
        ]
    );
    assert_eq!(
        rows[14..],
        [
            "outage 1      failover patroni2 → patroni3 at 23:57:42",
            "              67.1 s without a write, and none until the run ended",
            "              13 acknowledged writes LOST · 1 write in doubt",
            "              errors: connection_lost 1, no_backend 11",
            "              after it began: leader changed 45.0 s · session 66.8 s",
            "              writable 66.9 s · first write 67.1 s · full rate 68.0 s",
            "verification  13 acknowledged writes LOST · on patroni3",
            "              writer 1 #70–#81 · acknowledged between 23:57:41 and",
            "              2026-11-23 00:00:42",
            "              writer 3 #5 · acknowledged between 23:57:41 and",
            "              2026-11-23 00:00:42",
            "              1 write is there MORE THAN ONCE",
            "              history went BACKWARDS: timeline 3 → 2 on patroni1",
            "              2 min 03 s after the start",
            "",
            "FAIL          13 acknowledged writes are lost, at most 0 allowed",
            "              1 write is there more than once",
        ]
    );
}

#[test]
fn what_could_not_be_verified_says_what_to_do_next() {
    let mut summary = summary();
    summary.verification.state = VerificationState::Incomplete;
    summary.verification.reason = Some("no writable primary within 30 s".to_owned());
    summary.writes.unaccounted = None;
    summary.writes.unaccounted_seen = 7;
    summary.verdict = Outcome::Inconclusive;
    summary.reasons =
        vec!["the verification is not complete: no writable primary within 30 s".to_owned()];
    let rows = page(&summary, Some("/tmp/my run.jsonl"));
    assert_eq!(
        rows[7..11],
        [
            "                1 in doubt · sent, no proof",
            "               67 skipped · due, never sent: there was no session",
            "                ? unaccounted · acknowledged after the record's last flush: an",
            "                  unknown number · 7 writes without an outcome in it",
        ]
    );
    assert_eq!(
        rows[rows.len() - 6..],
        [
            "verification  not complete: no writable primary within 30 s",
            "record        /tmp/my run.jsonl",
            "next          when the cluster is back, account for the run:",
            "              pgchaos verify '/tmp/my run.jsonl'",
            "",
            "INCONCLUSIVE  the verification is not complete: no writable primary within 30 s",
        ]
    );
}

/// Elsewhere than on this machine `verify` sends a password only to a host that is typed.
#[test]
fn the_next_step_names_hosts_of_other_machines() {
    for (host, endpoints, said) in [
        ("localhost", "localhost:5500", ""),
        ("127.0.0.1,::1,/tmp", "127.0.0.1:1,[::1]:2,/tmp:3", ""),
        ("db", "db:5433", " -h db"),
        ("a,localhost", "a:5432,localhost:5433", " -h a,localhost -p 5432,5433"),
        ("a b", "a b:5432", " -h 'a b'"),
    ] {
        let target = Target { host: host.into(), endpoints: endpoints.into(), ..summary().target };
        assert_eq!(place(&target), said);
    }
}

#[test]
fn without_a_patroni_that_decides_the_next_step_is_to_verify_without_it() {
    let mut summary = summary();
    summary.verification.state = VerificationState::Incomplete;
    let mut next = |note: Note| -> Vec<String> {
        summary.verification.notes = vec![note];
        let rows = page(&summary, Some("/tmp/run.jsonl"));
        let rows = rows.into_iter().skip_while(|row| !row.starts_with("next"));
        rows.take_while(|row| !row.is_empty()).collect()
    };
    assert_eq!(
        next(Note::ForeignPatroni),
        [
            "next          account for the run without that Patroni, or give its own:",
            "              pgchaos verify --no-patroni /tmp/run.jsonl",
            "              pgchaos verify --patroni http://HOST:8008 /tmp/run.jsonl",
        ]
    );
    assert_eq!(
        next(Note::NobodyLeads),
        [
            "next          when the cluster is back, account for the run:",
            "              pgchaos verify /tmp/run.jsonl",
            "              or, if what was watched is no Patroni of this cluster:",
            "              pgchaos verify --no-patroni /tmp/run.jsonl",
        ]
    );
    assert_eq!(
        next(Note::PatroniUntrusted { cause: TlsCause::Dates }),
        [
            "next          account for the run, once Patroni's certificate",
            "              (restapi: certfile) is valid today:",
            "              pgchaos verify /tmp/run.jsonl",
            "              or without Patroni, by what the connection leads to:",
            "              pgchaos verify --no-patroni /tmp/run.jsonl",
        ]
    );
}

#[test]
fn of_a_killed_run_only_what_its_record_has_is_said_to_be_there() {
    let mut summary = summary();
    (summary.writes.unaccounted, summary.writes.unaccounted_seen) = (None, 7);
    let rows = page(&summary, None);
    let row = rows.iter().find(|row| row.starts_with("verification")).unwrap();
    let there = "every write that the record has as acknowledged is there";
    assert_eq!(*row, format!("verification  {there}"));
    let text = crate::report::markdown::markdown(&summary);
    assert!(text.contains(&format!("\n\nE{}.\n", &there[1..])), "{text}");
}

#[test]
fn the_verdict_is_bold() {
    let text = summary_text(&summary(), &options(true));
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("\u{1b}[32m\u{1b}[1mPASS"), "{last:?}");
    let text = summary_text(&losses(), &options(true));
    assert!(
        text.contains("\u{1b}[31m\u{1b}[1mverification  \u{1b}[0m\u{1b}[31m\u{1b}[1m13 ack"),
        "{text:?}"
    );
}

proptest! {
    #[test]
    fn nothing_foreign_steers_the_terminal(foreign in any::<String>()) {
        let mut summary = losses();
        summary.target.endpoints.clone_from(&foreign);
        summary.verification.reason = Some(foreign.clone());
        summary.outages[0].to.as_mut().unwrap().member = Some(foreign.clone());
        summary.history_backwards[0].server.clone_from(&foreign);
        summary.reasons.push(foreign.clone());
        for row in page(&summary, Some(&foreign)) {
            prop_assert!(!row.contains(is_steering), "{row:?}");
            let copyable = row.starts_with("record");
            prop_assert!(copyable || columns(&row) <= 80, "{row:?}");
        }
    }
}

#[test]
fn a_record_that_is_not_whole_is_called_so() {
    let mut summary = summary();
    summary.record = Some(RecordSummary {
        path: "/mnt/full/run.jsonl".to_owned(),
        complete: false,
        error: Some("no space left on device".to_owned()),
    });
    let page = summary_text(&summary, &options(false));
    let row = page.lines().find(|row| row.starts_with("record")).unwrap();
    assert_eq!(row, "record        /mnt/full/run.jsonl · INCOMPLETE: no space left on device");
    assert!(!page.contains("next  "), "it was verified: {page}");
    summary.verification.state = VerificationState::Skipped;
    let page = summary_text(&summary, &options(false));
    let next = page.lines().find(|row| row.starts_with("next")).unwrap();
    assert_eq!(next, "next          when the cluster is back, account for what the record has:");
}
