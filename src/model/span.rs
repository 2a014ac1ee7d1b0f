//! A best and a worst case, in time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::seconds;

/// From the best case to the worst. No sum of them overflows: it stays at the longest duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The best case.
    #[serde(rename = "from_s", with = "seconds")]
    pub from: Duration,
    /// The worst case; `None` where there is none: "until it is back".
    #[serde(rename = "to_s", with = "seconds::option")]
    pub to: Option<Duration>,
}

impl Span {
    /// Nothing at all.
    pub const NONE: Self = Self { from: Duration::ZERO, to: Some(Duration::ZERO) };

    /// No worst case.
    pub const UNBOUNDED: Self = Self { from: Duration::ZERO, to: None };

    /// From the best case to the worst; a worst case that is shorter is the best one.
    #[must_use]
    pub fn new(from: Duration, to: Duration) -> Self {
        Self { from, to: Some(to.max(from)) }
    }

    /// The same in milliseconds.
    #[must_use]
    pub const fn of_ms(from: u64, to: u64) -> Self {
        Self { from: Duration::from_millis(from), to: Some(Duration::from_millis(to)) }
    }

    /// The one or the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let to = self.to.zip(other.to).map(|(one, two)| one.max(two));
        Self { from: self.from.min(other.from), to }
    }

    /// One after the other.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        let to = self.to.zip(next.to).map(|(one, other)| one.saturating_add(other));
        Self { from: self.from.saturating_add(next.from), to }
    }

    /// What is left of this one when that one is over, where both begin at once.
    #[must_use]
    pub fn beyond(self, other: Self) -> Self {
        let from = other.to.map_or(Duration::ZERO, |to| self.from.saturating_sub(to));
        let to = self.to.map(|to| to.saturating_sub(other.from));
        Self { from, to }
    }

    /// What is left of it after so long.
    #[must_use]
    pub fn less(self, passed: Duration) -> Self {
        let to = self.to.map(|to| to.saturating_sub(passed));
        Self { from: self.from.saturating_sub(passed), to }
    }

    /// Whether there is nothing of it, at worst.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.to == Some(Duration::ZERO)
    }

    /// The middle; `None` without a worst case.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        // Halves first: their sum cannot overflow.
        self.to.map(|to| self.from / 2 + to / 2)
    }

    /// Whether a time lies in it.
    #[must_use]
    pub fn holds(&self, time: Duration) -> bool {
        time >= self.from && self.to.is_none_or(|to| time <= to)
    }
}
