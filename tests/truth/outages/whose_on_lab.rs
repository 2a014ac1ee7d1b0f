//! Whose seconds an outage was: the fault is known, and so its owners. Six loads live through it beside each other, with all
//! watchers, with each alone, and with none, which must guess nothing.

use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde_json::Value;

use crate::harness::{Case, exact_or_again};
use crate::lab::{MEMBERS, Stage};
use crate::one_server::{BY_SILENCE, SOON, start_load, wait_for};
use crate::support::{Finished, Gen, wait_until};

pub(crate) const CASES: &[Case] = &[
    Case::on_lab("whose::lab::leader_killed", |stage| lived_through(stage, &KILLED)),
    Case::on_lab("whose::lab::leader_stopped", |stage| lived_through(stage, &STOPPED)),
    Case::on_lab("whose::lab::leader_frozen", |stage| lived_through(stage, &FROZEN)),
    Case::on_lab("whose::lab::switchover", |stage| lived_through(stage, &SWITCHOVER)),
    Case::on_lab("whose::lab::etcd_without_a_majority", |stage| lived_through(stage, &ETCD)),
    Case::on_lab("whose::lab::etcd_gone", |stage| lived_through(stage, &ETCD_GONE)),
    Case::on_lab("whose::lab::proxy_killed", |stage| lived_through(stage, &PROXY)),
];

/// A fault, and the part that it makes.
struct Fault {
    breaks: fn(&Stage, usize, &Gen),
    mends: fn(&Stage, usize),
    /// The part that only this fault makes, and all owners that it may have.
    part: &'static str,
    owners: &'static [&'static str],
    /// How long it is at least, on any machine.
    at_least_s: f64,
    /// How long a silence is an outage: where nothing is frozen, a server that waits for a processor is none.
    stall_after: &'static str,
}

const KILLED: Fault = Fault {
    breaks: |stage, old, _| stage.lab(&["kill", MEMBERS[old]]),
    mends: |stage, old| stage.lab(&["start", MEMBERS[old]]),
    part: "lock",
    owners: &["patroni"],
    at_least_s: 3.0,
    stall_after: "--stall-after=20s",
};

const STOPPED: Fault = Fault {
    breaks: |stage, old, _| stage.lab(&["stop", MEMBERS[old]]),
    part: "handover",
    owners: &["patroni", "postgresql"],
    at_least_s: 0.5,
    ..KILLED
};

const FROZEN: Fault = Fault {
    breaks: |stage, old, _| stage.lab(&["pause", MEMBERS[old]]),
    mends: |stage, old| {
        // Thawed, it might take its key back.
        stage.lab(&["kill", MEMBERS[old]]);
        stage.lab(&["start", MEMBERS[old]]);
    },
    stall_after: BY_SILENCE,
    ..KILLED
};

const SWITCHOVER: Fault =
    Fault { breaks: |stage, old, _| stage.hand_over(old), mends: |_, _| {}, ..STOPPED };

const ETCD: Fault = Fault {
    breaks: |stage, old, load| {
        without_store(stage, old, load, ["pause", "etcd1", "etcd2"], ["resume", "etcd1", "etcd2"]);
    },
    mends: |_, _| {},
    part: "store",
    owners: &["patroni", "etcd"],
    // It is away for two seconds from when the outage has begun.
    at_least_s: 1.5,
    ..KILLED
};

/// No member can read the store, and each says that the leader's key is free.
const ETCD_GONE: Fault = Fault {
    breaks: |stage, old, load| {
        let (kill, start) =
            (["kill", "etcd1", "etcd2", "etcd3"], ["start", "etcd1", "etcd2", "etcd3"]);
        without_store(stage, old, load, kill, start);
    },
    ..ETCD
};

fn without_store<const N: usize>(
    stage: &Stage,
    old: usize,
    load: &Gen,
    breaks: [&str; N],
    mends: [&str; N],
) {
    let server = Pid::from_raw(stage.postmaster(old));
    let from = load.now();
    stage.lab(&breaks);
    wait_for(load, from, "outage_began");
    stage.wait_for_no_leader();
    // Patroni says so before it acts.
    wait_until(SOON, "the leader's server is stopped", || kill(server, None).is_err());
    // The outage may have begun with that.
    sleep(Duration::from_secs(2));
    stage.lab(&mends);
}

const PROXY: Fault = Fault {
    breaks: |stage, _, _| {
        stage.lab(&["kill", "haproxy"]);
        sleep(Duration::from_secs(2));
        stage.lab(&["start", "haproxy"]);
    },
    mends: |_, _| {},
    part: "proxy_gone",
    owners: &["proxy"],
    at_least_s: 1.9,
    ..KILLED
};

/// Parts that tell a fault: where they are another's, a cause is named that was none.
const TELLING: [&str; 9] = [
    "lock",
    "handover",
    "store",
    "restart",
    "recovery",
    "proxy_gone",
    "silence",
    "refusal",
    "ended",
];

/// Events by which a wrong owner can be understood.
const SEEN: [&str; 5] = [
    "\"event\":\"leader\"",
    "\"event\":\"leader_key\"",
    "\"event\":\"member_changed\"",
    "\"event\":\"member_server\"",
    "\"event\":\"outage_ended\"",
];

/// What looks on beside a load.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Watchers {
    All,
    Patroni,
    Proxy,
    Members,
    Witnesses,
    None,
}

impl Watchers {
    const EACH: [Self; 6] =
        [Self::All, Self::Patroni, Self::Proxy, Self::Members, Self::Witnesses, Self::None];

    fn options(self, stage: &Stage) -> Vec<String> {
        let patroni =
            || [3, 4, 5].map(|n| format!("--patroni=127.0.0.1:{}", stage.port(n))).to_vec();
        let proxy = || vec![format!("--haproxy=http://127.0.0.1:{}", stage.port(2))];
        let member = |n: u16| {
            let port = stage.port(5 + n);
            format!("--members=patroni{n}=host=127.0.0.1 port={port} password=postgres")
        };
        let members = || [1, 2, 3].map(member).to_vec();
        let witness = || vec!["--witness".to_owned()];
        match self {
            Self::All => [patroni(), proxy(), members(), witness()].concat(),
            Self::Patroni => patroni(),
            Self::Proxy => proxy(),
            Self::Members => members(),
            Self::Witnesses => [members(), witness()].concat(),
            Self::None => Vec::new(),
        }
    }

    fn see_patroni(self) -> bool {
        matches!(self, Self::All | Self::Patroni)
    }

    /// Whether they can know that this part was its one owner's.
    fn can_know(self, part: &str) -> bool {
        match part {
            "lock" | "handover" | "store" | "election" | "promotion" => self.see_patroni(),
            "proxy_gone" => matches!(self, Self::All | Self::Proxy),
            "proxy_checks" | "proxy_hold" => self == Self::All,
            // The client's own time is its own where a member is known to take writes.
            "noticing" | "reconnect" => !matches!(self, Self::Proxy | Self::None),
            _ => false,
        }
    }
}

fn lived_through(stage: &Stage, fault: &Fault) -> String {
    let old = stage.wait_until_healthy();
    let url = format!("postgresql://postgres:postgres@127.0.0.1:{}/postgres", stage.port(0));
    let loads = Watchers::EACH.map(|watchers| {
        let mut options = watchers.options(stage);
        let usual = ["--write-timeout=3s", "--verify-timeout=60s", "--rate=20", fault.stall_after];
        options.extend(usual.map(String::from));
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        (watchers, start_load(&url, &options))
    });
    for (watchers, load) in &loads {
        load.wait_for_event(SOON, "it has written", |event| {
            event["event"] == "interval" && event["acknowledged"].as_u64() > Some(0)
        });
        if *watchers == Watchers::All {
            load.wait_for_event(SOON, "a witness writes", |event| event["event"] == "witness");
        }
    }
    let loads = loads.map(|(watchers, load)| (watchers, load.now(), load));
    (fault.breaks)(stage, old, &loads[0].2);
    // The first outage that ends after the fault is the one that it made.
    let loads = loads.map(|(watchers, from, load)| {
        let outage = wait_for(&load, from, "outage_ended")["n"].clone();
        load.wait_for_event(SOON, &format!("{watchers:?} tell whose it was"), |event| {
            event["event"] == "whose_seconds" && event["outage"] == outage
        });
        (watchers, outage, load)
    });
    (fault.mends)(stage, old);
    stage.wait_until_healthy();
    let told = loads.map(|(watchers, outage, load)| {
        told(watchers, fault, &outage, &load.interrupt_and_finish())
    });
    told.join(" · ")
}

/// Holds what one load says of the outage of this number to what is known of its fault.
fn told(watchers: Watchers, fault: &Fault, n: &Value, finished: &Finished) -> String {
    let said = &finished.summary;
    let mut outages = said["outages"].as_array().into_iter().flatten();
    let outage = outages.find(|outage| outage["n"] == *n).expect("it is in the summary");
    let parts = outage["whose_s"]["parts"].as_array().unwrap_or_else(|| panic!("{outage:#}"));
    let seen = finished.stderr.lines().filter(|line| SEEN.iter().any(|name| line.contains(name)));
    let words = format!(
        "{watchers:?} of {}: {}\n{}",
        fault.part,
        outage["whose_s"],
        seen.collect::<Vec<_>>().join("\n")
    );
    let sum: f64 = parts.iter().map(|part| part["lasted_s"].as_f64().unwrap()).sum();
    let duration = outage["duration_s"].as_f64().unwrap();
    assert!((sum - duration).abs() <= 0.02, "{sum} of {duration}: {words}");
    for part in parts {
        let name = part["part"].as_str().unwrap();
        let owners: Vec<&str> = strings(&part["owners"]);
        match &owners[..] {
            [_] => assert!(watchers.can_know(name), "{name} is guessed: {words}"),
            several => assert!(several.len() > 1, "{words}"),
        }
        if TELLING.contains(&name) && owners.len() == 1 {
            assert_eq!(name, fault.part, "{words}");
        }
        if name == fault.part {
            let known = owners.iter().all(|owner| fault.owners.contains(owner));
            assert!(known || owners.len() > 1, "{words}");
        }
    }
    if watchers.see_patroni() {
        // A piece between two looks may be taken for another; seconds may not.
        let others = parts.iter().filter(|part| {
            let name = part["part"].as_str().unwrap();
            TELLING.contains(&name) && name != fault.part
        });
        let others: f64 = others.map(|part| part["lasted_s"].as_f64().unwrap()).sum();
        assert!(others < 0.5, "{others} s of another fault: {words}");
    }
    let of_fault: Vec<&Value> = parts.iter().filter(|part| part["part"] == fault.part).collect();
    if watchers == Watchers::All || (watchers == Watchers::Patroni && fault.part != "proxy_gone") {
        for part in &of_fault {
            let owners = strings(&part["owners"]);
            assert!(owners.iter().all(|owner| fault.owners.contains(owner)), "{words}");
        }
        let lasted: f64 = of_fault.iter().map(|part| part["lasted_s"].as_f64().unwrap()).sum();
        // Where looks came too late, the watchers rightly name several that it may have been.
        exact_or_again(lasted >= fault.at_least_s, || format!("{lasted} s: {words}"));
    }
    let short = parts.iter().map(|part| {
        let owners = strings(&part["owners"]).join("|");
        format!(
            "{} {owners} {:.2}",
            part["part"].as_str().unwrap(),
            part["lasted_s"].as_f64().unwrap()
        )
    });
    format!("{watchers:?}: {}", short.collect::<Vec<_>>().join(", "))
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
