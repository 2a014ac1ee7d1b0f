//! What the recorder makes of hosts that were tried in vain before another one served.

use std::time::Duration;

use super::{Recorder, is_own};
use crate::model::event::{Failure, What};
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::passed_over::PassedOver;
use crate::model::seconds;
use crate::pg::sessions::connect::NotOpened;

impl Recorder {
    /// No evidence of an outage: the connect came to a session. What pgchaos itself ran out of says
    /// nothing of the host.
    pub(super) fn passed_over(
        &mut self,
        writer: Option<i32>,
        at: Duration,
        failures: Vec<NotOpened>,
        served_by: &str,
    ) {
        for NotOpened { fault, took, served_without_tls, .. } in failures {
            let what = if is_own(&fault) {
                let (in_doubt, rejected) = (SeqSet::new(), SeqSet::new());
                What::Fault(Failure { writer, fault, in_doubt, rejected })
            } else {
                let (took, served_by) = (seconds::whole(took), served_by.to_owned());
                What::PassedOver(Box::new(PassedOver {
                    writer,
                    fault,
                    took,
                    served_by,
                    served_without_tls,
                }))
            };
            self.emit(at, what);
        }
    }
}
