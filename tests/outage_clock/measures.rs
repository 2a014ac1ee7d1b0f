//! When an outage began, how long it was, and its anatomy.

use std::collections::BTreeMap;

use pgchaos::model::fault::Class;
use pgchaos::model::outage::clock::Output;
use pgchaos::model::outage::kind::Kind;
use pgchaos::model::outage::{Outage, Phases, Side};

use crate::histories::{History, errors, fault, first, ms, phases, server, started_at};

/// The write timeout of the histories in which it does not matter.
const TIMEOUT: u64 = 5_000;

fn side(server: &pgchaos::model::cluster::server::Server) -> Option<Side> {
    Some(Side::from(server))
}

#[test]
fn one_writer_is_cut_refused_and_recovers() {
    let played = History::of(1)
        .acks(1, 100, 0..=9_900)
        .cut(1, 10_000, 10_004)
        .attempt(1, 10_004, 10_005, Class::Refused)
        .attempt(1, 10_200, 10_201, Class::Refused)
        .attempt(1, 12_900, 12_901, Class::Refused)
        .connected(1, (13_000, 13_005, 13_008), &first())
        .ack(1, 13_010)
        .acks(1, 100, 13_100..=15_000)
        .end(15_000)
        .play(TIMEOUT);
    assert_eq!(
        played.outage(),
        Outage {
            n: 1,
            kind: Kind::Connection,
            detail: None,
            began_at: started_at() + ms(10_000),
            began: ms(10_000),
            duration: ms(3_010),
            resolution: ms(110),
            writable_after: Some((ms(2_900), ms(3_010))),
            degraded: ms(3_010),
            without_ack: ms(3_010),
            writers_out_max: 1,
            partial: false,
            writers_out_at_end: 0,
            open: None,
            last_ack: Some(ms(9_900)),
            first_ack: Some(ms(13_010)),
            attempts: 4,
            abandoned: 0,
            errors: errors(&[(Class::ConnectionLost, 1), (Class::Refused, 3)]),
            sqlstates: BTreeMap::new(),
            phases: Phases {
                writable_accepted: Some(ms(3_000)),
                ..phases([
                    Some(4),
                    Some(2_901),
                    Some(3_000),
                    Some(3_005),
                    Some(3_008),
                    Some(3_010),
                    Some(3_010),
                ])
            },
            from: side(&first()),
            to: side(&first()),
            in_doubt: 1,
            skipped: 0,
            lost: 0,
            fault: None,
            stall_cause: None,
            blocked_by: None,
            whose: None,
        }
    );
    assert_eq!(played.full_rates(), [(1, ms(3_010))]);
    assert_eq!(played.outputs[0], Output::Began { n: 1, began: ms(10_000) });
}

#[test]
fn silence_without_an_error_is_an_outage_from_the_unanswered_write_to_its_answer() {
    let played = History::of(1)
        .acks(1, 100, 0..=9_900)
        .stalled(1, 10_000, 11_000)
        .acks(1, 100, 12_500..=14_500)
        .end(14_500)
        .play(TIMEOUT);
    assert_eq!(
        played.outage(),
        Outage {
            n: 1,
            kind: Kind::Stall,
            detail: None,
            began_at: started_at() + ms(10_000),
            began: ms(10_000),
            duration: ms(2_500),
            // The silent write itself was answered: its answer is the end, and nothing is sharper.
            resolution: ms(0),
            writable_after: Some((ms(2_500), ms(2_500))),
            degraded: ms(2_500),
            without_ack: ms(2_500),
            writers_out_max: 1,
            partial: false,
            writers_out_at_end: 0,
            open: None,
            last_ack: Some(ms(9_900)),
            first_ack: Some(ms(12_500)),
            attempts: 0,
            abandoned: 0,
            errors: errors(&[]),
            sqlstates: BTreeMap::new(),
            phases: phases([None, None, None, None, None, Some(2_500), Some(2_500)]),
            from: side(&first()),
            to: side(&first()),
            in_doubt: 0,
            skipped: 0,
            lost: 0,
            fault: None,
            stall_cause: None,
            blocked_by: None,
            whose: None,
        }
    );
}

#[test]
fn a_write_cut_after_a_silence_began_the_outage_when_it_was_sent() {
    let cut = |history: History| history.cut(1, 10_000, 12_000).back(1, 12_050).end(13_000);
    let told_before = History::of(1).ack(1, 9_900).stalled(1, 10_000, 11_000);
    for history in [cut(told_before), cut(History::of(1).ack(1, 9_900))] {
        let outage = history.play(TIMEOUT).outage();
        assert_eq!((outage.began, outage.duration), (ms(10_000), ms(2_050)));
        assert_eq!(outage.phases.first_error, Some(ms(2_000)));
        // Since the last failure began the cluster may have been back: the write was sent at 10 000.
        assert_eq!(outage.resolution, ms(2_050));
        assert_eq!(outage.last_ack, Some(ms(9_900)));
    }
}

#[test]
fn a_write_that_reaches_its_deadline_began_the_outage_when_it_was_sent() {
    let outage = History::of(1)
        .ack(1, 9_900)
        .stalled(1, 10_000, 11_000)
        .failed(1, 10_000, 15_000, fault(Class::Timeout), 1)
        .back(1, 15_040)
        .end(16_000)
        .play(TIMEOUT)
        .outage();
    assert_eq!((outage.began, outage.duration), (ms(10_000), ms(5_040)));
    assert_eq!((outage.kind, outage.in_doubt), (Kind::Stall, 1));
}

#[test]
fn eight_writers_are_all_down_and_come_back_one_by_one() {
    let mut history = (1..=8).fold(History::of(8), |history, writer: i32| {
        let offset = u64::try_from(writer).unwrap() * 10;
        history.acks(writer, 100, offset..=9_900 + offset).cut(writer, 10_000 + offset, 10_100)
    });
    // One back every 400 ms, and writing from then on.
    for (writer, back) in (1..=8).zip((12_000..).step_by(400)) {
        history = history.back(writer, back).acks(writer, 100, back + 100..=20_000);
    }
    let played = history.end(20_000).play(TIMEOUT);
    let outage = played.outage();
    assert_eq!(outage.began, ms(10_010));
    // Acknowledgements of the other writers came until 9 980, so that nothing was written from the first evidence on.
    assert_eq!(outage.last_ack, Some(ms(9_980)));
    assert_eq!((outage.duration, outage.first_ack), (ms(1_990), Some(ms(12_000))));
    assert_eq!(outage.degraded, ms(14_800 - 10_010));
    assert_eq!(outage.phases.all_writers, Some(ms(14_800 - 10_010)));
    assert_eq!(outage.in_doubt, 8);
    assert_eq!(outage.errors, errors(&[(Class::ConnectionLost, 8)]));
    // Half a second after the first is back: two are back by then.
    assert_eq!(played.resumed(), [(1, ms(1_990), 6)]);
}

#[test]
fn writers_that_never_stopped_make_the_duration_the_longest_stretch_without_a_write() {
    let outage = History::of(2)
        .acks(1, 50, 0..=11_000)
        .acks(1, 50, 11_220..=15_000)
        .acks(2, 50, 0..=9_950)
        .cut(2, 10_000, 10_001)
        .attempt(2, 10_001, 10_010, Class::Refused)
        .back(2, 13_000)
        .acks(2, 50, 13_050..=15_000)
        .end(15_000)
        .play(TIMEOUT)
        .outage();
    assert_eq!((outage.began, outage.degraded), (ms(10_000), ms(3_000)));
    assert_eq!(outage.duration, ms(220));
    // Writer 1 wrote meanwhile: what counts is when writer 2 was back.
    assert!(outage.partial);
    assert_eq!((outage.writers_out_max, outage.writers_out_at_end), (1, 0));
    assert_eq!((outage.last_ack, outage.first_ack), (Some(ms(10_000)), Some(ms(13_000))));
    assert_eq!(outage.without_ack, ms(220));
}

#[test]
fn the_outage_is_over_when_the_last_writer_is_back_whoever_is_told_of_first() {
    let outage = History::of(2)
        .acks(1, 100, 0..=9_900)
        .acks(2, 100, 0..=9_900)
        .cut(1, 10_000, 10_001)
        .cut(2, 10_000, 10_001)
        .connected(1, (12_980, 12_981, 12_990), &first())
        .connected(2, (12_980, 12_981, 12_990), &first())
        .late_acks(1, &[13_018], 13_018)
        .late_acks(2, &[13_002], 13_020)
        .end(14_000)
        .play(TIMEOUT)
        .outage();
    assert_eq!((outage.duration, outage.first_ack), (ms(3_002), Some(ms(13_002))));
    assert_eq!(outage.degraded, ms(3_018), "writer 1 was the last one back");
}

#[test]
fn a_late_batch_splits_the_stretch_that_it_lies_in() {
    let outage = History::of(2)
        .acks(1, 10, 0..=10_000)
        .acks(2, 10, 0..=9_990)
        .cut(2, 10_000, 10_001)
        .back(2, 10_060)
        // Told only when the outage is over, and not in order.
        .late_acks(1, &[10_040, 10_050], 10_070)
        .late_acks(1, &[10_020], 10_075)
        .end(11_000)
        .play(TIMEOUT)
        .outage();
    assert_eq!((outage.began, outage.duration), (ms(10_000), ms(20)));
    // Two stretches of 20 ms: the earlier one. So short an outage is not told as partial.
    assert_eq!((outage.last_ack, outage.first_ack), (Some(ms(10_000)), Some(ms(10_020))));
    assert!(!outage.partial);
}

#[test]
fn evidence_that_is_older_than_the_noticed_beginning_moves_it_back() {
    let outage = History::of(2)
        .acks(1, 100, 0..=9_700)
        .acks(2, 100, 0..=9_700)
        .idle_cut(1, 10_000)
        .stalled(2, 9_800, 10_800)
        .back(1, 12_000)
        .ack(2, 12_100)
        .end(13_000)
        .play(TIMEOUT)
        .outage();
    assert_eq!(outage.began, ms(9_800));
    assert_eq!(outage.began_at, started_at() + ms(9_800));
    assert_eq!((outage.duration, outage.degraded), (ms(2_200), ms(2_300)));
    assert_eq!(outage.last_ack, Some(ms(9_700)));
}

#[test]
fn no_outage_begins_before_the_last_one_ended() {
    // Writer 2's write was sent while writer 1 was down, and its silence told when that outage was over and done.
    let played = History::of(2)
        .acks(1, 20, 0..=9_980)
        .acks(2, 20, 0..=10_080)
        .cut(1, 10_000, 10_001)
        .back(1, 10_200)
        .acks(1, 20, 10_220..=13_000)
        .stalled(2, 10_100, 11_100)
        .ack(2, 12_000)
        .end(13_000)
        .play(TIMEOUT);
    let outages = played.outages();
    assert_eq!((outages[0].began, outages[0].degraded), (ms(10_000), ms(200)));
    assert_eq!((outages[1].began, outages[1].degraded), (ms(10_200), ms(1_800)));
    // Writer 1 wrote all the time.
    assert_eq!(outages[1].duration, ms(20));
    let began: Vec<_> = played
        .outputs
        .iter()
        .filter_map(|output| match output {
            Output::Began { began, .. } => Some(*began),
            _ => None,
        })
        .collect();
    assert_eq!(began, [ms(10_000), ms(10_200)], "as the summary says it");
}

#[test]
fn a_run_that_ends_in_the_middle_of_an_outage_ends_it_without_a_write() {
    let played = History::of(2)
        .acks(1, 100, 0..=9_900)
        .acks(2, 100, 0..=9_900)
        .cut(1, 10_000, 10_001)
        .cut(2, 10_000, 10_001)
        .attempt(1, 10_001, 10_002, Class::Refused)
        .attempt(2, 10_100, 10_101, Class::Refused)
        .end(12_000)
        .play(TIMEOUT);
    let outage = played.outage();
    assert_eq!((outage.duration, outage.degraded), (ms(2_000), ms(2_000)));
    assert_eq!((outage.first_ack, outage.to.clone()), (None, None));
    assert_eq!(outage.resolution, ms(0), "nothing ended it");
    assert_eq!(outage.phases, phases([Some(1), Some(101), None, None, None, None, None]));
    assert_eq!((outage.open, outage.writers_out_at_end), (Some(ms(2_000)), 2));
    assert_eq!(outage.kind, Kind::Unknown);
}

#[test]
fn a_run_that_ends_with_one_writer_down_still_knows_what_the_other_wrote() {
    let outage = History::of(2)
        .acks(1, 100, 0..=10_000)
        .acks(1, 100, 10_500..=12_000)
        .acks(2, 100, 0..=9_900)
        .cut(2, 10_000, 10_001)
        .attempt(2, 10_001, 10_002, Class::Overloaded)
        .end(12_050)
        .play(TIMEOUT)
        .outage();
    assert_eq!((outage.duration, outage.first_ack), (ms(500), None));
    assert!(outage.partial);
    assert_eq!((outage.open, outage.writers_out_at_end), (None, 1));
    assert_eq!(outage.degraded, ms(2_050));
    assert_eq!(outage.phases.all_writers, None, "writer 2 never came back");
    assert_eq!(outage.to, None, "nothing proves that writer 2's server takes writes");
}

#[test]
fn an_outage_longer_than_what_the_clock_remembers_keeps_its_whole_length() {
    // Writes have a deadline of one second, so that acknowledgements are remembered for about three.
    let outage = History::of(1)
        .acks(1, 100, 0..=9_900)
        .cut(1, 10_000, 10_001)
        .attempt(1, 10_001, 10_002, Class::Refused)
        .attempt(1, 39_950, 39_951, Class::Refused)
        .back(1, 40_000)
        .end(41_000)
        .play(1_000)
        .outage();
    assert_eq!((outage.began, outage.duration), (ms(10_000), ms(30_000)));
    assert_eq!((outage.last_ack, outage.resolution), (Some(ms(9_900)), ms(50)));
}

#[test]
fn a_long_degraded_outage_remembers_its_longest_stretch_wherever_it_was() {
    let pauses = [(10_400, 11_300), (20_000, 20_700), (38_900, 39_500)];
    // The longest pause is the first, the second, the last; each in turn.
    for longest in 0..3 {
        let mut history = History::of(2).acks(2, 100, 0..=9_900).cut(2, 10_000, 10_001);
        let mut from = 0;
        for (n, (pause, resume)) in pauses.into_iter().enumerate() {
            let resume = if n == longest { pause + 1_150 } else { resume };
            history = history.acks(1, 50, from..=pause);
            from = resume;
        }
        let outage =
            history.acks(1, 50, from..=45_000).back(2, 42_000).end(45_000).play(1_000).outage();
        assert_eq!(outage.duration, ms(1_150), "{longest}");
        assert_eq!((outage.last_ack, outage.first_ack), (Some(ms(10_000)), Some(ms(42_000))));
        assert_eq!(outage.degraded, ms(32_000));
        let others: u64 = (0..3).filter(|n| *n != longest).map(|n| pauses[n].1 - pauses[n].0).sum();
        assert_eq!(outage.without_ack, ms(1_150 + others), "every pause in it");
    }
}

#[test]
fn the_last_write_before_an_outage_is_known_however_long_ago_it_was() {
    // One write every ten seconds; the clock remembers three.
    let outage = History::of(2)
        .acks(1, 10_000, 0..=20_000)
        .acks(2, 10_000, 5_000..=15_000)
        .idle_cut(1, 24_000)
        .ack(2, 25_000)
        .ack(2, 35_000)
        .back(1, 40_000)
        .end(41_000)
        .play(1_000)
        .outage();
    assert_eq!(outage.began, ms(24_000));
    assert_eq!((outage.duration, outage.last_ack), (ms(10_000), Some(ms(20_000))));
    assert_eq!((outage.partial, outage.first_ack), (true, Some(ms(40_000))));
    let outage = History::of(2)
        .acks(1, 10_000, 0..=20_000)
        .stalled(1, 24_000, 25_000)
        .ack(2, 27_000)
        .ack(1, 27_040)
        .end(28_000)
        .play(1_000)
        .outage();
    assert_eq!(outage.last_ack, Some(ms(20_000)));
}

#[test]
fn two_outages_directly_after_each_other_are_two() {
    let played = History::of(1)
        .acks(1, 100, 0..=9_900)
        .cut(1, 10_000, 10_001)
        .attempt(1, 10_001, 10_002, Class::Refused)
        .back(1, 11_000)
        .cut(1, 11_002, 11_003)
        .attempt(1, 11_003, 11_004, Class::NoBackend)
        .back(1, 12_000)
        .end(12_010)
        .play(TIMEOUT);
    let outages = played.outages();
    assert_eq!(outages.iter().map(|outage| outage.n).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((outages[0].began, outages[0].duration), (ms(10_000), ms(1_000)));
    assert_eq!((outages[1].began, outages[1].duration), (ms(11_002), ms(998)));
    assert_eq!((outages[1].last_ack, outages[1].first_ack), (Some(ms(11_000)), Some(ms(12_000))));
    assert_eq!(outages[0].errors, errors(&[(Class::ConnectionLost, 1), (Class::Refused, 1)]));
    assert_eq!(outages[1].errors, errors(&[(Class::ConnectionLost, 1), (Class::NoBackend, 1)]));
    assert_eq!(played.sightings().len(), 2);
}

#[test]
fn a_writer_that_was_down_all_the_time_keeps_the_outage_open() {
    // Writer 1 is back for a moment; writer 2 never was, so that it is one outage.
    let outage = History::of(2)
        .acks(1, 100, 0..=9_900)
        .acks(2, 100, 0..=9_900)
        .cut(1, 10_000, 10_001)
        .cut(2, 10_000, 10_002)
        .back(1, 11_000)
        .cut(1, 11_100, 11_101)
        .back(1, 14_000)
        .back(2, 14_010)
        .end(15_000)
        .play(TIMEOUT)
        .outage();
    assert_eq!((outage.began, outage.degraded), (ms(10_000), ms(4_010)));
    assert_eq!((outage.duration, outage.first_ack), (ms(3_000), Some(ms(14_000))));
}

#[test]
fn the_resolution_is_the_time_since_the_last_failed_attempt_began() {
    let before = || History::of(2).acks(1, 100, 0..=9_900).acks(2, 100, 0..=9_900);
    let cut = || before().cut(1, 10_000, 10_001).cut(2, 10_000, 10_001);
    // The last failure before the first write counts; a hanging attempt of the other writer proves nothing.
    let outage = cut()
        .attempt(1, 11_000, 11_001, Class::Refused)
        .attempt(2, 11_400, 11_401, Class::Refused)
        .attempt(2, 11_900, 14_900, Class::Timeout)
        .back(1, 12_000)
        .acks(1, 100, 12_100..=15_000)
        .back(2, 15_000)
        .end(16_000)
        .play(TIMEOUT)
        .outage();
    assert_eq!((outage.first_ack, outage.resolution), (Some(ms(12_000)), ms(600)));
    // No attempt failed: the failure of the write itself, which was sent when the outage began.
    let outage = cut().back(1, 10_300).back(2, 10_300).end(11_000).play(TIMEOUT).outage();
    assert_eq!(outage.resolution, ms(300));
    // An attempt that hung until just before: as coarse as its length.
    let outage = cut()
        .attempt(1, 10_001, 13_001, Class::Timeout)
        .back(1, 13_050)
        .back(2, 13_050)
        .end(14_000)
        .play(TIMEOUT)
        .outage();
    assert_eq!(outage.resolution, ms(3_049));
}

#[test]
fn the_phases_are_those_of_whoever_got_there_first() {
    let replica =
        pgchaos::model::cluster::server::Server { in_recovery: true, ..server("two", 1, 5) };
    let outage = History::of(2)
        .acks(1, 100, 0..=9_900)
        .acks(2, 100, 0..=9_900)
        .cut(1, 10_000, 10_005)
        .idle_cut(2, 10_006)
        .attempt(1, 10_010, 10_011, Class::Refused)
        .attempt_accepted(2, (10_500, 10_502, 10_503), Class::NoBackend, None)
        .attempt_accepted(1, (11_000, 11_002, 11_010), Class::ReadOnly, Some(&replica))
        .connected(2, (12_000, 12_003, 12_006), &first())
        .ack(2, 12_010)
        .connected(1, (12_300, 12_303, 12_306), &first())
        .ack(1, 12_310)
        .end(13_000)
        .play(TIMEOUT)
        .outage();
    let expected = phases([
        Some(5),
        Some(1_010),
        Some(502),
        Some(1_002),
        Some(2_006),
        Some(2_010),
        Some(2_310),
    ]);
    // Of the session that could write, not of the first that was accepted.
    assert_eq!(outage.phases, Phases { writable_accepted: Some(ms(2_000)), ..expected });
    assert_eq!(outage.attempts, 5);
}

#[test]
fn the_full_rate_is_told_when_it_is_back_not_when_the_first_write_is() {
    let base = || {
        History::of(1)
            .acks(1, 10, 0..=9_990)
            .cut(1, 10_000, 10_001)
            .attempt(1, 10_900, 10_901, Class::Refused)
            .back(1, 11_000)
    };
    // A third of the rate for four seconds, then all of it.
    let played =
        base().acks(1, 30, 11_030..=14_990).acks(1, 10, 15_000..=18_000).end(18_000).play(TIMEOUT);
    let full = played.full_rates();
    assert_eq!(full.len(), 1);
    let after = full[0].1;
    // A whole second from then on has nine tenths; tenths of a second are counted.
    assert!((ms(4_600)..=ms(5_000)).contains(&after), "{after:?}");
    // Never.
    let played = base().acks(1, 30, 11_030..=18_000).end(18_000).play(TIMEOUT);
    assert_eq!(played.full_rates(), []);
    // Told while the next outage is still far away.
    let played = base()
        .acks(1, 10, 11_010..=14_990)
        .cut(1, 15_000, 15_001)
        .back(1, 16_000)
        .acks(1, 10, 16_010..=18_000)
        .end(18_000)
        .play(TIMEOUT);
    assert_eq!(played.full_rates(), [(1, ms(1_000)), (2, ms(1_000))]);
}

#[test]
fn without_trouble_there_is_no_outage() {
    // A slow load, a pause of a minute without anything due, a batch out of order.
    let played = History::of(1)
        .acks(1, 1_000, 0..=10_000)
        .late_acks(1, &[70_000, 70_010], 70_020)
        .connected(2, (70_030, 70_031, 70_032), &first())
        .ack(2, 70_040)
        .end(80_000)
        .play(TIMEOUT);
    assert_eq!(played.outputs, []);
}

#[test]
fn a_connect_that_hangs_for_longer_than_a_write_may_is_remembered_for_as_long() {
    // Writer 1 writes all the time; writer 2's first connect, through three hosts that say nothing, takes nine seconds.
    let mut header = crate::samples::header(2);
    header.target.endpoints = "a:5432,b:5432,c:5432".to_owned();
    header.options.write_timeout = ms(500);
    let waits = u64::try_from(header.longest_wait().as_millis()).unwrap();
    // With a lookup of each, and several addresses.
    assert_eq!(waits, 4 * 9_000);
    let outage = History::of(1)
        .acks(1, 100, 0..=20_000)
        .attempt(2, 5_010, 14_010, Class::Timeout)
        .back(2, 14_400)
        .end(20_000)
        .play(waits)
        .outage();
    assert_eq!((outage.began, outage.degraded), (ms(5_010), ms(9_390)));
    assert_eq!(outage.duration, ms(100), "writer 1 never stopped");
    header.options.write_timeout = ms(40_000);
    assert_eq!(header.longest_wait(), ms(40_000));
}

/// A slow recorder, or a writer that comes late to its batch: what counts is when things happened.
#[test]
fn batches_that_are_told_late_and_in_another_order_of_writers_change_no_outage() {
    let history = || {
        let mut history = History::of(3);
        for (writer, later) in [(1, 0), (2, 4), (3, 8)] {
            let (began, back) = (10_000 + later, 12_000 + 10 * later);
            history = history
                .acks(writer, 20, later..=9_980 + later)
                .cut(writer, began, began + 20)
                .attempt(writer, began + 20, began + 22, Class::Refused)
                .back(writer, back)
                .acks(writer, 20, back + 20..=15_000);
        }
        // Silence of one writer, while the others go on.
        history.stalled(2, 15_000, 15_300).acks(2, 20, 15_600..=16_500).end(17_000)
    };
    let told_at_once = history().play(TIMEOUT).outages();
    assert_eq!(told_at_once.len(), 2);
    assert_eq!(told_at_once[0].duration, ms(2_000));
    let delays = [0, 250, 500];
    for (one, two, three) in
        [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0), (2, 2, 2)]
    {
        let delayed = [(1, delays[one]), (2, delays[two]), (3, delays[three])];
        let told_late = history().delayed(&delayed).play(TIMEOUT).outages();
        assert_eq!(told_late, told_at_once, "{delayed:?}");
    }
}

/// Two writers, of which the second is out when it is time to stop, and tries on alone.
fn stopped_with_one_out(back: Option<u64>) -> Outage {
    let history = History::of(2)
        .acks(1, 100, 0..=12_000)
        .acks(2, 100, 0..=9_900)
        .cut(2, 10_000, 10_001)
        .stopping(12_050)
        .attempt(2, 12_500, 12_501, Class::Refused);
    let history = back.into_iter().fold(history, |history, back| history.back(2, back));
    history.end(22_050).play(TIMEOUT).outage()
}

#[test]
fn a_writer_that_is_out_at_the_end_goes_on_alone_and_the_silence_of_the_others_says_nothing() {
    let never = stopped_with_one_out(None);
    assert_eq!((never.partial, never.writers_out_at_end, never.open), (true, 1, None));
    assert_eq!((never.duration, never.degraded), (ms(100), ms(12_050)));
    assert_eq!(never.first_ack, None);
    let back = stopped_with_one_out(Some(14_000));
    assert_eq!((back.partial, back.writers_out_at_end, back.open), (true, 0, None));
    assert_eq!((back.duration, back.degraded), (ms(100), ms(4_000)));
    assert_eq!(back.first_ack, Some(ms(14_000)));
}

#[test]
fn an_outage_that_is_open_at_the_end_of_the_load_goes_on_as_long_as_its_writers_do() {
    let history = |back: Option<u64>| {
        let history = History::of(2)
            .acks(1, 100, 0..=9_900)
            .acks(2, 100, 0..=9_900)
            .cut(1, 10_000, 10_001)
            .cut(2, 10_000, 10_001)
            .stopping(11_000)
            .attempt(1, 12_000, 12_001, Class::Refused)
            .attempt(2, 12_000, 12_001, Class::Refused);
        let history = back.into_iter().fold(history, |history, back| history.back(1, back));
        history.end(21_000).play(TIMEOUT).outage()
    };
    let open = history(None);
    assert_eq!((open.duration, open.open), (ms(11_000), Some(ms(11_000))));
    assert_eq!((open.first_ack, open.writers_out_at_end), (None, 2));
    // One came back and wrote, and was done: the other one is still out.
    let half = history(Some(13_000));
    assert_eq!((half.duration, half.first_ack), (ms(3_000), Some(ms(13_000))));
    assert_eq!((half.degraded, half.writers_out_at_end), (ms(11_000), 1));
}

/// Two writers are cut at 5 s; the first is back at once and writes until it is time to stop, at 10 s.
fn one_back_before_the_stop(second_back: Option<u64>, told_late: bool) -> Outage {
    let history = History::of(2)
        .acks(1, 100, 0..=4_900)
        .acks(2, 100, 0..=4_900)
        .cut(1, 5_000, 5_001)
        .cut(2, 5_000, 5_001)
        .attempt(2, 5_002, 5_003, Class::Refused);
    let history = if told_late {
        // The acknowledgement before the stop is told after it.
        history.connected(1, (9_980, 9_981, 9_982), &first()).late_acks(1, &[9_990], 10_010)
    } else {
        history.back(1, 5_100).acks(1, 100, 5_200..=10_000)
    };
    let history = history.stopping(10_000);
    let history = second_back.into_iter().fold(history, |history, back| history.back(2, back));
    history.end(20_000).play(TIMEOUT).outage()
}

#[test]
fn what_writers_that_stopped_do_not_write_is_no_outage() {
    for back in [None, Some(19_900)] {
        let outage = one_back_before_the_stop(back, false);
        assert_eq!((outage.duration, outage.first_ack), (ms(100), Some(ms(5_100))), "{back:?}");
        assert_eq!((outage.open, outage.without_ack), (None, ms(100 + 100 * 49)), "{back:?}");
        assert_eq!(outage.degraded, ms(back.unwrap_or(20_000) - 5_000));
        assert_eq!(outage.writers_out_at_end, u64::from(back.is_none()));
    }
}

#[test]
fn whether_all_were_out_at_the_stop_does_not_depend_on_when_it_is_told() {
    let outage = one_back_before_the_stop(None, true);
    assert_eq!((outage.duration, outage.first_ack), (ms(4_990), Some(ms(9_990))));
    assert_eq!((outage.open, outage.writers_out_at_end), (None, 1));
}

#[test]
fn a_stall_that_ends_for_all_is_not_partial_though_one_that_was_not_told_is_answered_first() {
    let outage = History::of(4)
        .acks(1, 100, 0..=400)
        .acks(2, 100, 0..=380)
        .acks(3, 100, 0..=390)
        .acks(4, 100, 0..=395)
        .stalled(1, 402, 1_402)
        .ack(2, 1_410)
        .ack(1, 1_412)
        .ack(3, 1_414)
        .ack(4, 1_416)
        .end(2_000)
        .play(TIMEOUT)
        .outage();
    assert!(!outage.partial, "{outage:?}");
    assert_eq!(outage.duration, ms(1_410 - 402));
}
