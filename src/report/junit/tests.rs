use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::report::fixtures::summary;

#[test]
fn a_run_that_passed() {
    let cases = [
        r#"    <testcase classname="pgchaos" name="verdict" time="209.5">"#,
        "      <system-out>141 writes acknowledged, 1 outage</system-out>",
        "    </testcase>",
        r#"    <testcase classname="pgchaos" name="verification" time="0">"#,
        "      <system-out>141 there, 0 lost; in doubt: 0 committed, 1 not</system-out>",
        "    </testcase>",
        r#"    <testcase classname="pgchaos" name="outage 1: failover patroni2 → patroni3" time="67.05">"#,
        "      <system-out>67.1 s without a write; connection_lost 1, no_backend 11</system-out>",
        "    </testcase>",
    ];
    let xml = junit(&summary());
    let rows: Vec<&str> = xml.lines().collect();
    assert_eq!(
        rows[..3],
        [
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            r#"<testsuites name="pgchaos" tests="3" failures="0" errors="0" skipped="0" time="209.5">"#,
            r#"  <testsuite name="pgchaos 0d6f7d2a-1111-4222-8333-123456789abc" timestamp="2026-11-22T20:56:20" tests="3" failures="0" errors="0" skipped="0" time="209.5">"#,
        ]
    );
    assert_eq!(rows[3..12], cases);
    assert_eq!(rows[12..], ["  </testsuite>", "</testsuites>"]);
}

#[test]
fn what_pgchaos_itself_could_not_do_is_no_failure() {
    let mut summary = summary();
    summary.options.thresholds.max_outage = Some(Duration::from_secs(30));
    assert!(junit(&summary).contains("<failure message=\"an outage of"));
    summary.own_limits = vec!["pgchaos itself ran out of ports once".to_owned()];
    let xml = junit(&summary);
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
    let xml = junit(&summary);
    for expected in [
        r#"tests="3" failures="2" errors="1" skipped="0""#,
        r#"<failure message="too long; not verified"/>"#,
        r#"<error message="a &lt;b&gt; &amp; &quot;c&quot;\u{1b}"/>"#,
        r#"<failure message="an outage of 67.1 s, at most 30.0 s allowed"/>"#,
    ] {
        assert!(xml.contains(expected), "{expected}\n{xml}");
    }
    summary.verification.state = VerificationState::Skipped;
    assert!(junit(&summary).contains("<skipped message="));
}

proptest! {
    #[test]
    fn escaped_text_has_no_markup_and_no_character_that_xml_forbids(text in any::<String>()) {
        let escaped = escaped(&text);
        let forbidden = |character: char| {
            "<>\"'".contains(character) || character.is_control()
                || matches!(character, '\u{fffe}' | '\u{ffff}')
        };
        prop_assert!(!escaped.contains(forbidden), "{escaped:?}");
    }
}
