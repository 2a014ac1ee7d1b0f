//! Parts of a node that a drill breaks, through the library; and two labs side by side.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use pgchaos::lab::{Lab, LabError, Member, Role, Running};
use pgchaos::model::selector::Selector;
use pgchaos::patroni::{PatroniApi, convergence};

use crate::test_lab::{SOON, TestLab, said};

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
    lab.fail(&taken, 4, &words);
    lab.succeed(&[&["up"], &named[..]].concat());
    assert_ne!(other.psql(0, "SHOW synchronous_standby_names").unwrap(), "");
    let status = lab.succeed(&["status", "--name", "second"]);
    assert!(status.contains("synchronous mode on"), "{status}");
    // To change what runs is refused, and what it says is possible.
    let changed = ["up", "--name", "second", "--profile", "default"];
    lab.fail(&changed, 4, &["runs with other settings", "lab down --name second"]);
    lab.succeed(&["down", "--wipe", "--name", "second"]);
    other.assert_nothing_runs();

    lab.wait_converged();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "parts::breaks_parts", "--ignored", "--nocapture"])
        .env(BREAK, "1")
        .env("XDG_STATE_HOME", lab.home().join("state"))
        .output()
        .unwrap();
    let said = said(&output);
    assert!(output.status.success() && said.contains("parts were broken"), "{said}");
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
        own.iter().filter(|one| one.role == Role::WalSender).map(|one| one.is_paused).collect()
    };
    assert_eq!(lab.running(leader), Running::Running, "only they are frozen");
    assert_eq!(senders(lab), [true, true]);
    lab.resume(leader).await?;
    assert_eq!(senders(lab), [false, false]);

    let old = lab.kill_postmaster(leader).await?;
    let end = Instant::now() + SOON;
    let postmaster = |member: Member| {
        let own = lab.processes(member);
        own.iter().find(|one| one.role == Role::Postmaster).map(|one| one.pid)
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
