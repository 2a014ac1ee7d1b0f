//! The recorded runs: listed by the two ends of their records, named by the first characters of their ids, and removed
//! only where they are pgchaos's and no run writes them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what they share"
)]

#[path = "support/samples.rs"]
#[allow(unreachable_pub, reason = "samples are shared between test crates")]
mod samples;
mod support;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::thread::{sleep, spawn};
use std::time::Duration;

use pgchaos::engine::record::file::{RecordWriter, read};
use pgchaos::model::event::{Event, Header, RunResult, Verification, What};
use pgchaos::model::outcome::Outcome;
use pgchaos::model::run::record_format::encode;
use samples::{event, header};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use support::{Postgres, pgchaos, wait_until};

const SOON: Duration = Duration::from_secs(30);

/// A home folder, and the records in its state folder.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = tempfile::Builder::new().prefix("pgchaos-runs-").tempdir().unwrap();
        fs::create_dir_all(home.path().join(".local/state/pgchaos/runs")).unwrap();
        Self(home)
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join(".local/state/pgchaos/runs")
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A record of a run with this id that began on this day of November, with these events.
    fn record(&self, id: &str, day: u32, events: Vec<Event>) -> PathBuf {
        let header = Header { run_id: whole(id), ..of_day(day) };
        self.record_of(header, events)
    }

    fn record_of(&self, header: Header, events: Vec<Event>) -> PathBuf {
        let id = header.run_id.simple().to_string();
        let name = format!("{}-{}.jsonl", header.started_at.format("%Y%m%dT%H%M%SZ"), &id[..8]);
        let path = self.folder().join(name);
        let mut record = RecordWriter::create(&path).unwrap();
        record.add(&event(0, What::Run(Box::new(header)))).unwrap();
        for event in events {
            record.add(&event).unwrap();
        }
        record.flush().unwrap();
        path
    }

    fn run(&self, args: &[&str]) -> Output {
        pgchaos(self.0.path(), args).output().unwrap()
    }

    fn list(&self) -> Vec<Value> {
        let output = self.run(&["runs", "--json"]);
        assert!(output.status.success(), "{output:?}");
        let list: Value = serde_json::from_slice(&output.stdout).unwrap();
        list["runs"].as_array().unwrap().clone()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// An id that begins so.
fn whole(beginning: &str) -> Uuid {
    format!("{beginning:0<32}").parse().unwrap()
}

fn of_day(day: u32) -> Header {
    Header { started_at: format!("2026-11-{day:02}T10:00:00Z").parse().unwrap(), ..header(1) }
}

fn ended(verdict: Outcome) -> Vec<Event> {
    let result = RunResult {
        verdict,
        drill: None,
        elapsed: Duration::from_secs(60),
        acknowledged: 6_000,
        lost: Some(3),
        outages: 2,
        longest_outage: Some(Duration::from_millis(3_100)),
        complete: true,
    };
    vec![
        event(60_000, What::Closed),
        event(60_001, What::Ended { complete: true }),
        event(60_001, What::Result(result)),
    ]
}

fn text(output: &Output) -> (String, String) {
    let of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (of(&output.stdout), of(&output.stderr))
}

#[test]
fn no_record_is_an_empty_list() {
    let home = Home::new();
    let (said, _) = text(&home.run(&["runs"]));
    assert!(said.starts_with("There is no record in ") && said.contains("pgchaos gen"), "{said}");
    assert!(home.list().is_empty());
    fs::remove_dir(home.folder()).unwrap();
    assert!(home.list().is_empty());
}

#[test]
fn runs_are_listed_newest_first_by_the_ends_of_their_records() {
    let home = Home::new();
    home.record("aaaa", 3, ended(Outcome::Fail));
    // A hole of a gigabyte between the ends: a reader of all of it would find it damaged.
    let long = home.record("bbbb", 5, vec![]);
    let mut file = OpenOptions::new().append(false).write(true).open(long).unwrap();
    file.seek(SeekFrom::Start(1 << 30)).unwrap();
    for last in ended(Outcome::Pass) {
        writeln!(file, "\n{}", encode(&last).unwrap()).unwrap();
    }
    let drill = Header {
        run_id: whole("cccc"),
        part_of: Some("drill leader-kill".to_owned()),
        ..of_day(4)
    };
    home.record_of(drill, ended(Outcome::Pass));
    let runs = home.list();
    let of = |key: &str| runs.iter().map(|run| run[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("id"), ["bbbb0000", "cccc0000", "aaaa0000"]);
    assert_eq!(of("verdict"), ["pass", "pass", "fail"]);
    assert_eq!(of("state"), ["ended"; 3]);
    assert_eq!(of("part_of"), [Value::Null, "drill leader-kill".into(), Value::Null]);
    assert_eq!(runs[2]["lost"], 3);
    assert_eq!(runs[2]["outages"], 2);
    assert_eq!(runs[2]["longest_outage_s"], 3.1);
    assert_eq!(runs[2]["elapsed_s"], 60.0);
    assert_eq!(runs[2]["target"]["endpoints"], "localhost:5500");
    let (said, _) = text(&home.run(&["runs"]));
    assert!(said.contains("drill leader-kill") && said.contains("2026-11-05 10:00"), "{said}");
}

#[test]
fn what_is_no_whole_record_is_told_as_what_it_is() {
    let home = Home::new();
    home.file("20261101T100000Z-aaaa0000.jsonl", b"");
    home.file("notes.jsonl", b"{\"a\": 1}\n");
    let newer = home.record("bbbb", 2, vec![]);
    let content = fs::read_to_string(&newer).unwrap();
    fs::write(&newer, content.replace("\"format\":1", "\"format\":9")).unwrap();
    let broken = home.record("cccc", 3, vec![]);
    let mut file = OpenOptions::new().append(true).open(broken).unwrap();
    file.write_all(b"garbage\n{\"at_s\":1.0,\"event\":\"closed\"}\n").unwrap();
    let killed = home.record("dddd", 4, vec![event(7_000, What::Closed)]);
    let mut file = OpenOptions::new().append(true).open(killed).unwrap();
    file.write_all(b"{\"at_s\":8.0,\"eve").unwrap();
    fs::create_dir(home.folder().join("folder.jsonl")).unwrap();
    symlink("/nowhere", home.folder().join("dangling.jsonl")).unwrap();
    let long = home.record("eeee", 5, vec![]);
    let mut file = OpenOptions::new().append(true).open(long).unwrap();
    let line = encode(&event(90_000, What::Warning { message: "w".repeat(900) })).unwrap();
    file.write_all((line + "\n").repeat(6_000).as_bytes()).unwrap();
    home.file("not a record.txt", b"x");
    let runs = home.list();
    let state = |name: &str| -> (String, String) {
        let one = runs.iter().find(|run| run["path"].as_str().unwrap().contains(name)).unwrap();
        let problem = one["problem"].as_str().unwrap_or_default().to_owned();
        (one["state"].as_str().unwrap().to_owned(), problem)
    };
    for (name, is, why) in [
        ("aaaa0000", "empty", "killed before its first line"),
        ("notes", "foreign", "no pgchaos record"),
        ("bbbb0000", "newer", "format 9"),
        ("cccc0000", "broken", "line 2 of the record cannot be read"),
        ("dddd0000", "ended", "its last line was cut off"),
        ("folder", "unreadable", "it is a folder"),
        ("dangling", "unreadable", "No such file"),
        ("eeee0000", "not_ended", "pgchaos report eeee0000"),
    ] {
        let (state, problem) = state(name);
        assert_eq!(state, is, "{name}: {problem}");
        assert!(problem.contains(why), "{name}: {problem}");
    }
    assert_eq!(runs.len(), 8, "a file of another name is none of the list's");
    let long = runs.iter().find(|run| run["id"] == "eeee0000").unwrap();
    assert_eq!((&long["verdict"], &long["elapsed_s"]), (&Value::Null, &90.0.into()));
}

#[test]
fn a_run_is_named_by_the_beginning_of_its_id_unless_a_file_is_called_so() {
    let home = Home::new();
    home.record("abcd1", 3, ended(Outcome::Pass));
    home.record("abcd2", 4, ended(Outcome::Pass));
    let id = |words: &[&str]| {
        let (said, told) = text(&home.run(&[words, &["--summary", "json"]].concat()));
        let summary: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{told}"));
        summary["run_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(id(&["report", "abcd1"]), whole("abcd1").to_string());
    assert_eq!(id(&["report", "ABCD-2000"]), whole("abcd2").to_string());
    assert_eq!(id(&["report", &whole("abcd2").to_string()]), whole("abcd2").to_string());
    let (said, _) = text(&home.run(&["runs", "show", "abcd1"]));
    assert!(said.contains(&whole("abcd1").to_string()), "{said}");

    let several = home.run(&["report", "abcd"]);
    let (_, told) = text(&several);
    assert_eq!(several.status.code(), Some(2), "{told}");
    assert!(told.contains("several ids") && told.contains(&whole("abcd1").to_string()), "{told}");
    assert!(told.contains(&whole("abcd2").to_string()), "{told}");
    let none = home.run(&["verify", "beef"]);
    let (_, told) = text(&none);
    assert_eq!(none.status.code(), Some(4), "{told}");
    assert!(told.contains("no file beef") && told.contains(".local/state/pgchaos/runs"), "{told}");
    let short = home.run(&["report", "abc"]);
    assert_eq!(short.status.code(), Some(2), "{short:?}");

    let elsewhere = tempfile::tempdir().unwrap();
    fs::copy(home.folder().join("20261103T100000Z-abcd1000.jsonl"), elsewhere.path().join("abcd2"))
        .unwrap();
    let mut command = pgchaos(home.0.path(), ["report", "abcd2", "--summary", "json"]);
    let output = command.current_dir(elsewhere.path()).output().unwrap();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["run_id"], whole("abcd1").to_string(), "a file that is there wins");
}

#[test]
fn where_no_run_is_named_those_that_there_are_are() {
    let home = Home::new();
    let told = |args: &[&str]| {
        let output = home.run(args);
        (output.status.code(), text(&output).1)
    };
    let (code, words) = told(&["runs", "show", "zzzz"]);
    assert_eq!(code, Some(4), "{words}");
    assert!(
        words.contains("no file zzzz") && words.contains("pgchaos gen makes a record"),
        "{words}"
    );
    for (id, day) in [("11112222", 1), ("33334444", 2), ("55556666", 3), ("77778888", 4)] {
        home.record(id, day, ended(Outcome::Pass));
    }
    let latest = "the latest here: 77778888, 55556666, 33334444; pgchaos runs lists all";
    for name in ["zzzz", "abcd", "ab", "my-run", ""] {
        for args in [&["runs", "show", name][..], &["report", name], &["verify", name]] {
            let (_, words) = told(args);
            assert!(words.contains(latest), "{args:?}: {words}");
        }
    }
    // What is called like a file is one that is missing.
    let (_, words) = told(&["report", "./zzzz"]);
    assert!(words.contains("cannot be read: No such file"), "{words}");
}

#[test]
fn prune_removes_old_records_and_nothing_else() {
    let home = Home::new();
    for (number, id) in ["aaaa", "bbbb", "cccc", "dddd"].iter().enumerate() {
        home.record(id, 10 + u32::try_from(number).unwrap(), ended(Outcome::Pass));
    }
    home.file("20200101T000000Z-eeee0000.jsonl", b"");
    home.file("notes.jsonl", b"{\"a\": 1}\n");
    home.file("notes.txt", b"mine");
    let foreign = tempfile::tempdir().unwrap();
    let elsewhere = foreign.path().join("run.jsonl");
    fs::copy(home.folder().join("20261110T100000Z-aaaa0000.jsonl"), &elsewhere).unwrap();
    symlink(&elsewhere, home.folder().join("link.jsonl")).unwrap();
    let before = home.names();

    for neither in [&["runs", "prune"][..], &["runs", "prune", "--keep=1", "--older-than=1d"]] {
        assert_eq!(home.run(neither).status.code(), Some(2), "{neither:?}");
    }
    let (said, _) = text(&home.run(&["runs", "prune", "--keep", "2", "--dry-run"]));
    assert!(
        said.contains("would remove bbbb0000") && said.contains("2 records would be"),
        "{said}"
    );
    assert_eq!(home.names(), before, "a dry run removes nothing");

    let mut command = pgchaos(home.0.path(), ["runs", "prune", "--keep", "2"]);
    let output = command.env("PGCHAOS_KEEP", "0").env("PGCHAOS_DRY_RUN", "1").output().unwrap();
    let (said, told) = text(&output);
    assert!(output.status.success(), "{told}");
    assert!(said.contains("removed bbbb0000") && said.contains("removed aaaa0000"), "{said}");
    for (name, why) in [("eeee", "empty"), ("notes.jsonl", "no pgchaos"), ("link", "plain file")] {
        let line = said.lines().find(|line| line.starts_with("left ") && line.contains(name));
        assert!(line.is_some_and(|line| line.contains(why)), "{name}: {said}");
    }
    let gone = ["20261110T100000Z-aaaa0000.jsonl", "20261111T100000Z-bbbb0000.jsonl"];
    let left: Vec<&String> = before.iter().filter(|name| !gone.contains(&name.as_str())).collect();
    assert_eq!(home.names().iter().collect::<Vec<_>>(), left);
    assert!(elsewhere.exists());

    let (said, _) = text(&home.run(&["runs", "prune", "--older-than", "1h"]));
    assert!(said.contains("2 records removed"), "{said}");
    assert_eq!(home.names().len(), 4);
}

#[test]
fn the_latest_record_is_that_of_the_run_that_is_listed_first() {
    let home = Home::new();
    let old = home.record("aaaa", 3, ended(Outcome::Pass));
    let latest = home.record("bbbb", 5, ended(Outcome::Pass));
    fs::rename(&latest, home.folder().join("a.jsonl")).unwrap();
    fs::rename(&old, home.folder().join("loss.jsonl")).unwrap();
    home.file("notes.jsonl", b"{\"a\": 1}\n");
    let latest = || {
        let (said, told) = text(&home.run(&["report", "--summary", "json"]));
        let summary: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{told}"));
        summary["run_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(latest(), whole("bbbb").to_string());
    let first = home.list().into_iter().find(|run| run["state"] != "foreign").unwrap();
    assert_eq!(first["run_id"], latest());
    // A run that was killed at its start is the latest all the same: an older one would answer for it.
    home.file("20261106T100000Z-cccc0000.jsonl", b"");
    let (_, told) = text(&home.run(&["report"]));
    assert!(told.contains("cccc0000") && told.contains("killed before its first line"), "{told}");
}

#[test]
fn a_long_record_that_was_closed_is_of_a_run_that_ended_whatever_stands_below() {
    let home = Home::new();
    let warnings: Vec<Event> =
        (0..6_000).map(|at| event(at, What::Warning { message: "w".repeat(900) })).collect();
    let of = |id: &str, day: u32, end: &[What]| {
        let end = end.iter().map(|what| event(9_000, what.clone()));
        home.record(id, day, warnings.iter().cloned().chain(end).collect());
    };
    let closed = What::Ended { complete: true };
    let long = Verification {
        account: None,
        lost_writes: Vec::new(),
        reason: Some("r".repeat(900)),
        server: None,
        notes: Vec::new(),
        holds: Vec::new(),
        took: Duration::from_secs(1),
    };
    let verified = What::Verified(Box::new(long));
    let verified =
        [verified.clone(), verified.clone(), verified.clone(), verified.clone(), verified];
    of("eeee", 5, std::slice::from_ref(&closed));
    of("dddd", 4, &[&[closed][..], &verified].concat());
    of("cccc", 3, &[What::Ended { complete: false }]);
    of("bbbb", 2, &verified);
    let runs = home.list();
    let states: Vec<&Value> = runs.iter().map(|run| &run["state"]).collect();
    assert_eq!(states, ["ended", "ended", "not_ended", "not_ended"]);
    for run in &runs {
        assert_eq!(run["verdict"], Value::Null, "{run}");
        let id = run["id"].as_str().unwrap();
        assert!(run["problem"].as_str().unwrap().contains(&format!("pgchaos report {id}")));
    }
    assert_eq!(runs[0]["elapsed_s"], Value::Null, "the time of its verification is in its end");
}

#[test]
fn what_a_record_says_is_plain_where_it_is_removed() {
    let home = Home::new();
    let mut steering = Header { run_id: whole("abcd"), ..of_day(4) };
    steering.target.endpoints = format!("a\u{1b}[31m\u{202e}{}:1", "b".repeat(9_000));
    steering.part_of = Some("drill\u{1b}[2J".to_owned());
    home.record_of(steering, ended(Outcome::Pass));
    home.file("x\u{1b}[2J.jsonl", b"{\"a\": 1}\n");
    for args in [&["runs", "prune", "--keep", "0", "--dry-run"][..], &["runs", "prune", "--keep=0"]]
    {
        let (said, _) = text(&home.run(args));
        assert!(said.contains("abcd0000") && said.contains("left x"), "{said:?}");
        assert!(!said.contains(['\u{1b}', '\u{202e}']) && said.len() < 4_000, "{said:?}");
    }
}

#[test]
fn a_list_and_a_removal_wait_for_each_other() {
    let home = Home::new();
    let record = home.record("abcd", 3, ended(Outcome::Pass));
    // They wait for 200 ms, which a busy machine may be late for: then it is tried again.
    let beside = |lock: &dyn Fn(&File) -> Result<(), TryLockError>, holds: &dyn Fn() -> bool| {
        (0..50).any(|_| {
            let file = File::options().read(true).write(true).open(&record).unwrap();
            // A program that another test starts just now has a copy of a lock that was dropped.
            while lock(&file).is_err() {
                sleep(Duration::from_millis(5));
            }
            let ends = spawn(move || {
                sleep(Duration::from_millis(50));
                drop(file);
            });
            let held = holds();
            ends.join().unwrap();
            held
        })
    };
    assert!(beside(&File::try_lock, &|| home.list()[0]["state"] == "ended"));
    assert!(beside(&File::try_lock_shared, &|| {
        text(&home.run(&["runs", "prune", "--keep", "0"])).0.contains("removed abcd0000")
    }));
}

#[test]
fn a_run_with_two_records_is_one_run_where_its_id_is_asked_for() {
    let home = Home::new();
    let record = home.record("abcd", 3, ended(Outcome::Pass));
    fs::copy(&record, home.folder().join("copy.jsonl")).unwrap();
    let report = home.run(&["report", "abcd"]);
    assert_eq!(report.status.code(), Some(2), "{report:?}");
    let nowhere = support::free_port().to_string();
    let clean = home.run(&["clean", "--run-id", "abcd", "-h", "127.0.0.1", "-p", &nowhere]);
    let (_, told) = text(&clean);
    assert_eq!(clean.status.code(), Some(4), "{told}");
    assert!(told.contains("refused"), "{told}");
}

#[test]
fn a_record_that_is_verified_is_neither_removed_nor_verified_beside_that() {
    let server = Postgres::start();
    let home = Home::new();
    let mut killed = gen_on(&server, home.0.path(), &[]);
    wait_until(SOON, "it has written", || {
        home.list().first().is_some_and(|run| run["elapsed_s"].as_f64() > Some(1.0))
    });
    killed.0.kill().unwrap();
    killed.0.wait().unwrap();
    wait_until(SOON, "its record is closed", || home.list()[0]["state"] == "not_ended");
    let nowhere = support::free_port().to_string();
    let fails = ["verify", "-h", "127.0.0.1", "-p", &nowhere, "--verify-timeout", "8s"];
    let mut command = pgchaos(home.0.path(), fails);
    command.stdout(Stdio::null()).stderr(File::create(home.0.path().join("waits")).unwrap());
    let mut waits = Running(command.spawn().unwrap());
    wait_until(SOON, "it waits", || {
        fs::read_to_string(home.0.path().join("waits")).unwrap().contains("waiting")
    });
    let port = server.port().to_string();
    let verify = || home.run(&["verify", "-h", "127.0.0.1", "-p", &port]);
    let beside = verify();
    let (_, told) = text(&beside);
    assert_eq!(beside.status.code(), Some(4), "{told}");
    assert!(told.contains("a running pgchaos writes or verifies it"), "{told}");
    let (said, _) = text(&home.run(&["runs", "prune", "--keep", "0"]));
    assert!(said.contains("left ") && said.contains("0 records removed"), "{said}");
    assert_eq!(waits.0.wait().unwrap().code(), Some(3));
    assert_eq!(home.list()[0]["lost"], Value::Null);
    assert_eq!(verify().status.code(), Some(3), "its record is incomplete");
    assert_eq!(home.list()[0]["lost"], 0);
}

/// Its drop kills it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn gen_on(server: &Postgres, home: &Path, args: &[&str]) -> Running {
    let port = server.port().to_string();
    let words = ["gen", "-h", "127.0.0.1", "-p", &port, "--rate", "50"];
    let mut command = pgchaos(home, words.iter().chain(args));
    command.stdout(Stdio::null()).stderr(File::create(home.join("log")).unwrap());
    Running(command.spawn().unwrap())
}

#[test]
fn a_real_run_is_listed_while_it_goes_on_when_it_was_killed_and_when_it_is_verified() {
    let server = Postgres::start();
    let home = Home::new();
    let mut whole = gen_on(&server, home.0.path(), &["--writes", "20"]);
    assert!(whole.0.wait().unwrap().success());
    let [ref over] = home.list()[..] else { panic!("one run") };
    let record = PathBuf::from(over["path"].as_str().unwrap());
    let report = home.run(&["report", over["id"].as_str().unwrap(), "--summary", "json"]);
    let summary: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((&over["state"], &over["verdict"]), (&"ended".into(), &summary["verdict"]));
    assert_eq!(over["verdict"], "pass");
    assert_eq!(over["elapsed_s"], summary["elapsed_s"]);
    assert_eq!(over["acknowledged"], summary["writes"]["acknowledged"]);
    assert_eq!((&over["lost"], &over["outages"]), (&0.into(), &0.into()));
    let last = fs::read_to_string(&record).unwrap().lines().last().unwrap().to_owned();
    assert!(last.contains("\"event\":\"result\""), "{last}");

    let mut killed = gen_on(&server, home.0.path(), &[]);
    wait_until(SOON, "it is listed as running", || {
        home.list().len() == 2 && home.list()[0]["elapsed_s"].as_f64() > Some(1.0)
    });
    assert_eq!(home.list()[0]["state"], "running");
    let (said, _) = text(&home.run(&["runs", "prune", "--keep", "0"]));
    assert!(
        said.contains("left ") && said.contains("a running pgchaos writes or verifies it"),
        "{said}"
    );
    assert!(said.contains("1 record removed"), "{said}");
    assert!(!record.exists());
    killed.0.kill().unwrap();
    killed.0.wait().unwrap();
    wait_until(SOON, "its record is closed", || home.list()[0]["state"] == "not_ended");
    let [ref not_ended] = home.list()[..] else { panic!("one run") };
    assert_eq!((&not_ended["verdict"], &not_ended["lost"]), (&"inconclusive".into(), &Value::Null));

    let id = not_ended["id"].as_str().unwrap();
    let port = server.port().to_string();
    let verified = home.run(&["verify", &id[..4], "-h", "127.0.0.1", "-p", &port]);
    assert_eq!(verified.status.code(), Some(3), "{verified:?}");
    let [ref seen] = home.list()[..] else { panic!("one run") };
    assert_eq!((&seen["state"], &seen["verdict"]), (&"not_ended".into(), &"inconclusive".into()));
    assert_eq!(seen["lost"], 0, "the verification found all");
    let path = Path::new(seen["path"].as_str().unwrap());
    let mut results = 0;
    read(path, |event| results += i32::from(matches!(event.what, What::Result(_)))).unwrap();
    assert_eq!(results, 1);

    let target = ["-h", "127.0.0.1", "-p", &port];
    let removed = home.run(&[&["clean", "--run-id", &id[..6]], &target[..]].concat());
    let (_, told) = text(&removed);
    assert!(removed.status.success() && told.contains(seen["run_id"].as_str().unwrap()), "{told}");
}

/// Nothing is broken, and the drill expects more than a whole account of the writes.
#[test]
fn a_drill_is_listed_with_its_own_verdict() {
    let server = Postgres::start();
    let home = Home::new();
    let file = home.0.path().join("ours.toml");
    let drill = "title = 'nothing happens'\n\
                 [load]\nrate = 50\n\
                 [[step]]\nwait = '20 writes'\n\
                 [expect]\noutages = '>= 1'\n\
                 [hooks]\nhealthy = 'true'\n";
    fs::write(&file, drill).unwrap();
    let dsn = format!("postgresql://postgres:postgres@127.0.0.1:{}/postgres", server.port());
    let played = home.run(&["drill", "run", file.to_str().unwrap(), "-d", &dsn]);
    let (said, told) = text(&played);
    assert_eq!(played.status.code(), Some(1), "{said}{told}");
    let [ref run] = home.list()[..] else { panic!("one run") };
    assert_eq!(run["part_of"], "drill ours", "{run}");
    assert_eq!((&run["verdict"], &run["drill_verdict"]), (&"pass".into(), &"fail".into()));
    let (said, _) = text(&home.run(&["runs"]));
    assert!(said.contains("fail") && said.contains("the drill: fail, its writes: pass"), "{said}");
    // A later verification knows the drill's verdict from the record.
    let port = server.port().to_string();
    let verified = home.run(&["verify", "-h", "127.0.0.1", "-p", &port]);
    assert!(verified.status.success(), "{verified:?}");
    let [ref run] = home.list()[..] else { panic!("one run") };
    assert_eq!((&run["verdict"], &run["drill_verdict"]), (&"pass".into(), &"fail".into()));
}
