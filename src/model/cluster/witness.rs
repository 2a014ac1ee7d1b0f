//! Witnesses: a slow writer to each member's own address, beside the load and outside its account.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::cluster::server::Server;
use crate::model::foreign;
use crate::model::seconds;

/// A member began to take a witness's writes, or ended to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WitnessSeen {
    /// The member's name.
    #[serde(deserialize_with = "foreign::read_name")]
    pub member: String,
    /// The run id of the witnesses' writes: not the load's.
    pub run_id: Uuid,
    /// What was seen.
    #[serde(flatten)]
    pub is: WitnessState,
}

/// What a witness can see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum WitnessState {
    /// The first write that this server acknowledged after one that it did not, or the first of all. The event's
    /// time is that of the acknowledgement.
    Takes {
        /// The server.
        server: Box<Server>,
        /// When that write was sent, since the start of the run.
        #[serde(rename = "sent_s", with = "seconds")]
        sent: Duration,
        /// When the last attempt began that failed, or found a replica: it took none before that. `None` at the
        /// first one.
        #[serde(rename = "not_before_s", default, with = "seconds::option")]
        not_before: Option<Duration>,
    },
    /// Writes are no longer acknowledged. The event's time is when that was known.
    Stopped {
        /// The last write that was: when it was acknowledged.
        #[serde(rename = "last_ack_s", with = "seconds")]
        last_ack: Duration,
        /// When the first write was sent that was not, or the session ended.
        #[serde(rename = "failed_s", with = "seconds")]
        failed: Duration,
        /// So many writes were acknowledged between.
        writes: u64,
    },
}

/// The run id of a run's witnesses: another one than the run's, and always the same for it, so that their rows are found
/// without its record.
#[must_use]
pub fn run_id_of(run_id: Uuid) -> Uuid {
    // The bits of version and variant stay.
    const OTHER: u128 = 0x7769_746e_6573_0000_0000_7365_7347_6f77;
    Uuid::from_u128(run_id.as_u128() ^ OTHER)
}

/// What one member's witness has seen so far.
#[derive(Debug, Default)]
pub struct WitnessLog {
    takes: Option<Taking>,
    /// When the last attempt began that failed, or found a replica.
    not_before: Option<Duration>,
}

/// A server that takes its writes.
#[derive(Debug)]
struct Taking {
    server: Server,
    last_ack: Duration,
    writes: u64,
}

impl WitnessLog {
    /// A write that was sent then was acknowledged by this server; what there is to tell.
    pub fn acknowledged(
        &mut self,
        server: &Server,
        sent: Duration,
        at: Duration,
    ) -> Vec<WitnessState> {
        if let Some(taking) = self.takes.as_mut().filter(|taking| taking.server.has_stayed(server))
        {
            taking.last_ack = at;
            taking.writes += 1;
            return Vec::new();
        }
        // Another server, or the same after a change, with no failed attempt between.
        let mut told: Vec<WitnessState> = self.stopped(sent).into_iter().collect();
        let not_before = self.not_before.take();
        self.takes = Some(Taking { server: server.clone(), last_ack: at, writes: 1 });
        told.push(WitnessState::Takes { server: Box::new(server.clone()), sent, not_before });
        told
    }

    /// An attempt that began then failed, or found a replica.
    pub fn failed(&mut self, began: Duration) -> Option<WitnessState> {
        let told = self.stopped(began);
        self.not_before = Some(began);
        told
    }

    fn stopped(&mut self, failed: Duration) -> Option<WitnessState> {
        let Taking { last_ack, writes, .. } = self.takes.take()?;
        Some(WitnessState::Stopped { last_ack, failed, writes })
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn server(timeline: u32) -> Server {
        Server {
            timeline: Some(timeline),
            system_identifier: Some("7".to_owned()),
            postmaster_start: DateTime::from_timestamp(5, 0),
            ..Server::default()
        }
    }

    #[test]
    fn the_witnesses_run_is_another_one_and_always_the_same() {
        let run = Uuid::from_u128(0x0d6f_7d2a_1111_4222_8333_1234_5678_9abc);
        let witness = run_id_of(run);
        assert_ne!(witness, run);
        assert_eq!(run_id_of(run), witness);
        assert_eq!(run_id_of(witness), run, "no other run's witnesses have it");
        assert_eq!((witness.get_version_num(), witness.get_variant()), (4, run.get_variant()));
    }

    #[test]
    fn beginning_and_end_are_told_and_not_each_write() {
        let mut log = WitnessLog::default();
        assert_eq!(log.failed(ms(0)), None);
        assert_eq!(log.failed(ms(200)), None);
        let takes = WitnessState::Takes {
            server: Box::new(server(1)),
            sent: ms(400),
            not_before: Some(ms(200)),
        };
        assert_eq!(log.acknowledged(&server(1), ms(400), ms(403)), [takes]);
        assert_eq!(log.acknowledged(&server(1), ms(600), ms(603)), []);
        let stopped = WitnessState::Stopped { last_ack: ms(603), failed: ms(800), writes: 2 };
        assert_eq!(log.failed(ms(800)), Some(stopped));
        assert_eq!(log.failed(ms(1_000)), None);
    }

    #[test]
    fn a_server_that_was_promoted_again_begins_anew() {
        let mut log = WitnessLog::default();
        log.acknowledged(&server(1), ms(0), ms(3));
        let told = log.acknowledged(&server(2), ms(200), ms(203));
        let stopped = WitnessState::Stopped { last_ack: ms(3), failed: ms(200), writes: 1 };
        assert_eq!(told[0], stopped);
        assert!(matches!(&told[1], WitnessState::Takes { not_before: None, .. }));
    }
}
