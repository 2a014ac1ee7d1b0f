//! Several hosts: each is named.

use crate::model::event::Header;
use crate::model::fault::{Class, Fault, Phase};
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::options::Rate;
use crate::model::load::target::Target;
use crate::report::fixtures::{connected, event, failed, fault, header, lost, patroni3};

use super::super::*;
use super::{log, told};

/// Of a run with three hosts, and this log's first line is left out.
fn told_of_three(writers: u32, events: &[Event]) -> Vec<String> {
    let What::Run(header) = header(Rate::Max, writers) else { unreachable!("a header") };
    let target = Target { endpoints: "a:1,b:2,c:3".to_owned(), ..header.target.clone() };
    let run = What::Run(Box::new(Header { target, ..*header }));
    let all: Vec<Event> = std::iter::once(event(0, run)).chain(events.iter().cloned()).collect();
    told(&mut log(writers, true, None), &all).split_off(1)
}

fn at(at: u64, endpoint: &str, class: Class, message: &str) -> Event {
    let fault = Fault { endpoint: endpoint.to_owned(), ..fault(class, Phase::Connect, message) };
    event(at, failed(1, fault, SeqSet::new()))
}

/// One attempt through three hosts.
fn round(now: u64) -> [Event; 3] {
    [
        at(now, "a:1", Class::Refused, "refused"),
        at(now + 1, "b:2", Class::ReadOnly, "patroni2 takes no writes (in recovery)"),
        at(now + 2, "c:3", Class::Refused, "refused"),
    ]
}

#[test]
fn each_is_told_at_its_first_failure_and_repeats_together() {
    let rounds: Vec<Event> = (0..60).flat_map(|nth| round(1_000 + nth * 100)).collect();
    assert_eq!(
        told_of_three(1, &rounds),
        [
            "[23:56:21] REFUSED: nobody listens on a:1 · retrying",
            "[23:56:21] READ ONLY on b:2: patroni2 takes no writes (in recovery) · retrying",
            "[23:56:21] REFUSED: nobody listens on c:3 · retrying",
            "[23:56:26] REFUSED ×101 · no write for 5 s · retrying",
            "[23:56:26] READ ONLY ×51 · no write for 5 s · retrying",
            "[23:56:27] REFUSED ×120, last 0.3 s ago · no write for 6.2 s · retrying",
            "[23:56:27] READ ONLY ×60, last 0.3 s ago · no write for 6.2 s · retrying",
        ]
    );
}

/// What is held while other writers lose their sessions is one line a class, with all hosts of it.
#[test]
fn what_is_held_together_names_all_of_them() {
    let mut events = vec![event(1_000, lost(1, 7)), event(1_001, lost(2, 8))];
    events.extend(round(1_010));
    events.extend(round(1_020));
    events.push(event(2_000, connected(1, patroni3())));
    assert_eq!(
        told_of_three(2, &events),
        [
            "[23:56:21] CONNECTION LOST ×2 (both writers): server closed the connection · 2 writes in doubt",
            "[23:56:21] REFUSED ×4: nobody listens on a:1, c:3 · retrying",
            "[23:56:21] READ ONLY on b:2 ×2: patroni2 takes no writes (in recovery) · retrying",
            "[23:56:22] CONNECTED to patroni3 172.18.0.7:5432 · primary · timeline 2",
        ]
    );
}
