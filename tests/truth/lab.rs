//! A Patroni cluster of plain processes, up once for all of these cases; each finds it healthy.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pgchaos::patroni::{PatroniApi, convergence, leader};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::books::{Said, Truth, Verdict, assert_true, rows_of};
use crate::harness::Case;
use crate::one_server::{BY_SILENCE, run_id, start_load, wait_for_outage, wait_for_writes};
use crate::support::{Gen, Proxy, wait_until};
use crate::test_lab::TestLab;

pub(crate) const CASES: &[Case] = &[
    Case::on_lab("lab::leader_killed", leader_killed),
    Case::on_lab("lab::switchover", switchover),
    Case::on_lab("lab::frozen_leader_thawed", frozen_leader_thawed),
    Case::on_lab("lab::witnesses_of_a_failover", witnesses_of_a_failover),
    Case::on_lab("lab::witnesses_as_patroni_of_the_first_died", witnesses_as_patroni_died),
    Case::on_lab("lab::two_primaries_as_patroni_of_the_first_died", patroni_of_the_leader_killed),
];

/// Far more than a failover and the way back take on a busy machine.
const LATER: Duration = Duration::from_secs(120);

/// Patroni's deadline: a frozen one never answers.
const ANSWER: Duration = Duration::from_secs(2);

pub(crate) const MEMBERS: [&str; 3] = ["patroni1", "patroni2", "patroni3"];

/// The lab that all of these cases share.
pub(crate) struct Stage {
    lab: TestLab,
    apis: Vec<PatroniApi>,
    runtime: Runtime,
}

impl Stage {
    /// Brings it up.
    pub(crate) fn up() -> Self {
        let lab = TestLab::of_tester();
        lab.up();
        let api = |n| PatroniApi::new(&format!("127.0.0.1:{}", lab.base + n), ANSWER).unwrap();
        let apis = [3, 4, 5].map(api).to_vec();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { lab, apis, runtime }
    }

    /// Starts and thaws what the last case, when it failed, has left broken.
    fn mend(&self) {
        for member in MEMBERS {
            match self.lab.status(member)[1].as_str() {
                "paused" => drop(self.lab.run(&["resume", member])),
                "stopped" => drop(self.lab.run(&["start", member])),
                _ => {}
            }
        }
    }

    /// Waits until all three run on one timeline; gives the leader's number, from 0.
    pub(crate) fn wait_until_healthy(&self) -> usize {
        self.mend();
        let (end, mut anew) = (Instant::now() + LATER, Instant::now() + LATER / 3);
        while let Err(missing) = self.runtime.block_on(convergence(&self.apis, 3)) {
            assert!(Instant::now() < end, "not within {LATER:?}: {missing}\n{}", self.logs());
            if Instant::now() > anew {
                self.copy_anew();
                anew = end;
            }
            sleep(Duration::from_millis(200));
        }
        self.leader().expect("a leader")
    }

    /// Has the members copied from the leader that do not follow it. A crashed primary cannot always be rewound; and where
    /// a thawed leader has taken its key back, the one that was elected meanwhile is ahead of it, and runs and waits.
    fn copy_anew(&self) {
        let Some(leader) = self.runtime.block_on(leader(&self.apis)) else { return };
        let follows = |name: &str| {
            let senders = leader.status.replication.iter();
            senders
                .filter(|one| one.state.as_deref() == Some("streaming"))
                .any(|one| one.application_name.as_deref() == Some(name))
        };
        for (name, api) in MEMBERS.iter().zip(&self.apis) {
            if leader.name.as_deref() != Some(*name) && !follows(name) {
                reinitialize(api.url());
            }
        }
    }

    /// The last lines of each member's log.
    fn logs(&self) -> String {
        let tail = |member: &str| {
            let log = self.lab.folder().join(format!("logs/{member}.log"));
            let log = std::fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            format!("{member}: {}", lines[lines.len().saturating_sub(12)..].join("\n"))
        };
        MEMBERS.map(tail).join("\n")
    }

    /// The number of the member that Patroni says leads, from 0.
    fn leader(&self) -> Option<usize> {
        let name = self.runtime.block_on(leader(&self.apis))?.name?;
        MEMBERS.iter().position(|member| *member == name)
    }

    fn wait_for_another(&self, old: usize) -> usize {
        wait_until(LATER, "another leads", || self.leader().is_some_and(|leader| leader != old));
        self.leader().expect("it leads")
    }

    /// Waits until Patroni says that no member leads.
    pub(crate) fn wait_for_no_leader(&self) {
        wait_until(LATER, "no member leads", || self.leader().is_none());
    }

    /// A planned change of the leader.
    pub(crate) fn hand_over(&self, old: usize) {
        let api = self.apis[old].with_deadline(LATER).unwrap();
        self.runtime.block_on(api.switchover(MEMBERS[old], None)).unwrap();
    }

    /// The lab's port of this number: 0 `HAProxy`'s write port, 2 its page, 3 to 5 Patroni's, 6 to 8 PostgreSQL's.
    pub(crate) fn port(&self, n: u16) -> u16 {
        self.lab.base + n
    }

    /// `pgchaos lab` with these arguments.
    pub(crate) fn lab(&self, args: &[&str]) {
        self.lab.succeed(args);
    }

    /// What a statement gives on the leader, through `HAProxy`.
    pub(crate) fn psql(&self, sql: &str) -> String {
        self.lab.psql(0, sql).unwrap()
    }

    /// The process id of a member's postmaster.
    pub(crate) fn postmaster(&self, member: usize) -> i32 {
        let file = self.lab.folder().join(MEMBERS[member]).join("data/postmaster.pid");
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().next().unwrap().parse().unwrap()
    }

    /// A load of `url` that nothing tells of Patroni.
    pub(crate) fn unwatched_load(&self, url: &str) -> Gen {
        start_load(url, &["--write-timeout=3s", "--verify-timeout=60s"])
    }

    /// A load of `url`, with Patroni watched.
    pub(crate) fn load(&self, url: &str) -> Gen {
        self.load_with(url, &[])
    }

    /// The same with more options.
    fn load_with(&self, url: &str, more: &[&str]) -> Gen {
        let urls = [3, 4, 5].map(|n| format!("--patroni=127.0.0.1:{}", self.lab.base + n));
        let mut args: Vec<&str> = urls.iter().map(String::as_str).collect();
        args.extend(["--write-timeout=3s", "--verify-timeout=60s"]);
        args.extend(more);
        start_load(url, &args)
    }

    /// The wire to `HAProxy`'s write port.
    pub(crate) fn wire(&self) -> Proxy {
        Proxy::start(self.lab.base)
    }

    /// The wire to a member's own port.
    pub(crate) fn wire_to(&self, member: usize) -> Proxy {
        Proxy::start(self.lab.base + postgresql(member))
    }

    /// What is true of this run, if this member decides.
    fn truth(&self, run: Uuid, wires: &[&Proxy], member: usize) -> Truth {
        let rows = self.lab.psql(postgresql(member), &rows_of(run)).expect("its rows");
        let truth = Truth::of_wires(run, wires).with_rows(&rows);
        // A client that gave up waiting does not read what comes then.
        Truth { unread_max: 4, ..truth }
    }

    /// Ends a load that went through `HAProxy`, on a cluster that is whole again: what the leader has, decides.
    fn end(&self, load: Gen, wire: &Proxy) -> String {
        self.end_with(load, wire).1
    }

    /// The same, with what was said.
    pub(crate) fn end_with(&self, load: Gen, wire: &Proxy) -> (Said, String) {
        let run = run_id(&load);
        let leader = self.wait_until_healthy();
        let said = Said::from(&load.interrupt_and_finish());
        let truth = self.truth(run, &[wire], leader);
        let line = assert_true(&said, &truth, &[truth.verdict()]);
        (said, line)
    }
}

/// Where a member's PostgreSQL is among the lab's ports.
fn postgresql(member: usize) -> u16 {
    6 + u16::try_from(member).unwrap()
}

fn leader_killed(stage: &Stage) -> String {
    let old = stage.wait_until_healthy();
    let wire = stage.wire();
    let load = stage.load(&wire.url());
    wait_for_writes(&wire, 60);
    stage.lab.succeed(&["kill", MEMBERS[old]]);
    wait_for_outage(&load, 1);
    wait_for_writes(&wire, 30);
    stage.lab.succeed(&["start", MEMBERS[old]]);
    stage.end(load, &wire)
}

fn switchover(stage: &Stage) -> String {
    let old = stage.wait_until_healthy();
    let wire = stage.wire();
    let load = stage.load(&wire.url());
    wait_for_writes(&wire, 60);
    stage.hand_over(old);
    wait_for_outage(&load, 1);
    wait_for_writes(&wire, 30);
    stage.end(load, &wire)
}

/// It wakes up as a primary of the old timeline, with sessions and a write from before.
fn frozen_leader_thawed(stage: &Stage) -> String {
    let old = stage.wait_until_healthy();
    let wire = stage.wire();
    let load = stage.load_with(&wire.url(), &[BY_SILENCE]);
    wait_for_writes(&wire, 60);
    stage.lab.succeed(&["pause", MEMBERS[old]]);
    stage.wait_for_another(old);
    wait_for_writes(&wire, 30);
    stage.lab.succeed(&["resume", MEMBERS[old]]);
    stage.end(load, &wire)
}

/// Its PostgreSQL goes on and takes writes, while Patroni has promoted another; it stands first in the string.
fn patroni_of_the_leader_killed(stage: &Stage) -> String {
    let old = stage.wait_until_healthy();
    let mut wires = [0, 1, 2].map(|member| stage.wire_to(member));
    wires.rotate_left(old);
    let hosts = wires.each_ref().map(|wire| format!("127.0.0.1:{}", wire.port())).join(",");
    let load = stage.load(&format!("postgresql://postgres:postgres@{hosts}/postgres"));
    let run = run_id(&load);
    wait_for_writes(&wires[0], 60);
    kill(patroni(stage, MEMBERS[old]), Signal::SIGKILL).unwrap();
    let new = stage.wait_for_another(old);
    wait_until(LATER, "the new leader takes writes", || {
        stage.lab.psql(postgresql(new), "SELECT pg_is_in_recovery()").as_deref() == Ok("f")
    });
    wait_for_writes(&wires[0], 60);
    let said = Said::from(&load.interrupt_and_finish());
    let truth = stage.truth(run, &wires.each_ref(), new);
    // Before anything can fail: the next case waits until it is healthy.
    stage.lab.succeed(&["kill", MEMBERS[old]]);
    stage.lab.succeed(&["start", MEMBERS[old]]);
    assert!(truth.lost().len() >= 60, "written to the old one alone: {}", truth.lost().len());
    assert_true(&said, &truth, &[Verdict::Fail, Verdict::Inconclusive])
}

/// Members as Patroni names them, and their witnesses: none claims two primaries in an ordinary failover.
fn witnesses_of_a_failover(stage: &Stage) -> String {
    let old = stage.wait_until_healthy();
    let wire = stage.wire();
    let load = stage.load_with(&wire.url(), &["--members=auto", "--witness"]);
    wait_for_writes(&wire, 60);
    stage.lab.succeed(&["kill", MEMBERS[old]]);
    wait_for_outage(&load, 1);
    wait_for_writes(&wire, 60);
    stage.lab.succeed(&["start", MEMBERS[old]]);
    let (said, line) = stage.end_with(load, &wire);
    assert_eq!(said.summary["two_primaries"], serde_json::json!([]), "{}", said.words);
    line
}

/// `HAProxy` has left the old primary, which nothing stops: only its witness still writes there.
fn witnesses_as_patroni_died(stage: &Stage) -> String {
    let old = stage.wait_until_healthy();
    let wire = stage.wire();
    let load = stage.load_with(&wire.url(), &["--members=auto", "--witness"]);
    let run = run_id(&load);
    wait_for_writes(&wire, 60);
    kill(patroni(stage, MEMBERS[old]), Signal::SIGKILL).unwrap();
    let new = stage.wait_for_another(old);
    wait_for_outage(&load, 1);
    wait_for_writes(&wire, 200);
    let finished = load.interrupt_and_finish();
    let said = Said::from(&finished);
    let truth = stage.truth(run, &[&wire], new);
    stage.lab.succeed(&["kill", MEMBERS[old]]);
    stage.lab.succeed(&["start", MEMBERS[old]]);
    let windows = said.summary["two_primaries"].as_array().unwrap();
    assert_eq!(windows.len(), 1, "{:#}", said.summary["two_primaries"]);
    let window = &windows[0];
    assert_eq!(
        (window["old"]["member"].as_str(), window["new"]["member"].as_str()),
        (Some(MEMBERS[old]), Some(MEMBERS[new]))
    );
    assert!(window["witness_writes"].as_u64().unwrap() > 0, "{window:#}");
    assert!(window["lost"].as_u64().unwrap() <= truth.lost().len() as u64, "{window:#}");
    assert_true(&said, &truth, &[Verdict::Fail])
}

/// Has a member copied anew; the leader says no, and one that does not answer is left as it is.
fn reinitialize(url: &str) {
    let Ok(mut patroni) = TcpStream::connect(url.trim_start_matches("http://")) else { return };
    let body = "{\"force\": true}";
    let head = "POST /reinitialize HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length:";
    let _ = write!(patroni, "{head} {}\r\n\r\n{body}", body.len());
    let _ = patroni.set_read_timeout(Some(ANSWER));
    let _ = patroni.read_to_end(&mut Vec::new());
}

/// The process of a member's Patroni.
fn patroni(stage: &Stage, member: &str) -> Pid {
    let is_patroni = |process: &String| process.contains(&format!("{member}/patroni.yml"));
    let processes = stage.lab.processes();
    let found = processes.iter().find(|process| is_patroni(process));
    let (pid, _) = found
        .and_then(|process| process.split_once(':'))
        .unwrap_or_else(|| panic!("{processes:#?}"));
    Pid::from_raw(pid.parse().unwrap())
}
