use super::*;
use crate::report::fixtures::summary;

#[test]
fn the_homeworks_story() {
    assert_eq!(
        markdown(&summary()),
        "# pgchaos: ✅ Pass

Run `0d6f7d2a-1111-4222-8333-123456789abc` against localhost:5500, database postgres, \
from 2026-11-22 20:56:20 UTC for 3 min 30 s: 1 writer · 1 write/s.

| Writes | |
|---|---:|
| due | 209 |
| attempted | 142 |
| acknowledged | 141 |
| in doubt | 1 |
| skipped | 67 |
| acknowledged of due | 67.4 % |
| rate | 0.7/s |
| latency, p50 | 2.1 ms |
| latency, p99 | 12 ms |
| latency, longest | 40 ms |
| errors | connection\\_lost 1, no\\_backend 11 |

## Outages

| | Kind | Began (UTC) | How long | All writers after | Errors | In doubt | Lost |
|---:|---|---|---|---:|---|---:|---:|
| 1 | failover patroni2 → patroni3 | 2026-11-22 20:57:42 | 67.1 s without a write | 67.1 s | connection\\_lost 1, no\\_backend 11 | 1 | 0 |

## Verification

Every acknowledged write is there.

In doubt: 0 committed, 1 not.
"
    );
}

#[test]
fn a_failure_names_its_reasons_and_losses_and_foreign_text_stays_text() {
    let mut summary = summary();
    summary.verdict = Outcome::Fail;
    summary.reasons = vec!["a | b <script>".to_owned()];
    summary.verification.counts.lost = 12;
    summary.verification.lost_writes = vec![LostWrites {
        writer: 1,
        first_seq: 70,
        last_seq: 81,
        acknowledged_from: None,
        acknowledged_to: None,
    }];
    let text = markdown(&summary);
    assert!(text.starts_with("# pgchaos: ❌ Fail\n"), "{text}");
    assert!(text.contains("\n- a \\| b \\<script\\>\n"), "{text}");
    assert!(text.contains("**Lost acknowledged writes: 12**\n\n- writer 1 #70–#81\n"), "{text}");
}

#[test]
fn words_of_others_call_nobody_and_link_nowhere() {
    assert_eq!(inert("ask @org/team"), "ask @\u{200b}org/team");
    assert_eq!(inert("https://evil.example"), "https:\u{200b}//evil.example");
    assert_eq!(inert("www.evil.example"), "www\u{200b}.evil.example");
    assert_eq!(inert("localhost:5500, 10.0.0.3"), "localhost:5500, 10.0.0.3");
}
