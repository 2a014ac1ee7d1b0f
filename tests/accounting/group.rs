//! Several processes on one server: each has a run id and tokens of its own, whatever its options.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::looks::{assert_complete, rows, verify};
use crate::support::{Finished, Gen, Postgres, pgchaos};

const OPTIONS: [&str; 6] =
    ["--group=checkout", "--name=zone-a", "--rate=max", "--writes=300", "--writers=2", "--quiet"];

fn start(url: &str) -> Gen {
    Gen::start_with([&[url], &OPTIONS[..]].concat(), |_, command| {
        // What an operator may have set for `pgchaos clean`, or a drill for its commands.
        command.env("PGCHAOS_RUN_ID", "0d6f0000-0000-4000-8000-000000000001");
    })
}

/// All of it is there, and nothing else under its run's id.
#[track_caller]
fn assert_passed(server: &Postgres, finished: &Finished) -> String {
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_complete(&finished.summary);
    let found = &finished.summary["verification"];
    for (name, count) in [("present", 300), ("lost", 0), ("duplicated", 0), ("unexpected", 0)] {
        assert_eq!(found[name], count, "{name}: {found}");
    }
    let run = finished.summary["run_id"].as_str().unwrap().to_owned();
    assert_eq!(rows(server, &run).len(), 300);
    run
}

#[test]
fn processes_with_the_same_options_make_no_token_twice() {
    let server = Postgres::shared();
    let url = server.url();
    let mut runs = BTreeSet::new();
    for _again in 0..2 {
        let beside_each_other = [start(&url), start(&url)];
        let finished = beside_each_other.map(Gen::finish);
        runs.extend(finished.iter().map(|finished| assert_passed(&server, finished)));
        for finished in &finished {
            // Later, with the rows of the others beside them.
            let (code, summary, _) = verify(&finished.record, &[]);
            assert_eq!((code, &summary["name"]), (0, &"zone-a".into()), "{summary:#}");
            assert_eq!(summary["verification"], finished.summary["verification"]);
        }
    }
    assert_eq!(runs.len(), 4, "{runs:?}");
}

#[test]
fn a_runs_name_is_in_the_name_of_its_record_and_in_what_is_printed() {
    let server = Postgres::shared();
    let home = tempfile::tempdir().unwrap();
    let report = |ending: &str| home.path().join(format!("run.{ending}"));
    let endings = ["md", "xml", "csv", "json"];
    let output = pgchaos(home.path(), ["gen", &server.url(), "--rate=max", "--writes=20"])
        .args(["--group", "checkout", "--name", "zone-a"])
        .args(endings.iter().map(|ending| format!("--report={}", report(ending).display())))
        .output()
        .unwrap();
    let (stdout, log) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{log}");
    let words = "zone-a of group checkout";
    assert!(log.lines().next().unwrap().contains(words), "{log}");
    assert!(stdout.lines().next().unwrap().contains(words), "{stdout}");
    let text = |ending| std::fs::read_to_string(report(ending)).unwrap();
    for ending in ["md", "xml"] {
        assert!(text(ending).contains(words), "{}", text(ending));
    }
    assert!(text("csv").starts_with("run_id,group,name,n,"), "{}", text("csv"));
    let summary: Value = serde_json::from_str(&text("json")).unwrap();
    assert_eq!((&summary["group"], &summary["name"]), (&"checkout".into(), &"zone-a".into()));
    let clocks = summary["clocks"].as_array().unwrap();
    let number = |name: &str| clocks[0][name].as_f64().unwrap();
    let (offset, error) = (number("offset_s"), number("error_s"));
    println!("the server's clock is ahead by {offset} s ± {error} s");
    assert_eq!(
        (clocks.len(), &clocks[0]["server"]),
        (1, &format!("127.0.0.1:{}", server.port()).into())
    );
    // It is this machine's clock. Something else may have had the processor when the run began.
    assert!(error > 0.0 && offset.abs() <= error + 0.005, "{offset} ± {error}");
    let folder = home.path().join(".local/state/pgchaos/runs");
    let records: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let run = &summary["run_id"].as_str().unwrap()[..8];
    let ending = format!("Z-{run}-zone-a.jsonl");
    assert_eq!(records.len(), 1);
    assert!(records[0].to_str().unwrap().ends_with(&ending), "{records:?}");
}
