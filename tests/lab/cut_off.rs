//! What is cut off leaves a lab that the next command puts right; and what is not the lab's is left alone.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::wait_until;
use crate::test_lab::{SOON, TestLab};

/// An `up` that has said this much.
fn begin_up(lab: &TestLab, until: &str) -> (Child, impl BufRead + use<>) {
    let base = lab.base.to_string();
    let mut up = lab.command(&["up", "--profile", "quick", "--base-port", &base]).spawn().unwrap();
    let mut said = BufReader::new(up.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(until) {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended before {until:?}");
    }
    (up, said)
}

#[test]
fn a_killed_up_is_cleaned_up_by_down_or_by_the_next_up() {
    let lab = TestLab::of_tester();
    let (mut up, _) = begin_up(&lab, "leads etcd");
    up.kill().unwrap();
    up.wait().unwrap();
    assert!(!lab.processes().is_empty(), "its members outlive it");
    assert!(lab.succeed(&["status"]).contains("It never worked"));
    lab.succeed(&["down"]);
    lab.assert_nothing_left();

    let (mut up, _) = begin_up(&lab, "leads PostgreSQL");
    up.kill().unwrap();
    up.wait().unwrap();
    let said = lab.up();
    assert!(said.contains("cut off") && said.contains("ready after"), "{said}");
    a_foreign_process_is_left_alone(&lab);
}

/// It stands in the data folder, has the lab's files as its arguments, and its number stands in the file that
/// names the postmaster; it is not the lab's all the same.
fn a_foreign_process_is_left_alone(lab: &TestLab) {
    lab.succeed(&["kill", "patroni3"]);
    let data = lab.folder().join("patroni3/data");
    let mut foreign = Command::new("tail")
        .args(["-f", "-n", "0"])
        .arg(lab.folder().join("logs/patroni3.log"))
        .arg(lab.folder().join("patroni3/patroni.yml"))
        .current_dir(&data)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (file, own) = (data.join("postmaster.pid"), fs::read(data.join("postmaster.pid")).unwrap());
    fs::write(&file, format!("{}\n{}\n", foreign.id(), data.display())).unwrap();
    assert!(lab.succeed(&["kill", "patroni3"]).contains("did not run"));
    assert!(lab.succeed(&["stop", "patroni3"]).contains("did not run"));
    // It also names the shared memory of the server that was killed, which is to be given back.
    fs::write(&file, own).unwrap();
    lab.succeed(&["down", "--wipe"]);
    assert!(foreign.try_wait().unwrap().is_none(), "it still runs");
    foreign.kill().unwrap();
    foreign.wait().unwrap();
    lab.assert_nothing_left();
}

#[test]
fn ctrl_c_stops_what_was_started() {
    let lab = TestLab::of_tester();
    let (mut up, mut said) = begin_up(&lab, "leads etcd");
    kill(Pid::from_raw(up.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut said, &mut text).unwrap();
    assert_eq!(up.wait().unwrap().code(), Some(130), "{text}");
    assert!(text.contains("stopped and removed again") && text.contains("interrupted"), "{text}");
    wait_until(SOON, "nothing runs", || lab.processes().is_empty());
    lab.assert_nothing_left();
}

#[test]
fn a_demo_that_is_interrupted_says_so() {
    let lab = TestLab::of_tester();
    let base = lab.base.to_string();
    let mut demo = lab.pgchaos(&["demo", "--base-port", &base]).spawn().unwrap();
    let mut said = BufReader::new(demo.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("leads etcd") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended before it was interrupted");
    }
    kill(Pid::from_raw(demo.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    std::io::Read::read_to_string(&mut said, &mut line).unwrap();
    let output = demo.wait_with_output().unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(130), "{page}\n{line}");
    assert!(page.contains("\n  INTERRUPTED · leader-kill · "), "{page}");
    assert!(page.contains("interrupted before anything was broken"), "{page}");
    assert!(!page.contains("COULD NOT RUN") && !page.contains("pgchaos: "), "{page}");
    lab.assert_nothing_runs();
    let left = fs::read_dir(lab.folder().with_file_name("demo")).unwrap().flatten();
    assert_eq!(left.map(|entry| entry.file_name()).collect::<Vec<_>>(), ["logs"]);
}
