//! What people do at a lab that runs: each takes one that is whole, and leaves it so.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::wait_until;
use crate::test_lab::{SOON, TestLab, remedy, said};

/// To start or resume a replica is of use to one that is down, never to one that runs.
pub(crate) fn what_is_down_has_no_role(lab: &TestLab) {
    let frozen = ["patroni1", "patroni2", "patroni3"].map(str::to_owned);
    let is_frozen = |member: &String| lab.status(member)[1] == "paused";
    lab.succeed(&["pause", "replica"]);
    let replica = frozen.iter().find(|member| is_frozen(member)).expect("one is").clone();
    let said = lab.succeed(&["resume", "replica"]);
    assert!(said.contains(&format!("replica is {replica}")), "{said}");
    assert_eq!(lab.status(&replica)[1], "running");

    let said = lab.fail(&["resume", "replica"], 4, &["no member", "could be replica is frozen"]);
    assert!(lab.type_remedy(&said, &[]).contains("haproxy"));
    lab.fail(&["start", "etcd:any"], 4, &["could be etcd:any is stopped"]);

    lab.succeed(&["stop", "etcd3"]);
    assert!(lab.succeed(&["start", "etcd:leader"]).contains("etcd3 is started"));

    // Not the leader: another member would take its place.
    let leader = lab.leader();
    let is_other = |member: &&String| **member != replica && Some(*member) != leader.as_ref();
    let other = frozen.iter().find(is_other).expect("three, and two of them");
    lab.succeed(&["pause", &replica, other]);
    let words =
        ["could be patroni", " and patroni", "are frozen: a member that is down has no role"];
    let said = lab.fail(&["resume", "leader"], 4, &words);
    lab.type_remedy(&said, &[]);
    assert!(!frozen.iter().any(is_frozen));
    lab.wait_converged();
}

pub(crate) fn one_looks_in(lab: &TestLab) {
    let leader = lab.leader().unwrap();
    let line = |said: String| -> Vec<String> {
        let line = said.lines().find(|line| line.starts_with("pgchaos ")).expect("its line");
        line.split_whitespace().map(str::to_owned).collect()
    };
    let (write, read) = (lab.base.to_string(), (lab.base + 1).to_string());
    let found = line(lab.succeed(&["list"]));
    assert_eq!(found, ["pgchaos", &write, &read, "running", &leader]);
    lab.succeed(&["stop", "haproxy"]);
    assert_eq!(line(lab.succeed(&["list"]))[3..], ["6", "of", "7", "run", &leader]);
    assert!(lab.succeed(&["restart", "haproxy"]).contains("did not run, and is up after"));

    // HAProxy's page is no PostgreSQL: the lab of this page has its write port elsewhere.
    let page = (lab.base + 2).to_string();
    let load = ["gen", "-h", "127.0.0.1", "-p", &page, "-n", "1", "--no-record", "-q"];
    let words = said(&lab.pgchaos(&load).output().unwrap());
    assert!(words.contains(&format!("-p {write}, the write port of the lab")), "{words}");
    assert_eq!(lab.succeed(&["psql", "--", "-AtXc", "show pgchaos.member"]).trim(), leader);
    let port = "select inet_server_port(), pg_is_in_recovery()";
    let shown = lab.succeed(&["psql", "replica", "--", "-AtXc", port]);
    assert!(shown.trim().ends_with("|t") && !shown.contains(&write), "{shown}");
    // psql's own exit codes, and its own settings.
    lab.fail(&["psql", "--", "-Xc", "select 1/0"], 1, &["division by zero"]);
    lab.fail(&["psql", "--", "-X", "-d", "nowhere"], 2, &["database \"nowhere\" does not exist"]);
    let other =
        lab.command(&["psql", "--", "-AtXc", "select 5"]).env("PGPORT", "1").output().unwrap();
    assert_eq!(said(&other).trim(), "5", "the user's own settings are not used");
    lab.fail(&["psql", "etcd1"], 2, &["etcd1 is no PostgreSQL server"]);
}

pub(crate) fn the_leader_changes_in_good_order(lab: &TestLab) {
    let old = lab.leader().unwrap();
    let said = lab.succeed(&["switchover"]);
    assert!(said.contains(&format!("{old} handed over")), "{said}");
    lab.wait_converged();
    let new = lab.leader().unwrap();
    assert_ne!(new, old);
    let said = lab.fail(&["switchover", &new], 4, &[&format!("{new} leads already")]);
    lab.type_remedy(&said, &[]);
    lab.fail(&["switchover", "etcd1"], 4, &["etcd1 is no PostgreSQL server"]);
    lab.wait_converged();
    lab.succeed(&["switchover", &old]);
    assert_eq!(lab.leader(), Some(old.clone()));
    lab.wait_converged();

    let pid = |member: &str| lab.status(member)[5].clone();
    let (replica, before) = (new, [pid("etcd1"), pid(&old)]);
    let own = pid(&replica);
    let said = lab.succeed(&["restart", &replica, "etcd1"]);
    assert!(said.contains(&format!("{replica} is up again")), "{said}");
    assert_ne!(pid(&replica), own);
    assert_ne!(pid("etcd1"), before[0]);
    assert_eq!(pid(&old), before[1], "the others are left alone");
    lab.wait_converged();
}

/// Half of it would be a ruin.
pub(crate) fn ctrl_c_does_not_cut_a_removal(lab: &TestLab) {
    let interrupt = |args: &[&str], times: usize| {
        // It cannot begin before this is given back, so that each signal comes in time.
        let path = lab.folder().with_extension("lock");
        let lock = File::options().create(true).append(true).open(path).unwrap();
        lock.lock().unwrap();
        let mut down = lab.command(args).spawn().unwrap();
        let mut told = BufReader::new(down.stderr.take().unwrap());
        let status = format!("/proc/{}/status", down.id());
        // SIGINT is the second bit of those that it catches.
        let catches =
            |line: &str| u8::from_str_radix(&line[line.len() - 1..], 16).unwrap() & 2 != 0;
        wait_until(SOON, "it listens to Ctrl-C", || {
            let status = fs::read_to_string(&status).unwrap();
            status.lines().any(|line| line.starts_with("SigCgt:") && catches(line))
        });
        let mut said = String::new();
        for number in 1..=times {
            kill(Pid::from_raw(down.id().try_into().unwrap()), Signal::SIGINT).unwrap();
            if number < times {
                told.read_line(&mut said).unwrap();
            }
        }
        if times == 1 && args.contains(&"--wipe") {
            told.read_line(&mut said).unwrap();
            lock.unlock().unwrap();
        }
        std::io::Read::read_to_string(&mut told, &mut said).unwrap();
        (down.wait().unwrap().code(), said)
    };
    let (code, said) = interrupt(&["down"], 1);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("interrupted: lab pgchaos still has etcd1, etcd2"), "{said}");
    assert_eq!(remedy(&said).0, "pgchaos lab down");
    let (code, said) = interrupt(&["down", "--wipe"], 2);
    assert_eq!(code, Some(130), "{said}");
    assert_eq!(remedy(&said).0, "pgchaos lab down --wipe");
    assert_eq!(lab.status("etcd1")[1], "running", "it had not begun");

    let (code, said) = interrupt(&["down", "--wipe"], 1);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("it goes on") && said.contains("its data is removed"), "{said}");
}
