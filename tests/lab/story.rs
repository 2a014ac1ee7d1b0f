//! A lab's life: up, its leader killed and back, down with its data kept, up again, and gone.

use std::fs;

use crate::support::wait_until;
use crate::test_lab::{SOON, TestLab};

#[test]
fn a_lab_lives_fails_over_and_leaves_nothing() {
    let lab = TestLab::of_tester();
    let said = lab.up();
    assert!(said.contains("three servers on timeline 1") && said.contains("ready after"), "{said}");
    works(&lab);
    lab.psql(0, "CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)").unwrap();

    let old = lab.leader().expect("a leader");
    lab.succeed(&["kill", "leader"]);
    assert_eq!(lab.status(&old)[1], "stopped");
    assert!(!lab.processes().iter().any(|process| process.contains(&old)), "the whole node");
    wait_until(SOON, "another leads", || lab.leader().is_some_and(|leader| leader != old));
    lab.succeed(&["start", &old]);
    lab.wait_converged();
    assert_eq!(lab.status(&old)[2], "replica");
    works(&lab);

    let leader = lab.leader().expect("a leader");
    let said = lab.succeed(&["stop", "leader"]);
    assert!(said.contains(&format!("{leader} stopped in")), "{said}");
    assert!(lab.fail(&["pause", &leader], 4, &[&leader]).contains("no process"));
    lab.succeed(&["start", &leader]);
    lab.wait_converged();

    lab.succeed(&["pause", "etcd:leader", "haproxy"]);
    assert_eq!(lab.status("haproxy")[1], "paused");
    lab.fail(&["start", "haproxy"], 4, &["haproxy is paused", "lab resume haproxy"]);
    lab.succeed(&["resume", "haproxy", "etcd1", "etcd2", "etcd3"]);
    assert_eq!(lab.status("haproxy")[1], "running");
    lab.wait_converged();

    lab.succeed(&["down"]);
    lab.assert_nothing_runs();
    let said = lab.succeed(&["up"]);
    assert!(said.contains("from the data that was kept · profile quick"), "{said}");
    works(&lab);
    assert_eq!(lab.psql(0, "SELECT id FROM kept"), Ok("7".to_owned()));

    lab.succeed(&["down", "--wipe"]);
    lab.assert_nothing_left();
    let log = fs::read_to_string(lab.folder().join("logs/patroni1.log")).unwrap();
    assert!(log.contains("Lock owner"), "the logs are kept");
}

#[test]
fn as_an_ordinary_user() {
    let Some(lab) = TestLab::of_ordinary_user() else { return };
    lab.up();
    works(&lab);
    let old = lab.leader().expect("a leader");
    lab.succeed(&["kill", "leader"]);
    wait_until(SOON, "another leads", || lab.leader().is_some_and(|leader| leader != old));
    lab.succeed(&["down", "--wipe"]);
    lab.assert_nothing_left();
    let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.to_string();
    let left = segments.lines().filter(|line| line.split_whitespace().nth(7) == Some(&nobody));
    assert_eq!(left.count(), 0, "a killed server's shared memory is left");
}

/// As a client sees it, and as the profile promises.
#[track_caller]
fn works(lab: &TestLab) {
    wait_until(SOON, "the write port leads to a primary, the read port to a replica", || {
        let is = |port, answer: &str| {
            lab.psql(port, "SELECT pg_is_in_recovery()").is_ok_and(|found| found == answer)
        };
        is(0, "f") && is(1, "t")
    });
    let said = lab.succeed(&["status"]);
    assert!(said.contains("synchronous mode off") && said.contains("killed leader"), "{said}");
    let env = lab.succeed(&["env"]);
    assert!(env.contains(&format!("PGPORT={}", lab.base)), "{env}");
}
