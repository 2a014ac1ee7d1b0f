//! Patroni's dynamic configuration, as its API shows it and Patroni takes it.

use serde_json::{Map, Value};

use crate::model::cluster::software::PatroniSettings;
use crate::model::foreign;

/// The settings that `GET /config` shows: what the cluster was told, and Patroni's own default where it was told nothing.
///
/// Newer versions raise values that are too small and still show them here as they were given.
///
/// # Errors
/// Which one Patroni cannot take, in words.
pub(super) fn settings(told: Map<String, Value>) -> Result<PatroniSettings, String> {
    let told = Told(told);
    let default = PatroniSettings::BY_DEFAULT;
    let or_default = |name: &str| told.number(name).ok().flatten();
    Ok(PatroniSettings {
        ttl_s: told.number("ttl")?.unwrap_or(default.ttl_s),
        loop_wait_s: told.number("loop_wait")?.unwrap_or(default.loop_wait_s),
        retry_timeout_s: told.number("retry_timeout")?.unwrap_or(default.retry_timeout_s),
        // For these it has a default of its own where they cannot be read.
        maximum_lag_on_failover_bytes: or_default("maximum_lag_on_failover")
            .unwrap_or(default.maximum_lag_on_failover_bytes),
        synchronous_mode: told.is_on("synchronous_mode"),
        synchronous_mode_strict: told.is_on("synchronous_mode_strict"),
        pause: told.is_on("pause"),
        failsafe_mode: Some(told.is_on("failsafe_mode")),
        // `master_start_timeout` before Patroni 3.0.
        primary_start_timeout_s: or_default("primary_start_timeout")
            .or_else(|| or_default("master_start_timeout")),
    })
}

/// What the cluster was told, by Patroni's names.
struct Told(Map<String, Value>);

impl Told {
    /// A number, as Python's `int` makes it, by which Patroni reads its times: of digits in quotes, or of the whole part
    /// of what has more. What is below zero is as good as zero: newer versions raise it, and with older ones nothing
    /// works.
    fn number(&self, name: &str) -> Result<Option<u64>, String> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => whole_part(number.as_f64()),
            Value::String(text) => whole(text),
            Value::Bool(on) => Some(u64::from(*on)),
            _ => None,
        };
        match number.filter(|number| *number <= NUMBER_MAX) {
            Some(number) => Ok(Some(number)),
            None => {
                let value = foreign::name(&value.to_string());
                Err(format!(
                    "{name} is {value}, which is no number of seconds that Patroni can take"
                ))
            }
        }
    }

    /// Patroni takes what PostgreSQL takes for a boolean, and `quorum` since version 4.
    fn is_on(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Bool(on)) => *on,
            Some(Value::String(word)) => {
                matches!(word.to_lowercase().as_str(), "on" | "true" | "yes" | "1" | "quorum")
            }
            Some(Value::Number(number)) => number.as_u64() == Some(1),
            _ => false,
        }
    }
}

/// More is no setting: of bytes it is four pebibytes, of seconds more than a hundred million years.
const NUMBER_MAX: u64 = 1 << 52;

/// What remains of a number without its fraction; none below zero.
fn whole_part(number: Option<f64>) -> Option<u64> {
    format!("{:.0}", number?.trunc().max(0.0)).parse().ok()
}

/// Digits with one sign at most, as `int` takes them.
fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| is_whole)?;
    Some(if text.starts_with('-') { 0 } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PatroniSettings, String> {
        settings(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn numbers_are_taken_as_patroni_takes_them() {
        let told = r#"{"ttl": "20", "loop_wait": 5.9, "retry_timeout": " +5 ", "maximum_lag_on_failover": 1e6,
                       "master_start_timeout": "0", "synchronous_mode": "ON", "pause": 1}"#;
        let config = read(told).unwrap();
        assert_eq!((config.ttl_s, config.loop_wait_s, config.retry_timeout_s), (20, 5, 5));
        assert_eq!(config.maximum_lag_on_failover_bytes, 1_000_000);
        assert_eq!(config.primary_start_timeout_s, Some(0));
        assert!(config.synchronous_mode && config.pause);
        assert_eq!(config.failsafe_mode, Some(false));
        // Below zero, and what Patroni has a default for where it cannot read it.
        let odd = r#"{"ttl": -5, "loop_wait": "-1", "retry_timeout": 5.0, "maximum_lag_on_failover": "1MB",
                      "primary_start_timeout": null}"#;
        let odd = read(odd).unwrap();
        assert_eq!((odd.ttl_s, odd.loop_wait_s, odd.retry_timeout_s), (0, 0, 5));
        assert_eq!(odd.maximum_lag_on_failover_bytes, 1_048_576);
        assert_eq!(odd.primary_start_timeout_s, None);
        let silent = read("{}").unwrap();
        assert_eq!((silent.ttl_s, silent.loop_wait_s, silent.retry_timeout_s), (30, 10, 10));
    }

    #[test]
    fn what_is_no_number_is_named() {
        for (told, words) in [
            (r#"{"ttl": "soon"}"#, "ttl is \"soon\", which is no number of seconds"),
            (r#"{"ttl": "++20"}"#, "ttl is \"++20\", which is no number of seconds"),
            (r#"{"loop_wait": null}"#, "loop_wait is null, which is no number of seconds"),
            (r#"{"ttl": 1e308}"#, "ttl is 1e+308, which is no number of seconds"),
            (r#"{"ttl": [1e300]}"#, "ttl is [1e+300], which is no number of seconds"),
        ] {
            let error = read(told).unwrap_err();
            assert!(error.starts_with(words), "{error}");
        }
    }
}
