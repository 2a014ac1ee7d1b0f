use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::report::fixtures::summary;

#[test]
fn a_run_that_passed() {
    let cases = [
        r#"        <testcase name="verdict" classname="pgchaos" time="209.500">"#,
        "            <system-out>141 writes acknowledged, 1 outage</system-out>",
        "        </testcase>",
        r#"        <testcase name="verification" classname="pgchaos" time="0.000">"#,
        "            <system-out>141 there, 0 lost; in doubt: 0 committed, 1 not</system-out>",
        "        </testcase>",
        r#"        <testcase name="outage 1: failover patroni2 → patroni3" classname="pgchaos" time="67.050">"#,
        "            <system-out>67.1 s without a write; connection_lost 1, no_backend 11</system-out>",
        "        </testcase>",
    ];
    let xml = junit(&summary()).unwrap();
    let rows: Vec<&str> = xml.lines().collect();
    assert_eq!(
        rows[..3],
        [
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            r#"<testsuites name="pgchaos" tests="3" skipped="0" failures="0" errors="0" time="209.500">"#,
            r#"    <testsuite name="pgchaos 0d6f7d2a-1111-4222-8333-123456789abc" tests="3" skipped="0" errors="0" failures="0" time="209.500" timestamp="2026-11-22T20:56:20">"#,
        ]
    );
    assert_eq!(rows[3..12], cases);
    assert_eq!(rows[12..], ["    </testsuite>", "</testsuites>"]);
    assert!(xml.ends_with('\n'));
}

#[test]
fn what_pgchaos_itself_could_not_do_is_no_failure() {
    let mut summary = summary();
    summary.options.thresholds.max_outage = Some(Duration::from_secs(30));
    assert!(junit(&summary).unwrap().contains("<failure message=\"an outage of"));
    summary.own_limits = vec!["pgchaos itself ran out of ports once".to_owned()];
    let xml = junit(&summary).unwrap();
    assert!(!xml.contains("<failure") && xml.contains("<error message=\"an outage of"), "{xml}");
}

#[test]
fn failures_errors_and_skips_are_told_apart() {
    let mut summary = summary();
    summary.options.thresholds.max_outage = Some(Duration::from_secs(30));
    summary.verification.state = VerificationState::Incomplete;
    summary.verification.reason = Some("a <b> & \"c\"\u{1b}".to_owned());
    summary.verdict = Outcome::Fail;
    summary.reasons = vec!["too long".to_owned(), "not verified".to_owned()];
    let xml = junit(&summary).unwrap();
    for expected in [
        r#"tests="3" skipped="0" errors="1" failures="2""#,
        r#"<failure message="too long; not verified"/>"#,
        r#"<error message="a &lt;b&gt; &amp; &quot;c&quot;\u{1b}"/>"#,
        r#"<failure message="an outage of 67.1 s, at most 30.0 s allowed"/>"#,
    ] {
        assert!(xml.contains(expected), "{expected}\n{xml}");
    }
    summary.verification.state = VerificationState::Skipped;
    assert!(junit(&summary).unwrap().contains("<skipped message="));
}

proptest! {
    #[test]
    fn any_text_is_read_back_as_it_is_printed(said in any::<String>()) {
        let mut summary = summary();
        summary.name = Some(said.clone());
        summary.verdict = Outcome::Fail;
        summary.reasons = vec![said.clone()];
        let xml = junit(&summary).unwrap();
        let forbidden = |character: char| {
            (character.is_control() && character != '\n')
                || matches!(character, '\u{fffe}' | '\u{ffff}')
        };
        prop_assert!(!xml.contains(forbidden), "{xml:?}");
        // Its reader wants a zone, which JUnit's schema forbids.
        let zoned = xml.replacen("T20:56:20", "T20:56:20Z", 1);
        let read = Report::deserialize_from_str(&zoned).unwrap();
        let suite = &read.test_suites[0];
        let called = format!("pgchaos {} · {}", summary.run_id, said);
        prop_assert_eq!(suite.name.as_str(), text(&called));
        let TestCaseStatus::NonSuccess { message, .. } = &suite.test_cases[0].status else {
            unreachable!("the verdict is fail");
        };
        prop_assert_eq!(message.as_ref().unwrap().as_str(), text(&said));
    }
}
