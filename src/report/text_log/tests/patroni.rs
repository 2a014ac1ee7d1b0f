//! What Patroni's API tells, beside the load.

use crate::model::cluster::leadership::LeaderSeen;
use crate::model::event::ApiReached;
use crate::report::fixtures::{began, event, lost, ms, no_backend, patroni2, ready};

use super::super::*;
use super::{log, options, told};

fn leader(from: Option<&str>, to: Option<&str>, timeline: Option<u32>, all_asked: bool) -> What {
    let (from, to) = (from.map(str::to_owned), to.map(str::to_owned));
    What::Leader(LeaderSeen { from, to, timeline, not_before: None, all_asked })
}

fn api(error: Option<&str>, watched: bool) -> What {
    let (member, url) = (Some("patroni2".to_owned()), "http://patroni2:8008".to_owned());
    What::PatroniApi(ApiReached { member, url, error: error.map(str::to_owned), watched })
}

#[test]
fn leaders_are_told_by_name_and_leave_the_attempts_to_their_own_pace() {
    let (two, three) = (Some("patroni2"), Some("patroni3"));
    let events = [
        event(400, ready(patroni2())),
        event(500, leader(None, two, Some(1), true)),
        event(81_500, lost(1, 82)),
        event(81_500, began(81_500)),
        event(81_600, no_backend(1)),
        event(81_700, api(Some("connection refused: Patroni does not run there"), true)),
        event(82_000, no_backend(1)),
        event(83_500, leader(two, None, None, true)),
        event(84_000, leader(None, three, None, true)),
        event(85_000, api(None, true)),
        event(86_000, leader(three, three, Some(3), true)),
        event(86_500, What::LeaderChanged { outage: 1, after: ms(2_500) }),
    ];
    assert_eq!(
        told(&mut log(1, true, None), &events),
        [
            "[23:56:21] PATRONI: patroni2 leads · timeline 1",
            "[23:57:42] CONNECTION LOST during INSERT #82: server closed the connection · in doubt",
            "[23:57:42] NO BACKEND: accepted, then closed: no live primary? · retrying",
            "[23:57:42] PATRONI: patroni2 does not answer: connection refused: Patroni does not run there · http://patroni2:8008",
            "[23:57:44] PATRONI: leader patroni2 → nobody",
            "[23:57:44] PATRONI: patroni3 leads · not promoted yet",
            "[23:57:45] PATRONI: patroni2 answers again",
            "[23:57:46] PATRONI: patroni3 leads anew · timeline 3",
            "[23:57:47] NO BACKEND ×2, last 4.8 s ago · no write for 5.3 s · retrying",
        ]
    );
}

#[test]
fn what_is_not_known_is_not_claimed() {
    let events = [
        event(500, leader(Some("patroni1"), None, None, false)),
        event(600, api(Some("no answer within 1 s"), false)),
        event(700, leader(None, None, None, true)),
        event(800, leader(Some("patroni1"), Some("patroni3"), Some(2), true)),
    ];
    assert_eq!(
        told(&mut log(1, true, None), &events),
        [
            "[23:56:21] PATRONI: patroni1 leads no more · another may: not every member is watched",
            "[23:56:21] PATRONI: patroni2 is not watched: no answer within 1 s · http://patroni2:8008",
            "[23:56:21] PATRONI: nobody leads",
            "[23:56:21] PATRONI: leader patroni1 → patroni3 · timeline 2",
        ]
    );
}

#[test]
fn quietly_only_leaders_are_told() {
    let events = [event(500, api(None, true)), event(600, leader(None, None, None, true))];
    let quiet = TextLogOptions { verbosity: Verbosity::Quiet, ..options(1, true, None) };
    assert_eq!(told(&mut TextLog::new(quiet), &events), ["[23:56:21] PATRONI: nobody leads"]);
}
