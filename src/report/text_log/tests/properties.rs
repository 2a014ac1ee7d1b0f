//! What holds for every message and every history.

use proptest::prelude::*;

use crate::model::event::Checked;
use crate::model::fault::{Class, Phase};
use crate::model::ledger::seq_set::SeqSet;
use crate::model::outage::stall_cause::{Blocker, StallCause, StallSeen};
use crate::report::fixtures::{
    checked, connected, event, failed, fault, patroni2, refused, written,
};
use crate::report::layout::columns;

use super::super::*;
use super::{log, told};

proptest! {
    #[test]
    fn no_message_steers_the_terminal_or_breaks_the_width(
        message in any::<String>(),
        class in proptest::sample::select(vec![Class::ConnectionLost, Class::Sql, Class::ReadOnly, Class::Starting]),
        phase in proptest::sample::select(vec![Phase::Check, Phase::Idle, Phase::Write, Phase::Read]),
        width in 40usize..120,
    ) {
        let mut log = log(2, true, Some(width));
        let foreign = Server { member: Some(message.clone()), ..patroni2() };
        let events = [
            event(1, failed(1, fault(class, phase, &message), SeqSet::new())),
            event(2, failed(2, fault(class, phase, &message), SeqSet::range(1, 3))),
            event(900, connected(1, foreign)),
            event(901, written(1, 1, &message, &message)),
            event(902, What::Warning { message: message.clone() }),
            event(903, What::StallSeen(StallSeen {
                stall_cause: Some(StallCause::Lock),
                blocked_by: Some(Blocker {
                    pid: 1,
                    name: Some(message.clone()),
                    state: Some(message.clone()),
                    own: false,
                }),
                writers: 2,
            })),
            event(903, What::Verifying { step: message.clone() }),
            event(904, What::Checked(Checked { error: Some(message), ..checked() })),
        ];
        for row in told(&mut log, &events) {
            prop_assert!(!row.contains(crate::model::foreign::is_steering), "{row:?}");
            prop_assert!(columns(&row) <= width, "{row:?}");
        }
    }

    #[test]
    fn every_failed_attempt_is_counted(gaps in proptest::collection::vec(1u64..3_000, 1..60)) {
        let mut at = 0;
        let events: Vec<Event> = gaps.iter().map(|gap| { at += gap; event(at, refused(1)) }).collect();
        let rows = told(&mut log(1, true, None), &events);
        // No pause is long enough to begin a new series: the last line has the whole count.
        let expected = match events.len() {
            1 => "REFUSED: ".to_owned(),
            count => format!("REFUSED ×{count}"),
        };
        prop_assert!(rows.last().unwrap().contains(&expected), "{rows:#?}");
    }
}
