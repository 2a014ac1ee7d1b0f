//! How a member stopped leading, as its own Patroni API told it: handed over, dropped, or died.
//!
//! In a switchover Patroni shuts PostgreSQL down, releases the leader key, and leaves the other
//! members two seconds to take it before it goes on as a replica. It answers all the time, and
//! reports itself as demoted during these seconds. A leader that loses the DCS has no key to
//! release and goes on at once. A stopped member stops answering, and a crash is reported as one.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::cluster::leadership::{Look, LookAnswer, MemberRole};

/// Between the first look that found it demoted and the last one, at least: a shorter time can be a passing state,
/// and a handover always takes longer.
const DEMOTED_FOR: Duration = Duration::from_millis(250);

/// Two looks in a row that take longer than this together leave a gap. It is half the time that
/// Patroni waits in a handover, so that two looks fall into it.
const GAP: Duration = Duration::from_secs(1);

/// What the old primary's Patroni tells of the end of its time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OldPrimary {
    /// It is not watched, or what was seen does not tell, or not yet.
    #[default]
    Unknown,
    /// There was no gap and no sign of a handover so far, and its next state is not seen yet.
    Unsettled,
    /// It handed over, never stopped, and its PostgreSQL runs as a replica.
    HandedOver,
    /// It stopped, crashed or lost the key.
    Fell,
}

/// What was seen of one member since it last led with a running PostgreSQL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct LastTerm {
    /// When the last look was asked.
    asked: Duration,
    /// When the first look was asked that found it demoted, and the last one.
    demoted: Option<(Duration, Duration)>,
    /// It lost the key while PostgreSQL was a running primary.
    dropped: bool,
    crashed: bool,
    gone: bool,
    /// It did not answer, or was not asked, for a while.
    unseen: bool,
    /// Its PostgreSQL runs as a replica.
    replica: bool,
}

/// What was seen of every member since it last led.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OldPrimaries(BTreeMap<String, MemberSeen>);

/// What is kept of one member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct MemberSeen {
    /// Since it last led; `None` when it was never seen leading.
    fall: Option<LastTerm>,
    /// When it last answered that it does not lead, unless it had crashed or was gone.
    gave_up: Option<Duration>,
}

impl OldPrimaries {
    /// Adds a look at a member.
    pub fn look(&mut self, member: &str, look: &Look) {
        let MemberSeen { fall: kept, gave_up } = self.0.entry(member.to_owned()).or_default();
        let status = match &look.answer {
            LookAnswer::Status(status) if status.leads && status.state == "running" => {
                *kept = Some(LastTerm { asked: look.asked, ..LastTerm::default() });
                return;
            }
            LookAnswer::Status(status) => Some(status),
            _ => None,
        };
        // A member that was never seen leading has no last term, and one that became a replica has
        // ended it: later looks are not part of it.
        let Some(fall) = kept.as_mut().filter(|fall| !fall.replica) else { return };
        fall.gone |= look.answer == LookAnswer::Gone;
        fall.unseen |= look.answer == LookAnswer::Silent || look.at > fall.asked + GAP;
        fall.asked = look.asked;
        let Some(status) = status else { return };
        let running = status.state == "running";
        if status.role == MemberRole::Demoted && !status.leads {
            let (first, _) = fall.demoted.unwrap_or((look.asked, look.asked));
            fall.demoted = Some((first, look.asked));
        }
        fall.dropped |= !status.leads && running && status.role == MemberRole::Primary;
        // One that starts with the key has crashed. Patroni gives it up as in a handover where the start takes too long.
        let starts_anew = status.leads && status.state == "starting";
        fall.crashed |= status.state == "crashed" || starts_anew;
        if !status.leads && !fall.crashed && !fall.gone {
            *gave_up = Some(look.asked);
        }
        fall.replica = running && status.role == MemberRole::Replica && !status.leads;
    }

    /// Whether this member gave up or lost the leader's lock since then, perhaps to get it again.
    #[must_use]
    pub fn gave_up_since(&self, member: &str, since: Duration) -> bool {
        self.0.get(member).and_then(|seen| seen.gave_up).is_some_and(|at| at >= since)
    }

    /// What is known of the end of this member's time as the leader.
    #[must_use]
    pub fn of(&self, member: &str) -> OldPrimary {
        let Some(MemberSeen { fall: Some(fall), .. }) = self.0.get(member) else {
            return OldPrimary::Unknown;
        };
        if fall.gone || fall.dropped || fall.crashed {
            return OldPrimary::Fell;
        }
        let long = fall.demoted.is_some_and(|(first, last)| last >= first + DEMOTED_FOR);
        match (long, fall.replica) {
            // A machine that is only slow is silent too: that proves nothing.
            _ if fall.unseen => OldPrimary::Unknown,
            (true, true) => OldPrimary::HandedOver,
            (true, false) => OldPrimary::Unknown,
            (false, true) => OldPrimary::Fell,
            (false, false) => OldPrimary::Unsettled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cluster::leadership::{KeyWord, Status};

    fn status(leads: bool, state: &str, role: &str) -> LookAnswer {
        LookAnswer::Status(Status {
            leads,
            state: state.to_owned(),
            role: match role {
                "replica" => MemberRole::Replica,
                "demoted" => MemberRole::Demoted,
                _ => MemberRole::Primary,
            },
            timeline: None,
            key: KeyWord::Held,
            store_seen: None,
        })
    }

    /// A look every 250 ms.
    fn after(answers: impl IntoIterator<Item = LookAnswer>) -> OldPrimary {
        let mut falls = OldPrimaries::default();
        for (n, answer) in (0_u64..).zip(answers) {
            let asked = Duration::from_millis(250 * n);
            falls.look("patroni1", &Look { asked, at: asked, answer });
        }
        falls.of("patroni1")
    }

    /// As Patroni 3.0.2 answered in a switchover.
    fn switchover() -> Vec<LookAnswer> {
        vec![
            status(true, "running", "master"),
            status(true, "stopping", "master"),
            status(false, "stopping", "demoted"),
            status(false, "stopped", "demoted"),
            status(false, "stopped", "demoted"),
            status(false, "starting", "replica"),
            status(false, "running", "replica"),
        ]
    }

    #[test]
    fn who_is_demoted_for_a_while_and_stays_up_handed_over() {
        let looks = switchover();
        assert_eq!(after(looks.clone()), OldPrimary::HandedOver);
        assert_eq!(after(looks[..6].to_vec()), OldPrimary::Unknown, "not back yet");
    }

    #[test]
    fn a_patroni_that_stopped_fell_however_soon_it_is_back() {
        for place in 1..7 {
            let mut looks = switchover();
            looks.insert(place, LookAnswer::Gone);
            assert_eq!(after(looks), OldPrimary::Fell, "gone at look {place}");
        }
        let mut looks = switchover();
        looks.push(LookAnswer::Gone);
        assert_eq!(after(looks), OldPrimary::HandedOver, "what comes later is another matter");
    }

    /// As Patroni does where a start takes longer than `primary_start_timeout` (`demote('immediate')` in its `ha.py`).
    #[test]
    fn a_server_that_is_given_up_while_it_starts_fell() {
        let mut looks = switchover();
        looks
            .splice(1..2, [status(true, "starting", "master"), status(true, "stopping", "master")]);
        assert_eq!(after(looks), OldPrimary::Fell);
    }

    #[test]
    fn silence_proves_nothing() {
        let mut looks = switchover();
        looks.insert(2, LookAnswer::Silent);
        assert_eq!(after(looks), OldPrimary::Unknown);
        assert_eq!(after([LookAnswer::Silent]), OldPrimary::Unknown);

        let mut falls = OldPrimaries::default();
        let late =
            [(0, status(true, "running", "master")), (3, status(false, "running", "replica"))];
        for (at_s, answer) in late {
            let at = Duration::from_secs(at_s);
            falls.look("patroni1", &Look { asked: at, at, answer });
        }
        assert_eq!(falls.of("patroni1"), OldPrimary::Unknown, "not looked at for three seconds");
    }

    /// As Patroni 3.0.2 answered when etcd lost its quorum: twice, with the key's time run out
    /// before PostgreSQL stopped, and after that.
    #[test]
    fn who_lost_the_store_is_no_replica_by_choice() {
        let dropped = [
            status(true, "running", "master"),
            status(false, "running", "master"),
            status(false, "stopping", "master"),
            status(false, "running", "replica"),
        ];
        assert_eq!(after(dropped), OldPrimary::Fell);
        let in_time = |passing: &[LookAnswer]| {
            let mut looks =
                vec![status(true, "running", "master"), status(true, "stopping", "master")];
            looks.extend_from_slice(passing);
            looks.push(status(false, "starting", "replica"));
            looks.push(status(false, "running", "replica"));
            after(looks)
        };
        assert_eq!(in_time(&[]), OldPrimary::Fell);
        let passing = status(false, "stopped", "demoted");
        assert_eq!(in_time(&[passing]), OldPrimary::Fell, "who hands over stays so for longer");
    }

    /// Others may see it stream before its Patroni calls it a replica.
    #[test]
    fn who_is_not_back_yet_and_was_not_demoted_for_long_may_still_have_fallen() {
        let mut looks = vec![status(true, "running", "master")];
        assert_eq!(after(looks.clone()), OldPrimary::Unsettled);
        looks.push(status(false, "stopped", "demoted"));
        assert_eq!(after(looks.clone()), OldPrimary::Unsettled);
        looks.push(status(false, "starting", "replica"));
        assert_eq!(after(looks.clone()), OldPrimary::Unsettled);
        looks.push(status(false, "running", "replica"));
        assert_eq!(after(looks), OldPrimary::Fell);
    }

    /// Looks that take long may step over what lasts two seconds.
    #[test]
    fn looks_that_are_slow_may_have_missed_a_handover() {
        let mut falls = OldPrimaries::default();
        let looks = [
            (0, 10, status(true, "running", "master")),
            (250, 300, status(true, "stopping", "master")),
            (500, 1300, status(false, "stopped", "demoted")),
            (1300, 2250, status(false, "starting", "replica")),
            (2250, 2300, status(false, "running", "replica")),
        ];
        for (asked_ms, at_ms, answer) in looks {
            let (asked, at) = (Duration::from_millis(asked_ms), Duration::from_millis(at_ms));
            falls.look("patroni1", &Look { asked, at, answer });
        }
        assert_eq!(falls.of("patroni1"), OldPrimary::Unknown);
    }

    /// As Patroni 3.0.2 answered after a SIGKILL of the postmaster.
    #[test]
    fn a_crash_is_no_switchover() {
        let crashed = [
            status(true, "running", "master"),
            status(true, "unknown", "master"),
            status(true, "crashed", "master"),
            status(false, "running", "replica"),
        ];
        assert_eq!(after(crashed), OldPrimary::Fell);
    }

    #[test]
    fn one_that_leads_again_gave_up_unless_it_crashed_or_was_stopped() {
        let gave_up = |looks: &[LookAnswer]| {
            let mut falls = OldPrimaries::default();
            for (n, answer) in (0_u64..).zip(looks) {
                let asked = Duration::from_millis(250 * n);
                falls.look("patroni1", &Look { asked, at: asked, answer: answer.clone() });
            }
            falls.gave_up_since("patroni1", Duration::from_millis(250))
        };
        let leads = || status(true, "running", "master");
        // As Patroni 3.0.2 answered when etcd lost its quorum, and got it again.
        let lost = [status(false, "running", "master"), status(false, "running", "replica")];
        assert!(gave_up(&[&[leads()], &lost[..], &[leads()]].concat()));
        let crashed = [status(true, "crashed", "master"), status(false, "running", "replica")];
        assert!(!gave_up(&[&[leads()], &crashed[..], &[leads()]].concat()));
        let stopped = [LookAnswer::Gone, status(false, "starting", "replica")];
        assert!(!gave_up(&[&[leads()], &stopped[..], &[leads()]].concat()));
        assert!(!gave_up(&[leads(), leads()]));
        assert!(!gave_up(&[&lost[..], &[leads(), leads()]].concat()), "it never led before");
    }

    #[test]
    fn leading_again_begins_anew_and_a_replica_never_fell() {
        let mut looks = vec![status(true, "running", "master"), LookAnswer::Gone];
        looks.extend(switchover());
        assert_eq!(after(looks), OldPrimary::HandedOver);
        assert_eq!(
            after([status(false, "running", "replica"), LookAnswer::Gone]),
            OldPrimary::Unknown
        );
    }
}
