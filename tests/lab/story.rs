//! A lab's life: up, its leader killed and back, down with its data kept, up again, and gone.

use std::fs;

use crate::doors;
use crate::support::{skip, wait_until};
use crate::test_lab::{SOON, TestLab};

#[test]
fn a_lab_lives_fails_over_and_leaves_nothing() {
    let lab = TestLab::of_tester();
    let said = lab.up();
    assert!(said.contains("three servers on timeline 1") && said.contains("ready after"), "{said}");
    works(&lab);
    lab.psql(0, "CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)").unwrap();

    doors::what_is_down_has_no_role(&lab);
    doors::one_looks_in(&lab);
    doors::the_leader_changes_in_good_order(&lab);
    another_mount_namespace_is_no_other_lab(&lab);
    a_lab_that_cannot_be_seen_keeps_its_data(&lab);

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
    let said = lab.fail(&["pause", &leader], 4, &[&leader, "no process"]);
    assert!(lab.type_remedy(&said, &[]).contains(&format!("{leader} is started")));
    lab.wait_converged();

    lab.succeed(&["pause", "etcd:leader", "haproxy"]);
    assert_eq!(lab.status("haproxy")[1], "paused");
    let said = lab.fail(&["start", "haproxy"], 4, &["haproxy is paused"]);
    assert!(lab.type_remedy(&said, &[]).contains("haproxy goes on"));
    assert!(lab.succeed(&["resume", "etcd:leader"]).contains("etcd:leader is etcd"));
    assert_eq!(lab.status("haproxy")[1], "running");
    lab.wait_converged();

    lab.succeed(&["down"]);
    lab.assert_nothing_runs();
    let said = lab.succeed(&["up"]);
    assert!(said.contains("from the data that was kept · profile quick"), "{said}");
    works(&lab);
    assert_eq!(lab.psql(0, "SELECT id FROM kept"), Ok("7".to_owned()));

    doors::ctrl_c_does_not_cut_a_removal(&lab);
    lab.assert_nothing_left();
    let log = fs::read_to_string(lab.folder().join("logs/patroni1.log")).unwrap();
    assert!(log.contains("Lock owner"), "the logs are kept");
}

/// Each `ip netns exec` makes one.
fn another_mount_namespace_is_no_other_lab(lab: &TestLab) {
    if !may_unshare() {
        return;
    }
    let within = |args: &[&str]| {
        let (code, said) = lab.run_within(&["--mount"], args);
        assert_eq!(code, Some(0), "{args:?}: {said}");
        said
    };
    let status = within(&["status"]);
    assert_eq!(
        status.matches("  running  ").count(),
        7 + 3,
        "seven run, three of them servers\n{status}"
    );
    assert!(within(&["kill", "etcd3"]).contains("etcd3 is killed"));
    assert_eq!(lab.status("etcd3")[1], "stopped");
    // What was started there belongs to the lab here.
    assert!(within(&["start", "etcd3"]).contains("etcd3 is started"));
    let replica = lab.leader().map_or("patroni1", |leader| match leader.as_str() {
        "patroni1" => "patroni2",
        _ => "patroni1",
    });
    within(&["restart", replica]);
    lab.wait_converged();
}

fn a_lab_that_cannot_be_seen_keeps_its_data(lab: &TestLab) {
    if !may_unshare() {
        return;
    }
    let with_proc = &["--pid", "--fork", "--mount-proc"][..];
    for unshare in [&["--pid", "--fork"][..], with_proc] {
        let (code, said) = lab.run_within(unshare, &["status"]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(said.matches("  unseen  ").count(), 7, "{said}");
        for args in [&["down", "--wipe"][..], &["down"], &["kill", "etcd1"], &["start", "etcd1"]] {
            let (code, said) = lab.run_within(unshare, args);
            assert_eq!(code, Some(4), "{args:?}: {said}");
            assert!(said.contains("cannot be seen from here"), "{args:?}: {said}");
        }
    }
    let (code, said) = lab.run_within(with_proc, &["up"]);
    assert_eq!(code, Some(4), "{said}");
    assert!(
        said.contains("etcd1, etcd2, etcd3, patroni1, patroni2, patroni3, haproxy run"),
        "{said}"
    );
    // It is not begun where the processes that it starts could not be known again.
    let (code, said) = lab.run_within(&["--pid", "--fork"], &["up", "--name", "other"]);
    assert!(code == Some(4) && said.contains("/proc shows the processes of another"), "{said}");
    works(lab);
}

/// Whether namespaces can be made, which takes root; skipped by [`skip`] where they cannot.
fn may_unshare() -> bool {
    let made =
        std::process::Command::new("unshare").args(["--mount", "--pid", "--fork", "true"]).status();
    let may = made.is_ok_and(|status| status.success());
    if !may {
        skip("no namespaces of its own");
    }
    may
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
