//! The comparison can fail: literal books, and each untruth about them is told.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::books::{Said, Truth, Verdict, differences};
use crate::harness::{Case, Outcome, Skipped, Tally, exact_or_again};

pub(crate) const CASES: &[Case] = &[
    Case::alone("comparison::what_is_true_has_no_difference", what_is_true_has_no_difference),
    Case::alone("comparison::each_untruth_is_a_difference", each_untruth_is_a_difference),
    Case::alone(
        "comparison::a_pass_over_a_loss_is_a_difference",
        a_pass_over_a_loss_is_a_difference,
    ),
    Case::alone("harness::a_skip_is_no_case_that_holds", a_skip_is_no_case_that_holds),
    Case::alone("harness::what_is_late_is_measured_again", what_is_late_is_measured_again),
];

/// It is counted apart, and a failure where nothing may be skipped.
fn a_skip_is_no_case_that_holds() -> String {
    let skipped = || Err(Skipped("it takes root".to_owned()));
    let [holds, skips, fails] =
        [(Ok("found".to_owned()), true), (skipped(), true), (skipped(), false)]
            .map(|(found, may_skip)| Outcome::of(found, may_skip));
    assert_eq!(holds, Outcome::Holds("found".to_owned()));
    assert_eq!(skips, Outcome::Skipped("it takes root".to_owned()));
    let why = "skipped, and PGCHAOS_TESTS_SKIP_NOTHING is set: it takes root";
    assert_eq!(fails, Outcome::Fails(why.to_owned()));
    let mut tally = Tally::default();
    for (name, outcome) in [("one", &holds), ("two", &skips), ("three", &fails), ("four", &holds)] {
        tally.add(name, outcome);
    }
    let words = "2 of 4 cases hold\nskipped, not passed: 1: two\nthese do not: 1: three";
    assert_eq!(tally.words(), words);
    assert_eq!(tally.result(), "test result: FAILED. 2 passed; 1 failed; 1 ignored");
    words.lines().next().unwrap().to_owned()
}

/// The second time it is exact.
fn what_is_late_is_measured_again() -> String {
    static MEASURES: AtomicU32 = AtomicU32::new(0);
    let measures = MEASURES.fetch_add(1, Ordering::Relaxed) + 1;
    exact_or_again(measures == 2, || "as it is to be".to_owned());
    format!("measured {measures} times")
}

/// Ten writes: 3 rejected, 6 and 7 in doubt, of which 6 is there; 2 and 9 are lost; 4 is there twice, 11 was never sent.
fn known() -> Truth {
    let writes = |seqs: &[i64]| seqs.iter().map(|seq| (1, *seq)).collect::<BTreeSet<_>>();
    let rows = [1, 4, 4, 5, 6, 8, 10, 11];
    let truth = Truth {
        sent: (1..=10).map(|seq| (1, seq)).collect(),
        acknowledged: writes(&[1, 2, 4, 5, 8, 9, 10]),
        warned: writes(&[5]),
        rejected: writes(&[3]),
        ..Truth::default()
    };
    truth.with_rows(&rows.map(|seq| format!("1|{seq}")).join("\n"))
}

fn said_of_it() -> Said {
    let summary = json!({
        "verdict": "fail",
        "writes": {
            "attempted": 10, "acknowledged": 7, "acknowledged_locally": 1, "rejected": 1, "in_doubt": 2
        },
        "verification": {
            "state": "complete", "present": 6, "lost": 2, "recovered": 1, "absent": 1, "duplicated": 1,
            "unexpected": 1,
            "lost_writes": [
                { "writer": 1, "first_seq": 2, "last_seq": 2 }, { "writer": 1, "first_seq": 9, "last_seq": 9 }
            ]
        }
    });
    Said { code: 1, summary, words: String::new() }
}

fn what_is_true_has_no_difference() -> String {
    assert_eq!(differences(&said_of_it(), &known(), &[Verdict::Fail]), Vec::<String>::new());
    let incomplete = json!({ "state": "incomplete", "lost": 0, "lost_writes": [] });
    let mut said = said_of_it();
    (said.code, said.summary["verdict"]) = (3, "inconclusive".into());
    said.summary["verification"] = incomplete;
    assert_eq!(differences(&said, &known(), &[Verdict::Inconclusive]), Vec::<String>::new());
    "no difference".to_owned()
}

/// Whatever number is one off, and whatever is said of the end: it is told.
fn each_untruth_is_a_difference() -> String {
    let mut told = 0;
    let mut check = |what: &str, change: &dyn Fn(&mut Said)| {
        let mut said = said_of_it();
        change(&mut said);
        let differences = differences(&said, &known(), &[Verdict::Fail]);
        assert!(!differences.is_empty(), "{what} is not told");
        told += 1;
    };
    for (part, names) in [
        (
            "writes",
            &["attempted", "acknowledged", "acknowledged_locally", "rejected", "in_doubt"][..],
        ),
        ("verification", &["present", "lost", "recovered", "absent", "duplicated", "unexpected"]),
    ] {
        for name in names {
            for by in [-1, 1] {
                check(name, &|said| {
                    let value = said.summary[part][name].as_i64().unwrap();
                    said.summary[part][name] = (value + by).into();
                });
            }
            check(name, &|said| drop(said.summary[part].as_object_mut().unwrap().remove(*name)));
        }
    }
    check("another write that is lost", &|said| {
        said.summary["verification"]["lost_writes"][0]["first_seq"] = 1.into();
        said.summary["verification"]["lost_writes"][0]["last_seq"] = 1.into();
    });
    check("one lost write that is not named", &|said| {
        said.summary["verification"]["lost_writes"].as_array_mut().unwrap().pop();
    });
    check("the exit code", &|said| said.code = 0);
    check("another verdict", &|said| said.summary["verdict"] = "inconclusive".into());
    check("a verification that did not end", &|said| {
        said.summary["verification"]["state"] = "incomplete".into();
    });
    check("no summary", &|said| said.summary = Value::Null);
    format!("{told} untruths are told")
}

fn a_pass_over_a_loss_is_a_difference() -> String {
    let mut said = said_of_it();
    (said.code, said.summary["verdict"]) = (0, "pass".into());
    let differences = differences(&said, &known(), &[Verdict::Pass]);
    assert!(differences.iter().any(|words| words.starts_with("false PASS")), "{differences:?}");
    said.summary["verification"]["lost_writes"][0]["last_seq"] = 4.into();
    let differences = crate::books::differences(&said, &known(), &[Verdict::Pass]);
    assert!(differences.iter().any(|words| words.starts_with("false LOST")), "{differences:?}");
    "it is told".to_owned()
}
