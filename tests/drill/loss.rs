//! Acknowledged writes that are made to disappear: pgchaos finds exactly those that psql misses.

use serde_json::Value;

use crate::broken_on_purpose::{drill, only_run};
use crate::test_lab::TestLab;

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn the_lost_writes_are_those_that_psql_does_not_find() {
    let lab = TestLab::of_tester();
    // It is brought up for the drill; --keep leaves it to look at.
    let finished = drill(&lab, &["async-loss", "--keep"]).finish();
    assert_eq!(finished.code, 0, "{}\n{}", finished.stdout, finished.stderr);
    let summary = &only_run(&finished)["summary"];
    let run = summary["run_id"].as_str().unwrap();
    let count = |condition: &str| {
        let sql =
            format!("select count(*) from pgchaos.user_events where run_id = '{run}' {condition}");
        lab.psql(0, &sql).unwrap().parse::<i64>().unwrap()
    };
    let found = &summary["verification"];
    assert_eq!(found["state"], "complete");
    assert!(number(&found["lost"]) >= 1, "{found:#}");
    // All that was acknowledged, and what was in doubt and is there, less what psql counts.
    let wanted = number(&summary["writes"]["acknowledged"]) + number(&found["recovered"]);
    assert_eq!(number(&found["lost"]), wanted - count(""), "{summary:#}");
    // No false alarm: none of those that are named is there, and they are as many as were counted.
    let mut named = 0;
    for range in found["lost_writes"].as_array().unwrap() {
        let (writer, first, last) =
            (number(&range["writer"]), number(&range["first_seq"]), number(&range["last_seq"]));
        named += last - first + 1;
        let there = count(&format!("and writer = {writer} and seq between {first} and {last}"));
        assert_eq!(there, 0, "{range}");
    }
    assert_eq!(named, number(&found["lost"]));
    println!("lost {named} of {}", summary["writes"]["acknowledged"]);
}
