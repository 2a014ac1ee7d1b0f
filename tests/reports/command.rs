//! `pgchaos report` as it is typed: where reports go, what is refused, and how it ends.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::samples::path;

/// The command in a folder with the recorded runs.
fn report(folder: &Path, words: &str) -> Output {
    for record in ["failover.jsonl", "loss.jsonl", "crash.jsonl"] {
        let to = folder.join(record);
        if !to.exists() {
            fs::copy(path(record), to).unwrap();
        }
    }
    Command::new(env!("CARGO_BIN_EXE_pgchaos"))
        .arg("report")
        .args(words.split_whitespace())
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("TZ", "UTC")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn one_report_goes_where_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let run = |words: &str| report(folder.path(), words);
    for (format, ending) in [
        ("text", "txt"),
        ("html", "html"),
        ("markdown", "md"),
        ("json", "json"),
        ("junit", "xml"),
        ("csv", "csv"),
    ] {
        for records in ["failover.jsonl", "failover.jsonl loss.jsonl"] {
            let printed = run(&format!("{records} --format {format}"));
            assert_eq!(printed.status.code(), Some(0), "{}", said(&printed));
            let to_file = run(&format!("{records} -o out.{ending}"));
            assert!(to_file.stdout.is_empty() && to_file.stderr.is_empty(), "{}", said(&to_file));
            let file = fs::read(folder.path().join(format!("out.{ending}"))).unwrap();
            assert_eq!(String::from_utf8(file), String::from_utf8(printed.stdout), "{format}");
            let dash = run(&format!("{records} --format {format} -o -"));
            assert_eq!(fs::read(folder.path().join(format!("out.{ending}"))).unwrap(), dash.stdout);
        }
    }
    // Beside it, as many more as are asked for.
    let more = run("loss.jsonl --format csv --report more.md --report more.html");
    assert!(more.stdout.starts_with(b"run_id,"), "{}", said(&more));
    assert!(folder.path().join("more.md").exists() && folder.path().join("more.html").exists());
    // And without it the summary, as ever.
    let summary = run("loss.jsonl failover.jsonl --summary json");
    let json: serde_json::Value = serde_json::from_slice(&summary.stdout).unwrap();
    assert_eq!(json["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn what_contradicts_itself_or_would_destroy_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for (words, why) in [
        ("failover.jsonl --format markdown -o run.html", "run.html is html by its ending"),
        ("failover.jsonl --format json --summary json", "cannot be used with"),
        ("failover.jsonl -o run.md --summary json", "cannot be used with"),
        ("failover.jsonl -o run.pdf", ".pdf names no format"),
        ("failover.jsonl -o failover.jsonl", "names no format"),
        ("failover.jsonl --format json -o failover.jsonl", "are one file"),
        ("failover.jsonl loss.jsonl --format json -o ./loss.jsonl", "are one file"),
        ("failover.jsonl --against loss.jsonl --format json -o loss.jsonl", "are one file"),
        ("failover.jsonl -o run.md --report ./run.md", "are one file"),
        ("failover.jsonl ./failover.jsonl", "the same run is given twice"),
        ("failover.jsonl --against failover.jsonl", "the same run is given twice"),
        ("failover.jsonl --format pdf", "invalid value 'pdf'"),
        ("--against failover.jsonl loss.jsonl", "no record is named before --against"),
    ] {
        let output = report(folder.path(), words);
        assert_eq!(output.status.code(), Some(2), "{words}: {}", said(&output));
        assert!(said(&output).contains(why), "{words}: {}", said(&output));
        assert!(output.stdout.is_empty(), "{words}");
    }
    fs::copy(path("failover.jsonl"), folder.path().join("copy.jsonl")).unwrap();
    let copy = report(folder.path(), "failover.jsonl copy.jsonl");
    assert_eq!(copy.status.code(), Some(2), "a copy is the same run");
    assert!(said(&copy).contains("failover.jsonl and copy.jsonl"), "{}", said(&copy));
    // One that is not read, as a shell makes it of *.jsonl.
    let over = report(folder.path(), "failover.jsonl --format html -o loss.jsonl");
    assert_eq!(over.status.code(), Some(4), "{}", said(&over));
    assert!(said(&over).contains("it is the record of a run"), "{}", said(&over));
    for file in ["failover.jsonl", "loss.jsonl"] {
        assert_eq!(fs::read(path(file)).unwrap(), fs::read(folder.path().join(file)).unwrap());
    }
    assert!(!folder.path().join("run.html").exists() && !folder.path().join("run.md").exists());
    let nowhere = report(folder.path(), "failover.jsonl -o nowhere/run.md");
    assert_eq!(nowhere.status.code(), Some(4), "{}", said(&nowhere));
}

#[test]
fn it_ends_with_the_gravest_verdict_and_those_measured_by_do_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let code = |words: &str| report(folder.path(), words).status.code();
    assert_eq!(code("crash.jsonl -o -"), Some(3));
    assert_eq!(code("failover.jsonl crash.jsonl"), Some(3));
    assert_eq!(code("failover.jsonl --against crash.jsonl"), Some(0));
    assert_eq!(code("failover.jsonl nowhere.jsonl"), Some(4));
}

/// A record that was cut off in the middle of a line, and of its run.
#[test]
fn a_cut_record_is_compared_too() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(path("loss.jsonl")).unwrap();
    fs::write(folder.path().join("cut.jsonl"), &whole[..whole.len() / 2]).unwrap();
    for format in ["text", "html", "markdown", "json", "junit", "csv"] {
        let output = report(folder.path(), &format!("cut.jsonl failover.jsonl --format {format}"));
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        assert!(!output.stdout.is_empty());
    }
    let text = report(folder.path(), "cut.jsonl --against failover.jsonl --format markdown");
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("the record is incomplete, the run was killed"), "{text}");
}
