//! Patroni's version, as far as settings depend on it.

use std::fmt;

/// A version of Patroni.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PatroniRelease {
    /// 3 of 3.0.2.
    pub major: u32,
    /// 0 of it.
    pub minor: u32,
    /// 2 of it.
    pub patch: u32,
}

impl PatroniRelease {
    /// Reads `3.0.2`, `4.1`, `4.0.0rc1`; `None` for what does not begin so.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('.').map(|part| {
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..digits].parse::<u32>().ok()
        });
        let major = parts.next()??;
        let minor = parts.next()??;
        let patch = parts.next().flatten().unwrap_or(0);
        Some(Self { major, minor, patch })
    }

    const fn of(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Whether it raises and cuts `ttl`, `loop_wait` and `retry_timeout`: since 3.2.0 (its release
    /// notes, "Breaking changes").
    #[must_use]
    pub fn adjusts_timeouts(self) -> bool {
        self >= Self::of(3, 2, 0)
    }

    /// Whether it has `failsafe_mode`: since 3.0.0 (its release notes).
    #[must_use]
    pub fn has_failsafe_mode(self) -> bool {
        self >= Self::of(3, 0, 0)
    }
}

/// The version of a cluster's members: while they are upgraded one by one it is not known which rules hold.
#[must_use]
pub fn common_release<'a>(mut versions: impl Iterator<Item = &'a str>) -> Option<PatroniRelease> {
    let first = versions.next()?;
    versions.all(|version| version == first).then(|| PatroniRelease::read(first))?
}

impl fmt::Display for PatroniRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        let read = |text| PatroniRelease::read(text).map(|release| release.to_string());
        assert_eq!(read("3.0.2").as_deref(), Some("3.0.2"));
        assert_eq!(read("4.1").as_deref(), Some("4.1.0"));
        assert_eq!(read("4.0.0rc1").as_deref(), Some("4.0.0"));
        for wrong in ["", "4", "x.1", "unknown", "99999999999.1", "-1.2"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_a_version_does_follows_its_release_notes() {
        let adjusts = |text| PatroniRelease::read(text).unwrap().adjusts_timeouts();
        assert!(!adjusts("3.0.2") && !adjusts("3.1.2") && adjusts("3.2.0") && adjusts("4.1.5"));
        let failsafe = |text| PatroniRelease::read(text).unwrap().has_failsafe_mode();
        assert!(!failsafe("2.1.7") && failsafe("3.0.0"));
    }
}
