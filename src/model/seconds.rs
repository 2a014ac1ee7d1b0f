//! Durations as JSON numbers of seconds, to the microsecond.
//!
//! For `#[serde(with = "seconds")]`; [`option`] does the same for values that may be missing.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// A duration in seconds, rounded to the microsecond, which is finer than any clock here is true.
#[must_use]
pub fn of(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e6
}

/// Writes a duration as seconds.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(of(*duration))
}

/// Reads a duration from seconds.
///
/// # Errors
/// When the number is negative, not finite or too large for a duration.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|error| D::Error::custom(format!("{seconds} is no time in seconds: {error}")))
}

/// The same for values that may be missing, written as `null`.
pub mod option {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes a duration as seconds, or null.
    ///
    /// # Errors
    /// Those of the serializer.
    // The signature is serde's.
    #[allow(clippy::ref_option)]
    pub fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => serializer.serialize_f64(super::of(*duration)),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a duration from seconds, or null.
    ///
    /// # Errors
    /// When the number is negative, not finite or too large for a duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Option::<f64>::deserialize(deserializer)?
            .map(|seconds| Duration::try_from_secs_f64(seconds).map_err(D::Error::custom))
            .transpose()
    }
}
