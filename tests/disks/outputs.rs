//! What is written beside the record: standard output and the reports.

use std::fs::{self, File};
use std::path::Path;
use std::process::Output;

use crate::support::{Gen, Postgres, pgchaos};

fn run(home: &Path, args: &[&str], stdout: Option<File>) -> Output {
    let mut program = pgchaos(home, args);
    program.current_dir(home);
    if let Some(stdout) = stdout {
        program.stdout(stdout);
    }
    program.output().unwrap()
}

fn full() -> Option<File> {
    Some(File::options().write(true).open("/dev/full").unwrap())
}

#[track_caller]
fn assert_refused(output: &Output, code: i32, words: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(words), "{stderr}");
}

#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let server = Postgres::shared();
    let finished = Gen::start([&*server.url(), "--writes=5"]).finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let record = finished.record.to_str().unwrap();
    let home = finished.home();
    let url = server.url();
    let dbname = format!("--dbname={url}");
    for args in [
        &["report", record, "--summary=json"][..],
        &["report", record],
        &["verify", record, &dbname],
        &["gen", &url, "--writes=5", "--no-record", "--quiet"],
        &["drill", "list"],
        &["drill", "show", "leader-kill"],
        &["drill", "run", "leader-kill", "--dry-run"],
    ] {
        let told = run(home, args, full());
        assert_refused(&told, 4, "standard output cannot be written: No space left on device");
        let output = run(home, args, None);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        assert!(!output.stdout.is_empty(), "{args:?}");
    }
    // A report is written all the same.
    let output = run(home, &["report", record, "--report=after.json"], full());
    assert_eq!(output.status.code(), Some(4));
    assert!(home.join("after.json").exists());
}

/// The first report that cannot be written keeps no later one from being written; and what is no file
/// but takes what is written is a report's place.
#[test]
fn every_report_is_written_that_can_be() {
    let server = Postgres::shared();
    let finished = Gen::start([&*server.url(), "--writes=5"]).finish();
    let (record, home) = (finished.record.to_str().unwrap(), finished.home());
    for (name, to) in [("full.md", "full"), ("null.md", "null"), ("stdout.md", "stdout")] {
        std::os::unix::fs::symlink(format!("/dev/{to}"), home.join(name)).unwrap();
    }
    let output = run(home, &["report", record, "--report=full.md,after.json"], None);
    assert_refused(&output, 4, "the report full.md cannot be written");
    assert!(home.join("after.json").exists());
    let output = run(home, &["report", record, "--report=null.md,stdout.md"], None);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("# pgchaos:"), "{output:?}");
    let told = run(home, &["help"], full());
    assert_refused(&told, 4, "standard output cannot be written");
    let told = run(home, &["help", "gen"], full());
    assert_refused(&told, 4, "standard output cannot be written");
}

#[test]
fn no_output_is_written_over_another_or_over_the_record() {
    let server = Postgres::shared();
    let url = server.url();
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let refused = |args: &[&str]| assert_refused(&run(home, args, None), 2, "are one file");
    let load = ["gen", &*url, "--writes=5", "--quiet"];
    refused(&[&load[..], &["--record=z.json", "--report=z.json"]].concat());
    refused(&[&load[..], &["--record=z.json", "--report=./z.json"]].concat());
    refused(&[&load[..], &["--no-record", "--report=y.json", "--report=y.json"]].concat());
    assert!(!home.join("z.json").exists() && !home.join("y.json").exists());

    let made = run(home, &[&load[..], &["--record=run.json", "--report=y.json"]].concat(), None);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let record = fs::read(home.join("run.json")).unwrap();
    std::os::unix::fs::symlink("run.json", home.join("link.json")).unwrap();
    fs::hard_link(home.join("run.json"), home.join("hard.json")).unwrap();
    for report in ["--report=run.json", "--report=link.json", "--report=hard.json"] {
        refused(&["report", "run.json", report]);
        refused(&["verify", "run.json", &format!("--dbname={url}"), report]);
    }
    refused(&["drill", "run", "leader-kill", "--report=a.json", "--report=./a.json"]);
    let stdout = File::create(home.join("out.json")).unwrap();
    let output = run(home, &["report", "run.json", "--report=out.json"], Some(stdout));
    assert_refused(&output, 2, "standard output");
    assert_eq!(fs::read(home.join("run.json")).unwrap(), record, "untouched");
}
