//! What each member is, by its own Patroni API: its role, state and timeline over time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::cluster::leadership::{Look, LookAnswer, MemberRole, Status};
use crate::model::foreign;
use crate::model::seconds;

/// Looks in a row without an answer before a member is told to give none: one answer can come late
/// on a busy machine.
pub const SILENT_BEFORE_TOLD: u32 = 2;

/// What a member is, by its own API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberChange {
    /// Its name, or the URL of its API where it tells none.
    #[serde(deserialize_with = "foreign::read_name")]
    pub member: String,
    /// When the last look was asked that saw it otherwise, since the start of the run: the change came after that.
    /// `None` at the first look.
    #[serde(
        rename = "not_before_s",
        default,
        with = "seconds::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub not_before: Option<Duration>,
    /// What it is.
    #[serde(flatten)]
    pub is: MemberState,
}

/// What a member can be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum MemberState {
    /// PostgreSQL runs and takes writes.
    Primary {
        /// Its timeline.
        timeline: Option<u32>,
    },
    /// PostgreSQL runs in recovery: a replica, or the leader of a standby cluster.
    Replica {
        /// The timeline that it replays.
        timeline: Option<u32>,
    },
    /// Patroni answers, and PostgreSQL does not run as a primary or a replica.
    NotRunning {
        /// Patroni's word for its state (`starting`, `stopped`, `crashed`, …), or for its role where it runs and is
        /// neither (`demoted`, …).
        #[serde(deserialize_with = "foreign::read_name")]
        word: String,
    },
    /// The connect to the API was refused, or the connection broke: Patroni does not run there.
    Gone,
    /// The API gives no answer in time, or none of Patroni's (an error's status, another member's word).
    Silent,
}

/// The members, and what each was found to be last.
#[derive(Debug, Default)]
pub struct MemberStates {
    last: BTreeMap<String, Known>,
}

#[derive(Debug, Default)]
struct Known {
    state: Option<MemberState>,
    /// When the last look was asked that found it so.
    asked: Option<Duration>,
    /// Looks in a row without an answer.
    silent: u32,
}

impl MemberStates {
    /// Takes a look in; what the member is now, at the first look and when that has changed.
    pub fn look(&mut self, member: &str, look: &Look) -> Option<MemberChange> {
        let known = self.last.entry(member.to_owned()).or_default();
        known.silent = match look.answer {
            LookAnswer::Silent => known.silent.saturating_add(1),
            LookAnswer::Status(_) | LookAnswer::Gone => 0,
        };
        let state = match &look.answer {
            LookAnswer::Status(status) => state(status),
            LookAnswer::Gone => MemberState::Gone,
            LookAnswer::Silent if known.silent < SILENT_BEFORE_TOLD => return None,
            LookAnswer::Silent => MemberState::Silent,
        };
        let not_before = known.asked.replace(look.asked);
        if known.state.as_ref() == Some(&state) {
            return None;
        }
        known.state = Some(state.clone());
        Some(MemberChange { member: member.to_owned(), not_before, is: state })
    }
}

fn state(status: &Status) -> MemberState {
    let timeline = status.timeline;
    // `running` of every version; `streaming` and `in archive recovery` of replicas since Patroni 3.1.
    let runs = matches!(status.state.as_str(), "running" | "streaming" | "in archive recovery");
    let word = match &status.role {
        _ if !runs => status.state.clone(),
        MemberRole::Primary => return MemberState::Primary { timeline },
        MemberRole::Replica | MemberRole::StandbyLeader => {
            return MemberState::Replica { timeline };
        }
        // `running` would say that all is well.
        MemberRole::Demoted => "demoted".to_owned(),
        MemberRole::Other(word) => word.clone(),
    };
    MemberState::NotRunning { word }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cluster::leadership::KeyWord;

    fn status(state: &str, replica: bool, timeline: Option<u32>) -> LookAnswer {
        LookAnswer::Status(Status {
            leads: !replica,
            state: state.to_owned(),
            role: if replica { MemberRole::Replica } else { MemberRole::Primary },
            timeline,
            key: KeyWord::Held,
            store_seen: None,
        })
    }

    fn seen(answers: impl IntoIterator<Item = LookAnswer>) -> Vec<Option<MemberState>> {
        let mut states = MemberStates::default();
        let look = |answer| Look { asked: Duration::ZERO, at: Duration::ZERO, answer };
        let told = |answer| states.look("patroni1", &look(answer)).map(|seen| seen.is);
        answers.into_iter().map(told).collect()
    }

    #[test]
    fn a_change_is_told_once() {
        use MemberState::{Gone, NotRunning, Primary, Replica};
        let starting = "starting".to_owned();
        assert_eq!(
            seen([
                status("running", false, Some(1)),
                status("running", false, Some(1)),
                LookAnswer::Gone,
                LookAnswer::Gone,
                status("starting", true, None),
                status("streaming", true, Some(2)),
                status("running", true, Some(2)),
                status("running", false, Some(3)),
            ]),
            [
                Some(Primary { timeline: Some(1) }),
                None,
                Some(Gone),
                None,
                Some(NotRunning { word: starting }),
                Some(Replica { timeline: Some(2) }),
                None,
                Some(Primary { timeline: Some(3) }),
            ]
        );
    }

    #[test]
    fn only_a_primary_is_told_as_one() {
        let told = |word: &str, role| {
            let LookAnswer::Status(status) = status(word, false, Some(3)) else { unreachable!() };
            state(&Status { role, ..status })
        };
        let timeline = Some(3);
        assert_eq!(told("running", MemberRole::Primary), MemberState::Primary { timeline });
        for word in ["running", "streaming", "in archive recovery"] {
            assert_eq!(told(word, MemberRole::StandbyLeader), MemberState::Replica { timeline });
        }
        let not_running = |word: &str| MemberState::NotRunning { word: word.to_owned() };
        assert_eq!(told("running", MemberRole::Demoted), not_running("demoted"));
        let unknown = || MemberRole::Other("uninitialized".to_owned());
        assert_eq!(told("running", unknown()), not_running("uninitialized"));
        assert_eq!(told("starting", unknown()), not_running("starting"));
        assert_eq!(told("stopped", MemberRole::Primary), not_running("stopped"));
    }

    #[test]
    fn one_late_answer_is_no_silence() {
        let primary = || status("running", false, Some(1));
        let told = seen([
            primary(),
            LookAnswer::Silent,
            primary(),
            LookAnswer::Silent,
            LookAnswer::Silent,
            primary(),
        ]);
        let told: Vec<bool> = told.iter().map(Option::is_some).collect();
        assert_eq!(told, [true, false, false, false, true, true]);
    }

    #[test]
    fn a_line_of_a_record_is_flat() {
        let is = MemberState::Primary { timeline: Some(4) };
        let seen = MemberChange { member: "patroni1".to_owned(), not_before: None, is };
        let line = serde_json::to_string(&seen).unwrap();
        assert_eq!(line, r#"{"member":"patroni1","state":"primary","timeline":4}"#);
        assert_eq!(serde_json::from_str::<MemberChange>(&line).unwrap(), seen);
    }
}
