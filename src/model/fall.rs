//! How a member stopped leading, as its own Patroni API told it: handed over, dropped, or died.
//!
//! In a switchover Patroni keeps the leader's key while it shuts PostgreSQL down, and goes on
//! answering all the time. A member that is stopped stops answering; one that loses its store
//! loses the key while PostgreSQL is still a running primary; a crash is called one.

use std::collections::BTreeMap;

use super::leadership::{Answer, Look};

/// What the old primary's Patroni tells of the end of its time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OldPrimary {
    /// It is not watched, or what was seen does not tell, or not yet.
    #[default]
    Unknown,
    /// It handed over, never stopped, and its PostgreSQL runs as a replica.
    HandedOver,
    /// It stopped, crashed or lost the key.
    Fell,
}

/// What was seen of one member since it last led with a running PostgreSQL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Fall {
    /// It kept the key while it shut PostgreSQL down.
    kept_the_key: bool,
    /// It lost the key while PostgreSQL was a running primary.
    dropped: bool,
    crashed: bool,
    gone: bool,
    silent: bool,
    /// Its PostgreSQL runs as a replica.
    replica: bool,
}

/// What was seen of every member since it last led.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Falls(BTreeMap<String, Option<Fall>>);

impl Falls {
    /// Takes a look at a member in.
    pub fn look(&mut self, member: &str, look: &Look) {
        let kept = self.0.entry(member.to_owned()).or_default();
        let status = match &look.answer {
            Answer::Status(status) if status.leads && status.state == "running" => {
                *kept = Some(Fall::default());
                return;
            }
            Answer::Status(status) => Some(status),
            _ => None,
        };
        // Who was never seen leading did not fall.
        let Some(fall) = kept else { return };
        fall.gone |= look.answer == Answer::Gone;
        fall.silent |= look.answer == Answer::Silent;
        let Some(status) = status else { return };
        let running = status.state == "running";
        fall.kept_the_key |= status.leads && status.state == "stopping";
        fall.dropped |= !status.leads && running && !status.replica;
        fall.crashed |= status.state == "crashed";
        fall.replica = running && status.replica && !status.leads;
    }

    /// What is known of the end of this member's time as the leader.
    #[must_use]
    pub fn of(&self, member: &str) -> OldPrimary {
        let Some(Some(fall)) = self.0.get(member) else { return OldPrimary::Unknown };
        if fall.gone || fall.dropped || fall.crashed {
            return OldPrimary::Fell;
        }
        // A machine that is only slow is silent too: that proves nothing.
        if fall.kept_the_key && fall.replica && !fall.silent {
            return OldPrimary::HandedOver;
        }
        OldPrimary::Unknown
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::leadership::Status;

    fn status(leads: bool, state: &str, replica: bool) -> Answer {
        let state = state.to_owned();
        Answer::Status(Status { leads, state, replica, timeline: None, unlocked: false })
    }

    fn after(answers: impl IntoIterator<Item = Answer>) -> OldPrimary {
        let mut falls = Falls::default();
        for answer in answers {
            let (asked, at) = (Duration::ZERO, Duration::ZERO);
            falls.look("patroni1", &Look { asked, at, answer });
        }
        falls.of("patroni1")
    }

    /// As Patroni 3.0.2 answered in a switchover.
    fn switchover() -> Vec<Answer> {
        vec![
            status(true, "running", false),
            status(true, "stopping", false),
            status(false, "stopping", false),
            status(false, "stopped", false),
            status(false, "starting", true),
            status(false, "running", true),
        ]
    }

    #[test]
    fn who_keeps_the_key_while_it_stops_and_stays_up_handed_over() {
        let looks = switchover();
        assert_eq!(after(looks.clone()), OldPrimary::HandedOver);
        assert_eq!(after(looks[..5].to_vec()), OldPrimary::Unknown, "not back yet");
    }

    #[test]
    fn a_patroni_that_stopped_fell_however_soon_it_is_back() {
        for place in 1..6 {
            let mut looks = switchover();
            looks.insert(place, Answer::Gone);
            assert_eq!(after(looks), OldPrimary::Fell, "gone at look {place}");
        }
    }

    #[test]
    fn silence_proves_nothing() {
        let mut looks = switchover();
        looks.insert(2, Answer::Silent);
        assert_eq!(after(looks), OldPrimary::Unknown);
        assert_eq!(after([Answer::Silent]), OldPrimary::Unknown);
    }

    /// As Patroni 3.0.2 answered when etcd lost its quorum, and after a SIGKILL of the postmaster.
    #[test]
    fn a_lost_key_and_a_crash_are_no_switchover() {
        let dropped = [
            status(true, "running", false),
            status(false, "running", false),
            status(false, "stopping", false),
            status(false, "running", true),
        ];
        assert_eq!(after(dropped), OldPrimary::Fell);
        let crashed = [
            status(true, "running", false),
            status(true, "unknown", false),
            status(true, "crashed", false),
            status(false, "running", true),
        ];
        assert_eq!(after(crashed), OldPrimary::Fell);
    }

    #[test]
    fn leading_again_begins_anew_and_a_replica_never_fell() {
        let mut looks = vec![status(true, "running", false), Answer::Gone];
        looks.extend(switchover());
        assert_eq!(after(looks), OldPrimary::HandedOver);
        assert_eq!(after([status(false, "running", true), Answer::Gone]), OldPrimary::Unknown);
    }
}
