//! A lab as it is asked for: its name, its ports, and how fast it fails over.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::lab::error::LabError;
use crate::lab::ports::{PORTS, Ports};
use crate::model::cluster::proxy_checks::ProxyChecks;

/// The name of a lab that was given none.
pub const DEFAULT_NAME: &str = "pgchaos";

/// The longest name: it becomes a folder, and Patroni's scope.
const NAME_CHARS_MAX: usize = 40;

/// A lab as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabSpec {
    /// Its name: labs of different names live side by side.
    pub name: String,
    /// The first of its 15 ports; without it the usual ones, see [`Ports`]. For a lab that is
    /// there already: those it has.
    pub base_port: Option<u16>,
    /// How fast it fails over.
    pub profile: Profile,
    /// Patroni's `synchronous_mode`.
    pub synchronous: bool,
    /// PostgreSQL and Patroni's API take TLS alone, with certificates of the lab's own.
    pub tls: bool,
}

impl LabSpec {
    /// A lab that replicates asynchronously, on the usual ports, without TLS.
    #[must_use]
    pub fn new(name: &str, profile: Profile) -> Self {
        Self { name: name.to_owned(), base_port: None, profile, synchronous: false, tls: false }
    }

    /// Checks what can be wrong with it.
    ///
    /// # Errors
    /// When the name cannot be a folder's, or the ports do not exist.
    pub fn check(&self) -> Result<(), LabError> {
        check_name(&self.name)?;
        match self.base_port {
            Some(base) if base < 1024 || base.checked_add(PORTS - 1).is_none() => {
                Err(LabError::BasePort { base, last: u16::MAX - (PORTS - 1) })
            }
            _ => Ok(()),
        }
    }

    pub(in crate::lab) fn ports(&self) -> Ports {
        Ports::new(self.base_port)
    }
}

/// Allows a name that is plain in a path, a shell and YAML.
///
/// # Errors
/// When it is not.
pub(in crate::lab) fn check_name(name: &str) -> Result<(), LabError> {
    let begins_well = name.starts_with(|first: char| first.is_ascii_lowercase());
    let is_plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if begins_well && is_plain && name.len() <= NAME_CHARS_MAX {
        return Ok(());
    }
    Err(LabError::Name { name: name.to_owned(), chars_max: NAME_CHARS_MAX })
}

/// How fast a lab fails over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Patroni's own defaults: `ttl` 30, `loop_wait` 10, `retry_timeout` 10, and a HAProxy as in
    /// most installations.
    Default,
    /// The fastest that the installed Patroni honours.
    Quick,
}

impl Profile {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Quick => "quick",
        }
    }
}

/// The settings that decide how long an outage takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Patroni's `ttl`, in seconds.
    pub ttl_s: u32,
    /// Patroni's `loop_wait`, in seconds.
    pub loop_wait_s: u32,
    /// Patroni's `retry_timeout`, in seconds.
    pub retry_timeout_s: u32,
    /// HAProxy's checks.
    pub checks: Checks,
}

/// HAProxy's checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// Between two checks, in milliseconds.
    pub inter_ms: u32,
    /// The same, when a server is on its way up or down.
    pub fastinter_ms: u32,
    /// The same, when it is down.
    pub downinter_ms: u32,
    /// So many failed checks take a server down.
    pub fall: u32,
    /// So many good ones take it up.
    pub rise: u32,
    /// For a connect to a server, in seconds.
    pub connect_timeout_s: u32,
    /// For the answer to a check, in seconds.
    pub check_timeout_s: u32,
}

impl Timing {
    /// The settings of `profile`, with the installed Patroni.
    #[must_use]
    pub fn of(profile: Profile, patroni: &PatroniVersion) -> Self {
        let (ttl_s, loop_wait_s, retry_timeout_s) = match profile {
            Profile::Default => (30, 10, 10),
            Profile::Quick if patroni.has_minimum_settings() => (20, 1, 3),
            Profile::Quick => (5, 1, 2),
        };
        Self { ttl_s, loop_wait_s, retry_timeout_s, checks: Checks::of(profile) }
    }
}

impl Checks {
    fn of(profile: Profile) -> Self {
        match profile {
            // As in docker-compose.yml and cluster/haproxy.cfg.
            Profile::Default => Self {
                inter_ms: 3000,
                fastinter_ms: 3000,
                downinter_ms: 3000,
                fall: 3,
                rise: 2,
                connect_timeout_s: 4,
                check_timeout_s: 5,
            },
            Profile::Quick => Self {
                inter_ms: 500,
                fastinter_ms: 250,
                downinter_ms: 250,
                fall: 2,
                rise: 1,
                connect_timeout_s: 1,
                check_timeout_s: 1,
            },
        }
    }

    /// As HAProxy's configuration has it.
    pub(in crate::lab) fn words(&self) -> String {
        format!(
            "inter {}ms fastinter {}ms downinter {}ms fall {} rise {}",
            self.inter_ms, self.fastinter_ms, self.downinter_ms, self.fall, self.rise
        )
    }

    /// The same with the rest of `cluster/haproxy.cfg`, as far as an outage depends on it.
    pub(in crate::lab) fn proxy(&self) -> ProxyChecks {
        let ms = |ms: u32| Duration::from_millis(ms.into());
        let seconds = |seconds: u32| Some(Duration::from_secs(seconds.into()));
        ProxyChecks {
            inter: ms(self.inter_ms),
            fastinter: ms(self.fastinter_ms),
            downinter: ms(self.downinter_ms),
            rise: self.rise,
            fall: self.fall,
            check_timeout: seconds(self.check_timeout_s),
            connect_timeout: seconds(self.connect_timeout_s),
            retries: 2,
            redispatch: false,
            shuts_sessions_down: true,
        }
    }
}

/// The version of the installed Patroni.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatroniVersion(pub String);

impl PatroniVersion {
    /// Whether it raises a `ttl` below 20 and a `retry_timeout` below 3 to these: since 3.1, and an
    /// unknown version is taken for a later one.
    fn has_minimum_settings(&self) -> bool {
        let mut parts = self.0.split('.').map(str::parse::<u32>);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (3, 1),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quick(version: &str) -> (u32, u32, u32) {
        let timing = Timing::of(Profile::Quick, &PatroniVersion(version.to_owned()));
        (timing.ttl_s, timing.loop_wait_s, timing.retry_timeout_s)
    }

    #[test]
    fn quick_is_what_the_installed_patroni_honours() {
        assert_eq!(quick("3.0.2"), (5, 1, 2));
        assert_eq!(quick("2.1.4"), (5, 1, 2));
        assert_eq!(quick("3.1.0"), (20, 1, 3));
        assert_eq!(quick("4.0.7"), (20, 1, 3));
        assert_eq!(quick("unknown"), (20, 1, 3));
    }

    #[test]
    fn every_profile_keeps_patronis_rule() {
        for version in ["3.0.2", "4.0.7"] {
            for profile in [Profile::Default, Profile::Quick] {
                let timing = Timing::of(profile, &PatroniVersion(version.to_owned()));
                assert!(timing.loop_wait_s + 2 * timing.retry_timeout_s <= timing.ttl_s);
            }
        }
    }

    #[test]
    fn names_are_plain() {
        for good in ["pgchaos", "lab-2", "a"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "a".repeat(NAME_CHARS_MAX + 1);
        for wrong in ["", "-a", "../x", "A", "a b", "1", "a/b", "a.lock", &long] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_base_port_leaves_room_for_all() {
        let spec = |base| LabSpec { base_port: Some(base), ..LabSpec::new("a", Profile::Quick) };
        assert!(spec(1024).check().is_ok() && spec(65_521).check().is_ok());
        assert!(spec(1023).check().is_err() && spec(65_522).check().is_err());
    }
}
