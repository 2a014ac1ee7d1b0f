//! The names of a run's sessions in `pg_stat_activity`: a DBA sees the run of a session, and its
//! writer or purpose.

use std::fmt;

use uuid::Uuid;

/// What a session of a run is for. Its `Display` is the last part of the session's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The writer with this number writes on it, and reads back.
    Writer(i32),
    /// It makes the tables and tries the load.
    SetUp,
    /// It checks recent writes after an outage.
    Check,
    /// It finds out what unanswered writes wait for.
    Look,
    /// It reads from a replica.
    Replica,
    /// It watches one member at its own address.
    Member,
    /// It is a member's witness.
    Witness,
    /// The verification.
    Verify,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Writer(number) => number.fmt(f),
            Self::SetUp => f.write_str("setup"),
            Self::Check => f.write_str("check"),
            Self::Look => f.write_str("look"),
            Self::Replica => f.write_str("replica"),
            Self::Member => f.write_str("member"),
            Self::Witness => f.write_str("witness"),
            Self::Verify => f.write_str("verify"),
        }
    }
}

/// `pgchaos:RUN_ID:WRITER`, or the purpose in the writer's place. At most 55 bytes; the server cuts
/// names after 63.
#[must_use]
pub fn application_name(run_id: Uuid, purpose: Purpose) -> String {
    format!("pgchaos:{run_id}:{purpose}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest name that a server keeps, with the default NAMEDATALEN.
    const NAME_BYTES_MAX: usize = 63;

    #[test]
    fn a_session_is_called_by_its_run_and_its_writer_or_purpose() {
        let run_id = Uuid::from_u128(0x0d6f);
        let run = "pgchaos:00000000-0000-0000-0000-000000000d6f";
        for (purpose, last) in [
            (Purpose::Writer(1), "1"),
            (Purpose::SetUp, "setup"),
            (Purpose::Check, "check"),
            (Purpose::Look, "look"),
            (Purpose::Replica, "replica"),
            (Purpose::Member, "member"),
            (Purpose::Witness, "witness"),
            (Purpose::Verify, "verify"),
        ] {
            assert_eq!(application_name(run_id, purpose), format!("{run}:{last}"));
        }
        assert_eq!(application_name(run_id, Purpose::Writer(i32::MAX)).len(), 55);
        assert!(application_name(run_id, Purpose::Writer(i32::MIN)).len() <= NAME_BYTES_MAX);
    }
}
