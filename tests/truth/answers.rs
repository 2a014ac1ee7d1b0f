//! What an answer proves: the wire changes it, or cuts it off.

use crate::books::Verdict;
use crate::harness::Case;
use crate::one_server::{OneServer, SOON, run_id, wait_for_outage};
use crate::support::{Twist, wait_until};

pub(crate) const CASES: &[Case] = &[
    Case::alone("single::quiet", quiet),
    Case::alone("single::cut_after_the_write", cut_after_the_write),
    Case::alone("single::cut_before_the_write", cut_before_the_write),
    Case::alone("single::ready_in_a_transaction", || twisted(&Twist::Status(b'T'))),
    Case::alone("single::ready_in_a_failed_transaction", || twisted(&Twist::Status(b'E'))),
    Case::alone("single::tag_of_no_row", || twisted(&Twist::Tag("INSERT 0 0".to_owned()))),
    Case::alone("single::tag_of_a_rollback", || twisted(&Twist::Tag("ROLLBACK".to_owned()))),
    Case::alone("single::error_58030_after_the_commit", || twisted(&error("58030"))),
    Case::alone("single::error_xx000_after_the_commit", || twisted(&error("XX000"))),
    Case::alone("single::error_08006_after_the_commit", || twisted(&error("08006"))),
    Case::alone("single::error_40003_after_the_commit", || twisted(&error("40003"))),
    Case::alone("single::rejected_by_a_constraint", rejected_by_a_constraint),
    Case::alone("single::answered_in_place_of_the_server", answered_in_place_of_the_server),
];

fn error(sqlstate: &str) -> Twist {
    Twist::Error(sqlstate.to_owned())
}

fn quiet() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--pipeline=4"]);
    one.wait_for_writes(200);
    one.end(load, Verdict::Pass).2
}

fn cut_after_the_write() -> String {
    let one = OneServer::shared();
    let load = one.load(&[]);
    one.wait_for_writes(30);
    one.wire.cut_after_next_insert().wait(SOON);
    wait_for_outage(&load, 1);
    one.wait_for_writes(20);
    let (said, truth, line) = one.end(load, Verdict::Pass);
    assert_eq!(truth.in_doubt().len(), 1);
    assert_eq!(said.summary["verification"]["recovered"], 1);
    line
}

fn cut_before_the_write() -> String {
    let one = OneServer::shared();
    let load = one.load(&[]);
    one.wait_for_writes(30);
    one.wire.cut_before_next_insert().wait(SOON);
    wait_for_outage(&load, 1);
    one.wait_for_writes(20);
    let (said, truth, line) = one.end(load, Verdict::Pass);
    assert_eq!(truth.in_doubt().len(), 1);
    assert_eq!(said.summary["verification"]["absent"], 1);
    line
}

/// The server commits three writes, and its answers are made to say something else: none of them is proven.
fn twisted(twist: &Twist) -> String {
    let one = OneServer::shared();
    let load = one.load(&["--read-every=0"]);
    let run = run_id(&load);
    one.wait_for_writes(30);
    one.wire.twist_next(3, twist);
    let three = || one.wire.wire().sent.iter().filter(|token| token.run == run).count() >= 33;
    wait_until(SOON, "they are sent", three);
    one.wait_for_writes(20);
    let (said, truth, line) = one.end(load, Verdict::Pass);
    assert_eq!(truth.in_doubt().len(), 3, "the three are in doubt by the wire");
    assert_eq!(said.summary["verification"]["recovered"], 3);
    line
}

fn rejected_by_a_constraint() -> String {
    let one = OneServer::shared();
    let load = one.load(&[]);
    one.wait_for_writes(30);
    one.psql(
        "ALTER TABLE pgchaos.user_events ADD CONSTRAINT no_tens CHECK (seq % 10 <> 0) NOT VALID",
    );
    wait_until(SOON, "three are rejected", || one.wire.wire().rejected.len() >= 3);
    one.wait_for_writes(20);
    one.end(load, Verdict::Pass).2
}

/// A proxy that says it by itself: acknowledged, and in no table.
fn answered_in_place_of_the_server() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--read-every=0"]);
    one.wait_for_writes(30);
    one.wire.twist_next(3, &Twist::Swallow);
    one.wait_for_writes(30);
    let (_, truth, line) = one.end(load, Verdict::Fail);
    assert_eq!(truth.lost().len(), 3);
    line
}
