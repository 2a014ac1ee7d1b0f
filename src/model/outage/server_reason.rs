//! The reasons that a server gave around an outage, as far as they tell the outage's kind.

use crate::model::fault::{Class, Fault, Phase};

/// Why a server ended or refused a session or a write, by its own error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerReason {
    /// 57P01: it ended a session by an administrator's command, as a shutdown does too.
    Goodbye,
    /// 57P01 of a process that found its postmaster dead.
    PostmasterDied,
    /// 57P02: it ended its sessions as one of its processes crashed.
    Crash,
    /// 57P05, 25P03, 25P04: it ended a session by a limit of time.
    TimeLimit,
    /// 25006: it refused a write for being read-only.
    ReadOnly,
    /// 53xxx: it has no room for a session, or for what one does.
    Overloaded,
    /// 42501, 28xxx, a missing password that is asked for, a database that allows no connections.
    Denied,
    /// 57P03: it starts up, shuts down or recovers.
    NotReady,
    /// Anything else.
    Other,
}

impl ServerReason {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Goodbye,
        Self::PostmasterDied,
        Self::Crash,
        Self::TimeLimit,
        Self::ReadOnly,
        Self::Overloaded,
        Self::Denied,
        Self::NotReady,
        Self::Other,
    ];

    /// The reason in a fault. `None` when the server said nothing: 08xxx is about the
    /// way to it, and is said by poolers.
    #[must_use]
    pub fn of(fault: &Fault) -> Option<Self> {
        let Some(sqlstate) = fault.sqlstate.as_deref() else {
            return (fault.class == Class::Auth).then_some(Self::Denied);
        };
        Some(match sqlstate {
            "57P01" if fault.postmaster_died => Self::PostmasterDied,
            "57P01" => Self::Goodbye,
            "57P02" => Self::Crash,
            "57P05" | "25P03" | "25P04" => Self::TimeLimit,
            "25006" => Self::ReadOnly,
            "57P03" => Self::NotReady,
            "42501" => Self::Denied,
            // ALTER DATABASE … ALLOW_CONNECTIONS false.
            "55000" if fault.phase == Phase::Authenticate => Self::Denied,
            _ => match sqlstate.get(..2) {
                Some("08") => return None,
                Some("28") => Self::Denied,
                Some("53") => Self::Overloaded,
                _ => Self::Other,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_are_reasons() {
        use ServerReason::*;
        for (sqlstate, reason) in [
            ("57P01", Some(Goodbye)),
            ("57P02", Some(Crash)),
            ("57P05", Some(TimeLimit)),
            ("25P03", Some(TimeLimit)),
            ("25P04", Some(TimeLimit)),
            ("25006", Some(ReadOnly)),
            ("53300", Some(Overloaded)),
            ("53100", Some(Overloaded)),
            ("28000", Some(Denied)),
            ("28P01", Some(Denied)),
            ("42501", Some(Denied)),
            ("57P03", Some(NotReady)),
            ("3D000", Some(Other)),
            ("42P01", Some(Other)),
            ("57P04", Some(Other)),
            ("08006", None),
            ("08P01", None),
        ] {
            let fault = fault(Class::Sql, Phase::Write, Some(sqlstate));
            assert_eq!(ServerReason::of(&fault), reason, "{sqlstate}");
        }
    }

    #[test]
    fn what_has_no_sqlstate_is_a_reason_only_when_it_asks_for_a_password() {
        for class in Class::ALL {
            let reason = (class == Class::Auth).then_some(ServerReason::Denied);
            assert_eq!(
                ServerReason::of(&fault(class, Phase::Authenticate, None)),
                reason,
                "{class}"
            );
        }
    }

    #[test]
    fn a_killed_postmaster_says_no_goodbye() {
        let alive = fault(Class::ConnectionLost, Phase::Idle, Some("57P01"));
        let orphaned = Fault { postmaster_died: true, ..alive };
        assert_eq!(ServerReason::of(&orphaned), Some(ServerReason::PostmasterDied));
    }

    #[test]
    fn a_database_that_lets_no_one_in_denies_and_a_write_in_a_wrong_state_does_not() {
        let reason = |phase| ServerReason::of(&fault(Class::Sql, phase, Some("55000")));
        assert_eq!(reason(Phase::Authenticate), Some(ServerReason::Denied));
        assert_eq!(reason(Phase::Write), Some(ServerReason::Other));
    }

    fn fault(class: Class, phase: Phase, sqlstate: Option<&str>) -> Fault {
        Fault {
            class,
            phase,
            sqlstate: sqlstate.map(str::to_owned),
            postmaster_died: false,
            connect_cause: None,
            tls_cause: None,
            endpoint: String::new(),
            message: String::new(),
            own_limit: None,
        }
    }
}
