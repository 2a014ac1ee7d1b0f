//! A writer's steps as literal histories: what comes to it, and what it does then.

mod history;
mod properties;

use std::time::Duration;

use history::{History, ms, options, refusal};

use super::input::{RefusalOf, WriterInput};
use crate::model::fault::{Class, Fault, Phase};
use crate::model::load::options::{LoadOptions, Rate};

const ACKNOWLEDGED: WriterInput<'static> = WriterInput::Acknowledged { id: None, locally: false };

fn refused(code: &str) -> WriterInput<'static> {
    WriterInput::Refused { fault: refusal(code), of: RefusalOf::Sqlstate }
}

fn lost() -> WriterInput<'static> {
    let class = Class::ConnectionLost;
    WriterInput::SessionEnded(Fault { class, sqlstate: None, ..refusal("57P01") })
}

fn at_rate(per_second: f64) -> LoadOptions {
    LoadOptions { rate: Rate::PerSecond(per_second), pipeline: 1, ..options() }
}

#[test]
fn the_first_acknowledgement_is_told_at_once_and_those_after_it_in_a_batch() {
    let mut history = History::opened(options());
    assert_eq!(history.turn(0), ["send 1"], "one write, as long as the session is not proven");
    assert_eq!(history.gives(1, ACKNOWLEDGED), ["no look", "works", "tell 1 of 1, 1 acknowledged"]);
    assert_eq!(history.turn(1), ["send 2", "send 3", "send 4"]);
    assert_eq!(history.gives(2, ACKNOWLEDGED), ["works"]);
    assert_eq!(history.gives(2, ACKNOWLEDGED), ["works"]);
    assert_eq!(history.turn(2), ["send 5", "send 6"], "half of the pipeline is answered");
    assert_eq!(history.gives(21, WriterInput::Time), [""; 0]);
    assert_eq!(history.gives(22, WriterInput::Time), ["tell 3 of 6, 2 acknowledged"]);
}

#[test]
fn what_is_in_flight_when_a_session_ends_is_in_doubt_with_its_trouble() {
    let mut history = History::writing(options());
    history.gives(2, ACKNOWLEDGED);
    let left = [
        "leave",
        "no look",
        "tell 4 of 4, 1 acknowledged, [3, 4] in doubt, failed since 2 ms",
        "reconnect",
    ];
    assert_eq!(history.gives(10, lost()), left);
    assert_eq!(history.turn(11), [""; 0], "nothing is sent without a session");
    history.gives(20, WriterInput::Opened { since: ms(20), pooled: false });
    assert_eq!(history.turn(20), ["send 5"]);
    let ends = ["no look", "works", "tell 5 of 5, 1 acknowledged"];
    assert_eq!(history.gives(21, ACKNOWLEDGED), ends);
}

#[test]
fn what_is_refused_in_an_outage_is_told_before_its_end() {
    let mut history = History::writing(options());
    let out = ["tell 2 of 4, [2] rejected, failed since 1 ms"];
    assert_eq!(history.gives(2, refused("25006")), out);
    assert_eq!(history.gives(3, refused("P0001")), [""; 0], "it is told that it is out");
    let before_its_end = ["tell 3 of 4, [3] rejected", "works", "tell 4 of 4, 1 acknowledged"];
    assert_eq!(history.gives(4, ACKNOWLEDGED), before_its_end);
    let leaves = ["tell 4 of 4", "close", "reconnect"];
    assert_eq!(history.turn(4), leaves, "a session that takes no write is left");
}

#[test]
fn a_write_without_a_row_is_in_doubt_and_the_session_is_left_once_all_is_answered() {
    let mut history = History::writing(options());
    let told = ["tell 2 of 4, [2] in doubt, failed since 1 ms"];
    assert_eq!(history.gives(2, WriterInput::NoRow(refusal("P0001"))), told);
    assert_eq!(history.turn(2), [""; 0]);
    history.gives(3, ACKNOWLEDGED);
    history.gives(3, ACKNOWLEDGED);
    assert_eq!(history.turn(3), ["tell 4 of 4, 1 acknowledged", "close", "reconnect"]);
}

#[test]
fn an_answer_that_proves_nothing_leaves_its_write_in_doubt_with_the_others() {
    let mut history = History::writing(options());
    let left = [
        "leave, ended",
        "no look",
        "tell 4 of 4, [2, 3, 4] in doubt, failed since 1 ms",
        "reconnect",
    ];
    assert_eq!(history.gives(2, WriterInput::Unproven(refusal("57P01"))), left);
}

#[test]
fn a_silence_is_told_once_and_its_end_by_an_acknowledgement() {
    let mut history = History::writing(options());
    assert_eq!(history.gives(1000, WriterInput::Time), [""; 0]);
    let stalled = ["look", "tell 1 of 4, stalled at 2 since 1 ms"];
    assert_eq!(history.gives(1001, WriterInput::Time), stalled);
    assert_eq!(history.gives(2500, WriterInput::Time), [""; 0]);
    let ends = ["no look", "works", "tell 2 of 4, 1 acknowledged"];
    assert_eq!(history.gives(2600, ACKNOWLEDGED), ends);
}

#[test]
fn a_request_that_is_late_is_given_up_with_the_fault_of_its_deadline() {
    let mut history = History::writing(options());
    history.gives(1001, WriterInput::Time);
    let asks = ["give up a write after 5000 ms"];
    assert_eq!(history.gives(5001, WriterInput::Time), asks);
    let fault = Fault { class: Class::Timeout, sqlstate: None, ..refusal("57P01") };
    let left = ["leave", "look", "tell 4 of 4, [2, 3, 4] in doubt, failed since 1 ms", "reconnect"];
    assert_eq!(history.gives(5001, WriterInput::TimedOut(fault)), left);
}

#[test]
fn a_silence_that_an_own_pause_was_part_of_begins_anew() {
    let mut history = History::writing(options());
    assert_eq!(history.gives(9000, WriterInput::Time), [""; 0], "far too late an alarm");
    assert_eq!(history.gives(9999, WriterInput::Time), [""; 0]);
    assert_eq!(
        history.gives(10_000, WriterInput::Time),
        ["give up a write after 9999 ms"],
        "a second after the pause"
    );
}

#[test]
fn a_writer_that_is_not_out_only_waits_for_its_answers_once_it_is_time_to_stop() {
    let mut history = History::writing(options());
    history.gives(2, WriterInput::Stop { since: ms(2) });
    assert_eq!(history.turn(2), [""; 0]);
    for _ in 0..3 {
        history.gives(3, ACKNOWLEDGED);
    }
    let ends = ["tell 4 of 4, 3 acknowledged", "wait for others", "close", "done"];
    assert_eq!(history.turn(3), ends);
}

#[test]
fn a_request_has_ten_seconds_once_it_is_time_to_stop() {
    let hour = LoadOptions { write_timeout: ms(3_600_000), ..options() };
    let mut history = History::writing(hour);
    history.gives(2, WriterInput::Stop { since: ms(2) });
    history.gives(1001, WriterInput::Time);
    assert_eq!(history.gives(10_001, WriterInput::Time), [""; 0]);
    let asks = ["give up a write after 10001 ms, at the end"];
    assert_eq!(history.gives(10_002, WriterInput::Time), asks);
}

#[test]
fn a_writer_that_is_out_tries_a_write_at_a_time_until_one_is_acknowledged() {
    let mut history = History::writing(options());
    for (at, code) in [(2, "P0001"), (3, "P0001"), (1500, "P0001")] {
        history.gives(at, refused(code));
    }
    history.gives(1500, WriterInput::Stop { since: ms(1500) });
    assert_eq!(history.turn(1500), ["send 5"]);
    history.gives(1510, refused("P0001"));
    assert_eq!(history.turn(1510), [""; 0], "not at once");
    assert_eq!(history.turn(1600), ["send 6"]);
    let ends = ["tell 5 of 6, [5] rejected", "works", "tell 6 of 6, 1 acknowledged"];
    assert_eq!(history.gives(1601, ACKNOWLEDGED), ends);
    assert_eq!(history.turn(1601), ["tell 6 of 6", "wait for others", "close", "done"]);
}

#[test]
fn a_writer_that_is_out_ends_once_the_limits_are_decided_or_after_ten_seconds() {
    for (at, decided) in [(2100, true), (11_999, false), (12_000, true)] {
        let mut history = History::writing(options());
        for (at, code) in [(2, "P0001"), (3, "P0001"), (1500, "P0001")] {
            history.gives(at, refused(code));
        }
        history.gives(2000, WriterInput::Stop { since: ms(2000) });
        if at == 2100 {
            history.gives(at, WriterInput::Decided);
        }
        let ends = history.turn(at).contains(&"done".to_owned());
        assert_eq!(ends, decided, "at {at} ms");
    }
}

#[test]
fn a_run_that_is_stopped_at_once_leaves_what_is_in_flight_in_doubt() {
    let mut history = History::writing(options());
    let told = ["tell 4 of 4, [2, 3, 4] in doubt, given up", "done"];
    assert_eq!(history.gives(2, WriterInput::StopNow), told);
    assert_eq!(history.turn(3), [""; 0]);
    let mut idle = History::writing(at_rate(1.0));
    assert_eq!(idle.gives(2, WriterInput::StopNow), ["tell 1 of 1", "done"]);
}

#[test]
fn after_a_wait_without_a_session_the_first_write_goes_out_before_its_time() {
    let mut history = History::writing(at_rate(0.1));
    history.gives(5000, lost());
    history.gives(5000, WriterInput::Connecting);
    history.gives(5100, WriterInput::Opened { since: ms(5100), pooled: false });
    assert_eq!(history.turn(5100), ["send 2"]);
    history.gives(5101, ACKNOWLEDGED);
    assert_eq!(history.turn(5101), [""; 0]);
    assert_eq!(history.waits, (Duration::MAX, ms(10_000)), "for the next slot");
}

#[test]
fn a_writer_that_is_out_by_refusals_is_woken_to_try_before_its_next_slot() {
    let mut history = History::writing(at_rate(1.0));
    assert_eq!(history.turn(1000), ["send 2"]);
    assert_eq!(history.gives(1001, refused("P0001")), ["tell 2 of 2, [2] rejected"]);
    history.turn(1001);
    assert_eq!(history.waits, (Duration::MAX, ms(2000)), "a single refusal is no outage");
    assert_eq!(history.turn(2000), ["send 3"]);
    let out = ["tell 3 of 3, [3] rejected, refused since 1000 ms"];
    assert_eq!(history.gives(2001, refused("P0001")), out);
    assert_eq!(history.turn(2001), [""; 0]);
    assert_eq!(history.waits, (ms(2501), ms(3000)), "the pace of failed connects");
    history.gives(2501, WriterInput::Time);
    assert_eq!(history.turn(2501), ["send 4"]);
    assert_eq!(history.gives(2502, refused("P0001")), ["tell 4 of 4, [4] rejected"]);
    history.turn(2502);
    assert_eq!(history.waits, (ms(3002), ms(3000)));
    assert_eq!(history.turn(3000), ["send 5"], "a slot");
    history.gives(3001, refused("P0001"));
    history.turn(3001);
    history.gives(3501, WriterInput::Time);
    assert_eq!(history.turn(3501), ["send 6"]);
    let ends = ["works", "tell 6 of 6, 1 acknowledged"];
    assert_eq!(history.gives(3502, ACKNOWLEDGED), ends);
    history.turn(3502);
    assert_eq!(history.waits, (Duration::MAX, ms(4000)), "no probe once it writes");
}

#[test]
fn a_write_that_is_acknowledged_after_a_refusal_ends_the_wait_for_a_probe() {
    let mut history = History::writing(LoadOptions { pipeline: 2, ..at_rate(1.0) });
    history.turn(1000);
    history.turn(2000);
    history.gives(2900, refused("P0001"));
    assert_eq!(history.turn(3000), ["send 4"]);
    history.gives(3001, refused("P0001"));
    assert!(history.writer.is_out());
    history.gives(3002, ACKNOWLEDGED);
    assert_eq!(history.turn(3002), [""; 0]);
    assert_eq!(history.waits, (Duration::MAX, ms(4000)));
}

#[test]
fn a_wait_for_a_session_is_told_once_unless_it_is_pgchaos_own() {
    let mut history = History::new(options());
    history.gives(100, WriterInput::Connecting);
    assert_eq!(history.writer.has_patience_until(), Some(ms(1100)));
    let told = ["tell no session since 100 ms"];
    assert_eq!(history.gives(1100, WriterInput::WaitedTooLong), told);
    assert_eq!(history.writer.has_patience_until(), None);
    assert!(history.writer.is_out());

    let mut own = History::new(options());
    own.gives(100, WriterInput::Connecting);
    own.gives(200, WriterInput::Attempted { failed: false, served: false });
    assert_eq!(own.writer.has_patience_until(), None);
    assert!(!own.writer.is_out());
}

#[test]
fn without_a_session_what_came_due_is_skipped_at_the_end() {
    let mut history = History::new(at_rate(10.0));
    history.gives(0, WriterInput::Connecting);
    history.gives(950, WriterInput::Stop { since: ms(950) });
    let batch = history.gives(5000, WriterInput::EndsWithoutSession);
    assert_eq!(batch, ["tell 0 of 0, 10 skipped", "done"]);
}

#[test]
fn what_comes_due_after_the_stop_is_not_skipped_however_late_a_writer_notices_it() {
    let mut history = History::new(at_rate(10.0));
    history.gives(0, WriterInput::Connecting);
    history.gives(200, WriterInput::Attempted { failed: true, served: false });
    history.gives(5000, WriterInput::Stop { since: ms(950) });
    let batch = history.gives(5000, WriterInput::EndsWithoutSession);
    assert_eq!(batch, ["tell 0 of 0, 10 skipped", "done"]);
}

#[test]
fn ids_are_read_after_every_nth_write_and_told_after_what_is_acknowledged() {
    let mut history = History::opened(LoadOptions { read_every: 2, ..at_rate(1.0) });
    history.turn(0);
    history.gives(1, ACKNOWLEDGED);
    assert_eq!(history.turn(1000), ["send 2"]);
    let read = ["read", "works", "tell 2 of 2, 1 acknowledged"];
    assert_eq!(history.gives(1001, ACKNOWLEDGED), read);
    assert_eq!(history.writer.phase_of_answer(), Phase::Read);
    let told = ["tell 2 of 2", "tell ids [7, 6]"];
    assert_eq!(history.gives(1002, WriterInput::ReadBack(&[7, 6])), told);
}

#[test]
fn behind_a_pooler_a_session_is_left_after_a_silence() {
    let mut history = History::new(options());
    history.gives(0, WriterInput::Opened { since: ms(0), pooled: true });
    history.turn(0);
    history.gives(1000, WriterInput::Time);
    history.gives(1100, ACKNOWLEDGED);
    assert_eq!(history.turn(1100), ["tell 1 of 1", "close", "reconnect"]);
}
