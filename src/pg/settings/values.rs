//! Numbers, durations and choices, read from the given values.

use std::str::FromStr;
use std::time::Duration;

use super::error::SettingsError;
use super::layers::Layers;

/// A whole number; spaces around it are allowed, as in libpq.
pub(super) fn integer(
    layers: &Layers,
    keyword: &'static str,
) -> Result<Option<i32>, SettingsError> {
    let Some(said) = layers.get(keyword) else {
        return Ok(None);
    };
    let number = i32::from_str(said.value.trim());
    number.map(Some).map_err(|_| said.invalid(keyword, "it must be a whole number"))
}

/// Seconds; `None` when not given, 0 or negative, which all mean the system's default or no limit.
pub(super) fn seconds(
    layers: &Layers,
    keyword: &'static str,
) -> Result<Option<Duration>, SettingsError> {
    Ok(integer(layers, keyword)?.and_then(positive).map(Duration::from_secs))
}

/// Milliseconds, with the same meaning of `None`.
pub(super) fn milliseconds(
    layers: &Layers,
    keyword: &'static str,
) -> Result<Option<Duration>, SettingsError> {
    Ok(integer(layers, keyword)?.and_then(positive).map(Duration::from_millis))
}

pub(super) fn positive(number: i32) -> Option<u64> {
    u64::try_from(number).ok().filter(|number| *number > 0)
}

/// One of these words, exactly. As in libpq, an empty one is an error: `sslmode=$UNSET` must not mean less security.
pub(super) fn choice<T: Copy>(
    layers: &Layers,
    keyword: &'static str,
    choices: &[(&str, T)],
) -> Result<Option<T>, SettingsError> {
    chosen(layers, keyword, choices, str::eq)
}

/// The same for words whose case does not count.
pub(super) fn choice_in_any_case<T: Copy>(
    layers: &Layers,
    keyword: &'static str,
    choices: &[(&str, T)],
) -> Result<Option<T>, SettingsError> {
    if layers.get(keyword).is_none() {
        return Ok(None);
    }
    chosen(layers, keyword, choices, str::eq_ignore_ascii_case)
}

fn chosen<T: Copy>(
    layers: &Layers,
    keyword: &'static str,
    choices: &[(&str, T)],
    is: fn(&str, &str) -> bool,
) -> Result<Option<T>, SettingsError> {
    let Some(said) = layers.get_even_empty(keyword) else {
        return Ok(None);
    };
    let chosen = choices.iter().find(|(word, _)| is(word, &said.value));
    chosen.map(|(_, meaning)| Some(*meaning)).ok_or_else(|| {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        said.invalid(keyword, format!("it must be one of {}", words.join(", ")))
    })
}
