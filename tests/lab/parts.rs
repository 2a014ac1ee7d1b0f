//! Parts of a node that a drill breaks, through the library; and two labs side by side.

use std::env;
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use pgchaos::lab::{Lab, LabError, Member, ProcessRole, Running};
use pgchaos::model::cluster::selector::Selector;
use pgchaos::patroni::{PatroniApi, convergence};

use crate::support::{pgchaos, skip};
use crate::test_lab::{SOON, TestLab, remedy, said as said_of};

/// A child process is told so that it is to break parts of the lab that its environment names.
const BREAK: &str = "PGCHAOS_TEST_BREAKS_PARTS";

#[test]
fn two_labs_live_side_by_side_and_parts_of_a_node_can_be_broken() {
    let lab = TestLab::of_tester();
    let other = lab.another();
    lab.up();
    // The same folder of labs, and another name.
    let base = other.base.to_string();
    let named = ["--name", "second", "--profile", "quick", "--sync", "--base-port", &base];
    let base_taken = lab.base.to_string();
    let taken = ["up", "--name", "second", "--base-port", &base_taken];
    let words = ["is taken by etcd1 of lab pgchaos", "--base-port"];
    let said = lab.fail(&taken, 4, &words);
    assert!(said.contains("or pgchaos lab down\n"), "the lab that has them can be ended\n{said}");
    lab.succeed(&[&["up"], &named[..]].concat());
    remedies_name_the_lab_that_is_meant(&lab);
    assert_ne!(other.psql(0, "SHOW synchronous_standby_names").unwrap(), "");
    let status = lab.succeed(&["status", "--name", "second"]);
    assert!(status.contains("synchronous mode on"), "{status}");
    // To change what runs is refused, and what it says is possible.
    let changed = ["up", "--name", "second", "--profile", "default"];
    let said = lab.fail(&changed, 4, &["runs with other settings", "lab down --name second"]);
    let moved = ["up", "--name", "second", "--base-port", &base_taken];
    let kept = lab.fail(&moved, 4, &["has its ports already", "--name two"]);
    assert!(!kept.contains("wipe"), "it runs\n{kept}");
    assert!(lab.type_remedy(&kept, &[]).contains("ready after"));
    lab.type_remedy(&said, &[]);
    let kept = lab.fail(&moved, 4, &["has its ports already", "down --wipe --name second"]);
    assert_eq!(remedy(&kept).0, "pgchaos lab up --name second");
    lab.succeed(&["down", "--wipe", "--name", "second"]);
    other.assert_nothing_runs();

    lab.wait_converged();
    without_a_port_it_is_told_where_a_lab_runs(&lab);
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "parts::breaks_parts", "--ignored", "--nocapture"])
        .env(BREAK, "1")
        .env("XDG_STATE_HOME", lab.home().join("state"))
        .output()
        .unwrap();
    let said = said_of(&output);
    assert!(output.status.success() && said.contains("parts were broken"), "{said}");
}

/// The default one stands beside it, and is not to be touched.
fn remedies_name_the_lab_that_is_meant(lab: &TestLab) {
    fn named<'a>(args: &[&'a str]) -> Vec<&'a str> {
        [args, &["--name", "second"]].concat()
    }
    lab.succeed(&named(&["pause", "haproxy"]));
    let said = lab.fail(&named(&["start", "haproxy"]), 4, &["haproxy is paused"]);
    assert!(lab.type_remedy(&said, &[]).contains("haproxy goes on"));
    lab.succeed(&named(&["stop", "haproxy"]));
    let said = lab.fail(&named(&["pause", "haproxy"]), 4, &["haproxy has no process"]);
    assert!(lab.type_remedy(&said, &[]).contains("haproxy is started"));
    let said = lab.fail(&named(&["resume", "replica"]), 4, &["of lab second"]);
    assert!(lab.type_remedy(&said, &[]).contains("lab second"));
    assert!(lab.succeed(&["list"]).contains("second"));
}

/// Where nothing is on the default port.
fn without_a_port_it_is_told_where_a_lab_runs(lab: &TestLab) {
    if TcpStream::connect("localhost:5432").is_ok() {
        return skip("a server is on this machine's port 5432");
    }
    let run = |args: &[&str]| {
        let output = pgchaos(lab.home(), args)
            .env("XDG_STATE_HOME", lab.home().join("state"))
            .output()
            .unwrap();
        (output.status.code(), said_of(&output))
    };
    let write_port = lab.base.to_string();
    let load = ["gen", "--no-record", "-n", "3", "-R", "50", "-T", "20"];
    let waiting = ["gen", "--no-record", "-T", "0.2", "--verify-timeout", "200ms"];
    let (_, words) = run(&waiting);
    let hint = format!("a lab runs on port {write_port}: pgchaos gen --port {write_port}");
    assert!(words.contains(&hint), "{words}");
    let (code, words) = run(&["init"]);
    assert_eq!(code, Some(4));
    assert!(
        words.contains(&format!("a lab runs on port {write_port}: add --port {write_port}")),
        "{words}"
    );
    // What it says works, and then it says it no more.
    let (code, words) = run(&["init", "--port", &write_port]);
    assert_eq!(code, Some(0), "{words}");
    let (code, words) = run(&[&load[..], &["--port", &write_port]].concat());
    assert_eq!(code, Some(0), "{words}");
    assert!(!words.contains("a lab runs"), "{words}");
}

#[test]
#[ignore = "the child of the test above"]
fn breaks_parts() {
    if env::var_os(BREAK).is_some() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(break_parts(&Lab::find("pgchaos").unwrap().unwrap())).unwrap();
        println!("parts were broken");
    }
}

async fn break_parts(lab: &Lab) -> Result<(), LabError> {
    let leader = lab.select(&Selector::Leader).await?;
    let replica = lab.select(&Selector::Replica).await?;
    let (etcd, other) =
        (lab.select(&Selector::EtcdLeader).await?, lab.select(&Selector::EtcdAny).await?);
    assert!(leader != replica && etcd != other);
    assert!(matches!(lab.pause_walsenders(replica).await, Err(LabError::NoProcess { .. })));

    assert_eq!(lab.pause_walsenders(leader).await?, 2);
    let senders = |lab: &Lab| -> Vec<bool> {
        let own = lab.processes(leader);
        own.iter()
            .filter(|one| one.role == ProcessRole::WalSender)
            .map(|one| one.is_paused)
            .collect()
    };
    assert_eq!(lab.running(leader), Running::Running, "only they are frozen");
    assert_eq!(senders(lab), [true, true]);
    lab.resume(leader).await?;
    assert_eq!(senders(lab), [false, false]);

    let old = lab.kill_postmaster(leader).await?;
    let end = Instant::now() + SOON;
    let postmaster = |member: Member| {
        let own = lab.processes(member);
        own.iter().find(|one| one.role == ProcessRole::Postmaster).map(|one| one.pid)
    };
    while postmaster(leader).is_none_or(|pid| pid == old) {
        assert!(Instant::now() < end, "Patroni has not started it again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let urls = lab.patroni_urls();
    let apis: Vec<_> =
        urls.iter().map(|url| PatroniApi::new(url, Duration::from_secs(2)).unwrap()).collect();
    while let Err(missing) = convergence(&apis, 3).await {
        assert!(Instant::now() < end, "{missing}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
