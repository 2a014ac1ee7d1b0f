//! What a `server` or `default-server` line says of checks.

use std::time::Duration;

use super::words::Word;

/// What a line sets; `None` where it says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ServerSettings {
    pub(super) inter: Option<Duration>,
    pub(super) fastinter: Option<Duration>,
    pub(super) downinter: Option<Duration>,
    pub(super) rise: Option<u32>,
    pub(super) fall: Option<u32>,
    pub(super) is_checked: Option<bool>,
    /// In maintenance from the start: it is neither checked nor sent to.
    pub(super) is_disabled: bool,
    pub(super) shuts_sessions_down: Option<bool>,
}

/// The longest time that HAProxy takes, in milliseconds.
const MS_MAX: u64 = i32::MAX as u64;

/// Keywords with a value that is of no use here: it is not taken for a keyword.
const WITH_VALUE: [&str; 42] = [
    "addr",
    "agent-addr",
    "agent-inter",
    "agent-port",
    "agent-send",
    "alpn",
    "ca-file",
    "check-alpn",
    "check-proto",
    "check-sni",
    "ciphers",
    "ciphersuites",
    "cookie",
    "crl-file",
    "crt",
    "curves",
    "error-limit",
    "id",
    "init-addr",
    "log-proto",
    "max-reuse",
    "maxconn",
    "maxqueue",
    "minconn",
    "namespace",
    "npn",
    "observe",
    "on-error",
    "on-marked-up",
    "pool-max-conn",
    "pool-purge-delay",
    "port",
    "proto",
    "redir",
    "resolve-prefer",
    "resolvers",
    "slowstart",
    "sni",
    "source",
    "track",
    "verifyhost",
    "weight",
];

impl ServerSettings {
    /// Whether it is checked.
    pub(super) fn is_watched(&self) -> bool {
        self.is_checked == Some(true) && !self.is_disabled
    }

    /// Takes what further words of a line set.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn take(&mut self, words: &[Word]) -> Result<(), String> {
        let mut words = words.iter().map(|word| word.text.as_str());
        while let Some(keyword) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{keyword} has no value"));
            match keyword {
                "inter" => self.inter = Some(interval(keyword, value()?)?),
                "fastinter" => self.fastinter = Some(interval(keyword, value()?)?),
                "downinter" => self.downinter = Some(interval(keyword, value()?)?),
                "rise" => self.rise = Some(count(keyword, value()?)?),
                "fall" => self.fall = Some(count(keyword, value()?)?),
                "check" => self.is_checked = Some(true),
                "no-check" => self.is_checked = Some(false),
                "disabled" => self.is_disabled = true,
                "enabled" => self.is_disabled = false,
                "on-marked-down" => {
                    self.shuts_sessions_down = Some(value()? == "shutdown-sessions");
                }
                _ if WITH_VALUE.contains(&keyword) => {
                    value()?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A time between checks: not zero.
fn interval(keyword: &str, text: &str) -> Result<Duration, String> {
    match time(text)? {
        Duration::ZERO => Err(format!("{keyword} {text} is no time between checks")),
        interval => Ok(interval),
    }
}

/// `rise` and `fall`: 1 or more.
fn count(keyword: &str, text: &str) -> Result<u32, String> {
    let count = text.parse::<u32>().ok().filter(|count| *count > 0);
    count.ok_or_else(|| {
        format!("{keyword} {} is no number of checks", crate::model::foreign::name(text))
    })
}

/// A time as HAProxy writes it: a whole number with a unit (us, ms, s, m, h, d), in milliseconds without one.
///
/// # Errors
/// When it is none, or longer than HAProxy takes.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shown = crate::model::foreign::name(text);
    let no_time = || format!("{shown} is no time: write a whole number with us, ms, s, m, h or d");
    let micros_each: u64 = match unit {
        "us" => 1,
        "" | "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return Err(no_time()),
    };
    let number: u64 = match number.parse() {
        Ok(number) => number,
        Err(_) if number.is_empty() => return Err(no_time()),
        Err(_) => u64::MAX,
    };
    let micros = number.checked_mul(micros_each).filter(|micros| *micros <= MS_MAX * 1_000);
    let micros = micros.ok_or_else(|| format!("{shown} is longer than HAProxy takes, 24 days"))?;
    Ok(Duration::from_micros(micros))
}
