//! Slow, full, hung, and with a limit on a file's size; beside a healthy one.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::disk::{Disk, memory_max_kib, wrapped};
use crate::support::{Finished, Gen, Postgres, Proxy, pgchaos};

/// Far more than anything here takes.
const SOON: Duration = Duration::from_secs(60);

const LOAD: [&str; 4] = ["--rate=2000", "--writers=4", "--pipeline=16", "--duration=10s"];

fn start(url: &str, load: &[&str], disk: &Disk) -> Gen {
    let mut args = vec![url];
    args.extend(load);
    Gen::start_with(args, |_, command| disk.puts_inside(command))
}

fn wait_until_it_writes(load: &Gen) {
    load.wait_for_event(SOON, "it writes", |event| event["acknowledged"].as_u64() > Some(100));
}

fn warnings<'a>(finished: &'a Finished, words: &str) -> Vec<&'a str> {
    let warnings = finished.events_named("warning").into_iter();
    warnings.filter_map(|event| event["message"].as_str()).filter(|it| it.contains(words)).collect()
}

/// Plays a story again, five times in all, in which the load fell silent: a disk that holds it up does so each time, and
/// a machine that has something else to do for a second does not. `None` is a story that is skipped.
fn without_a_silence(story: impl Fn() -> Option<Finished>) {
    let mut stderr = String::new();
    for _ in 0..5 {
        let Some(finished) = story() else { return };
        if finished.summary["outages"] == serde_json::json!([]) {
            return;
        }
        stderr = finished.stderr;
    }
    panic!("an outage each time\n{stderr}");
}

/// What the load comes to does not show what its disk does. Its outages are judged by [`without_a_silence`].
#[track_caller]
fn assert_unharmed(finished: &Finished) {
    let summary = &finished.summary;
    assert_eq!((finished.code, &summary["verdict"]), (0, &"pass".into()), "{}", finished.stderr);
    assert_eq!(summary["writes"]["unaccounted"], 0);
    assert_eq!(summary["verification"]["lost"], 0);
    assert_eq!(summary["verification"]["present"], summary["writes"]["acknowledged"]);
}

fn figures(what: &str, summary: &Value, memory_kib: u64, end: Duration) {
    println!(
        "{what:8} acknowledged {} · p50 {} ms · p99 {} ms · max {} ms · outages {} · VmHWM {} KiB · ended {:.1} s after",
        summary["writes"]["acknowledged"],
        summary["latency_ms"]["p50"],
        summary["latency_ms"]["p99"],
        summary["latency_ms"]["max"],
        summary["outages"].as_array().map_or(0, Vec::len),
        memory_kib,
        end.as_secs_f64(),
    );
}

/// Waits for the end of writing, then for that of the run: its memory before, and how long that took.
fn ended(load: Gen) -> (Finished, u64, Duration) {
    let so_far = memory_max_kib(load.pid()).unwrap();
    load.wait_for_event(SOON, "writing ends", |event| event["event"] == "stopping");
    // It may have ended since then.
    let (memory, began) = (memory_max_kib(load.pid()).unwrap_or(so_far), Instant::now());
    let finished = load.finish();
    (finished, memory, began.elapsed())
}

fn later(command: &str, record: &Path, disk: Option<&Disk>, url: Option<&str>) -> (Value, Output) {
    let home = tempfile::tempdir().unwrap();
    let mut program = pgchaos(home.path(), [command, "--summary=json"]);
    program.arg(record).args(url.map(|url| format!("--dbname={url}")));
    if let Some(disk) = disk {
        disk.puts_inside(&mut program);
    }
    let output = program.output().unwrap();
    (serde_json::from_slice(&output.stdout).unwrap_or_default(), output)
}

#[test]
fn a_healthy_disk_has_the_whole_record() {
    without_a_silence(|| {
        let disk = Disk::that_freezes()?;
        let server = Postgres::shared();
        let load = start(&server.url(), &LOAD, &disk);
        let (finished, memory, end) = ended(load);
        figures("healthy", &finished.summary, memory, end);
        assert_unharmed(&finished);
        let path = disk.path("run.jsonl");
        let record = serde_json::json!({"path": path, "complete": true});
        assert_eq!(finished.summary["record"], record);
        let (again, _) = later("report", &path, Some(&disk), None);
        assert_eq!(again, finished.summary, "from the record alone");
        Some(finished)
    });
}

#[test]
fn a_hung_disk_holds_neither_the_load_up_nor_the_end() {
    without_a_silence(|| {
        let mut disk = Disk::that_freezes()?;
        let server = Postgres::shared();
        let url = server.url();
        let load = start(&url, &LOAD, &disk);
        wait_until_it_writes(&load);
        disk.freeze();
        let (finished, memory, end) = ended(load);
        figures("hung", &finished.summary, memory, end);
        assert_unharmed(&finished);
        assert_eq!(warnings(&finished, "is behind").len(), 1, "{}", finished.stderr);
        assert_eq!(finished.summary["record"]["complete"], false);
        let error = finished.summary["record"]["error"].as_str().unwrap();
        assert!(error.contains("does not answer"), "{error}");
        assert!(end < Duration::from_secs(30), "{end:?}");

        disk.thaw();
        // What its process had taken is written now; the rest is unaccounted for, and never lost.
        let path = disk.path("run.jsonl");
        let (account, output) = later("verify", &path, Some(&disk), Some(&url));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        assert!(stderr.contains("the record is incomplete"), "{stderr}");
        assert_eq!(account["verification"]["lost"], 0);
        assert_eq!(account["record"]["complete"], false);
        assert!(account["writes"]["unaccounted"].is_null(), "an unknown number: {account:#}");
        assert!(account["writes"]["unaccounted_seen"].as_u64() > Some(0), "{account:#}");
        Some(finished)
    });
}

#[test]
fn a_second_ctrl_c_ends_a_run_whose_disk_hangs() {
    let Some(mut disk) = Disk::that_freezes() else { return };
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let load = start(&proxy.url(), &["--rate=200"], &disk);
    wait_until_it_writes(&load);
    disk.freeze();
    // The verification waits for a cluster that is away.
    proxy.refuse();
    load.wait_for_event(SOON, "an outage", |event| event["event"] == "outage_began");
    load.interrupt();
    load.wait_for_event(SOON, "the verification waits", |event| event["event"] == "verifying");
    let began = Instant::now();
    load.interrupt();
    let finished = load.finish();
    println!("hung: ended {:.2} s after the second Ctrl-C", began.elapsed().as_secs_f64());
    assert_eq!(finished.code, 130, "{}", finished.stderr);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(finished.summary["record"]["complete"], false);
}

#[test]
fn a_record_that_cannot_be_made_on_a_hung_disk_is_an_error_and_no_hang() {
    let Some(mut disk) = Disk::that_freezes() else { return };
    disk.freeze();
    let server = Postgres::shared();
    let finished = start(&server.url(), &["--duration=1s"], &disk).finish();
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    assert!(finished.stderr.contains("its disk does not answer"), "{}", finished.stderr);
}

#[test]
fn a_slow_disk_gets_the_whole_record() {
    without_a_silence(|| {
        let mut disk = Disk::that_freezes()?;
        let server = Postgres::shared();
        let load = start(&server.url(), &LOAD, &disk);
        wait_until_it_writes(&load);
        // Frozen for most of the time, which is longer than it takes to be told.
        for _ in 0..3 {
            disk.freeze();
            std::thread::sleep(Duration::from_millis(2_500));
            disk.thaw();
            std::thread::sleep(Duration::from_millis(300));
        }
        let (finished, memory, end) = ended(load);
        figures("slow", &finished.summary, memory, end);
        assert_unharmed(&finished);
        assert_eq!(warnings(&finished, "is behind").len(), 1, "{}", finished.stderr);
        assert_eq!(finished.summary["record"]["complete"], true);
        let (again, _) = later("report", &disk.path("run.jsonl"), Some(&disk), None);
        assert_eq!(again, finished.summary, "from the record alone");
        Some(finished)
    });
}

#[test]
fn a_full_disk_is_told_once_and_the_verdict_stands() {
    without_a_silence(|| {
        let disk = Disk::small()?;
        std::fs::write(disk.seen_outside("filler"), vec![0; 120 * 1024]).unwrap();
        let server = Postgres::shared();
        let url = server.url();
        let load = start(&url, &LOAD, &disk);
        let (finished, memory, end) = ended(load);
        figures("full", &finished.summary, memory, end);
        assert_unharmed(&finished);
        let told = warnings(&finished, "cannot be written: no space left on device");
        assert_eq!(told.len(), 1, "{}", finished.stderr);
        assert!(told[0].ends_with("this run cannot be accounted for again from it"), "{told:?}");
        let record = &finished.summary["record"];
        assert_eq!(record["complete"], false);
        assert_eq!(record["error"], "no space left on device");

        let (again, output) = later("report", &disk.path("run.jsonl"), Some(&disk), None);
        assert_eq!(output.status.code(), Some(3), "{again:#}");
        assert_eq!(again["record"]["complete"], false);
        let (account, output) = later("verify", &disk.path("run.jsonl"), Some(&disk), Some(&url));
        assert_eq!(output.status.code(), Some(3), "{account:#}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("the record is incomplete"), "{stderr}");
        assert_eq!(account["verification"]["lost"], 0);
        Some(finished)
    });
}

#[test]
fn a_limit_on_the_size_of_files_ends_the_record_and_not_the_run() {
    without_a_silence(|| {
        let server = Postgres::shared();
        let url = server.url();
        let args = [&*url, "--rate=500", "--duration=6s"];
        let load = Gen::start_with(args, |_, command| {
            let mut limited = Command::new("sh");
            // In units of 512 bytes.
            limited.args(["-c", "ulimit -f 8 && exec \"$@\"", "limited"]);
            *command = wrapped(limited, command);
        });
        let finished = load.finish();
        assert_unharmed(&finished);
        assert_eq!(finished.summary["record"]["complete"], false);
        assert_eq!(finished.summary["record"]["error"], "file too large");
        Some(finished)
    });
}

#[test]
fn a_report_on_a_hung_disk_is_given_up_and_said() {
    let Some(mut disk) = Disk::that_freezes() else { return };
    let server = Postgres::shared();
    let url = server.url();
    let report = disk.path("run.json");
    let load = Gen::start_with([&*url, "--rate=200"], |home, command| {
        command.arg("--report").arg(&report);
        disk.puts_inside(command);
        // The record is elsewhere.
        command.env("PGCHAOS_RECORD", home.join("run.jsonl"));
    });
    wait_until_it_writes(&load);
    disk.freeze();
    load.interrupt();
    let said = load.wait_for_text(SOON, "its disk does not answer within 10 s");
    assert!(said.contains("the report"), "{said}");
    // A thread in a write that cannot be interrupted holds the process; its words are out.
    disk.thaw();
    let finished = load.finish();
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    assert_eq!(finished.summary["verdict"], "pass");
}
