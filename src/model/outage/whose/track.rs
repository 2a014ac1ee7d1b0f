//! One thing over time, as looks some time apart saw it.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::seconds::whole;

/// Changes that are kept of one thing, the latest: an outage in which it changes more often is split from there on.
const KEPT: usize = 256;

/// What one thing was over time.
#[derive(Debug, Clone)]
pub struct Track<T> {
    changes: VecDeque<SeenChange<T>>,
}

/// It was seen to be otherwise.
#[derive(Debug, Clone)]
struct SeenChange<T> {
    /// The change came after that; `None` at the first look.
    not_before: Option<Duration>,
    seen: Duration,
    is: T,
}

/// A thing over the time of one outage: each value with its beginning.
#[derive(Debug, Clone)]
pub struct Placed<'a, T>(Vec<PlacedChange<'a, T>>);

#[derive(Debug, Clone)]
struct PlacedChange<'a, T> {
    at: Duration,
    /// How far that can be off.
    within: Duration,
    /// It was certainly so by then.
    seen: Duration,
    is: &'a T,
}

impl<T> Default for Track<T> {
    fn default() -> Self {
        Self { changes: VecDeque::new() }
    }
}

impl<T: PartialEq> Track<T> {
    /// It is this, by a look at `seen`; the last look that found it otherwise was asked at `not_before`.
    pub fn changed(&mut self, not_before: Option<Duration>, seen: Duration, is: T) {
        if self.changes.back().is_some_and(|last| last.is == is) {
            return;
        }
        if self.changes.len() == KEPT {
            self.changes.pop_front();
        }
        self.changes.push_back(SeenChange { not_before, seen, is });
    }

    /// Whether anything was ever seen of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Its changes on the time axis of an outage from `from` to `to`. A change lies in the middle between the two looks
    /// around it. One that may have come before the outage began did so: it is what the first evidence is of. One that
    /// is seen only after the outage ended had come by then, if it may have.
    #[must_use]
    pub fn placed(&self, from: Duration, to: Duration) -> Placed<'_, T> {
        let place = |change: &SeenChange<T>| {
            let Some(not_before) = change.not_before.filter(|at| *at < change.seen) else {
                return (change.seen, Duration::ZERO);
            };
            if not_before <= from && change.seen >= from {
                return (from, Duration::ZERO);
            }
            let seen = if not_before < to { change.seen.min(to) } else { change.seen };
            let half = (seen - not_before) / 2;
            (whole(not_before + half), half)
        };
        let mut last = Duration::ZERO;
        let placed = self.changes.iter().map(|change| {
            let (at, within) = place(change);
            last = last.max(at);
            PlacedChange { at: last, within, seen: change.seen, is: &change.is }
        });
        Placed(placed.collect())
    }
}

impl<'a, T> Placed<'a, T> {
    /// The values that had begun by then.
    fn begun(&self, at: Duration) -> &[PlacedChange<'a, T>] {
        &self.0[..self.0.partition_point(|change| change.at <= at)]
    }

    /// What it was at a time; `None` before the first look.
    #[must_use]
    pub fn at(&self, at: Duration) -> Option<&'a T> {
        self.begun(at).last().map(|change| change.is)
    }

    /// What it was before the value of this time, and what after it.
    pub fn around(&self, at: Duration) -> (Option<&'a T>, Option<&'a T>) {
        let after = self.begun(at).len();
        let nth = |n: usize| self.0.get(n).map(|change| change.is);
        (after.checked_sub(2).and_then(nth), nth(after))
    }

    /// When it changed, and how far that can be off.
    pub fn boundaries(&self) -> impl Iterator<Item = (Duration, Duration)> {
        self.0.iter().map(|change| (change.at, change.within))
    }

    /// Since when it has been what it was at a time; `None` before the first look.
    pub fn since(&self, at: Duration) -> Option<Duration> {
        self.begun(at).last().map(|change| change.at)
    }

    /// By when it was certainly what it was at a time; `None` before the first look.
    pub fn seen_since(&self, at: Duration) -> Option<Duration> {
        self.begun(at).last().map(|change| change.seen)
    }

    /// When it first was this between two times.
    pub fn first(&self, from: Duration, to: Duration, is: impl Fn(&T) -> bool) -> Option<Duration> {
        let found = self.0.iter().find(|change| (from..to).contains(&change.at) && is(change.is));
        found.map(|change| change.at)
    }

    /// When it was first seen to be this between two times: it was so by then, perhaps long before, where nothing
    /// answered in between.
    pub fn first_seen(
        &self,
        from: Duration,
        to: Duration,
        is: impl Fn(&T) -> bool,
    ) -> Option<Duration> {
        let found = self.0.iter().find(|change| (from..to).contains(&change.seen) && is(change.is));
        found.map(|change| change.seen)
    }

    /// What it became between two times when it last stopped being this.
    pub fn became(&self, from: Duration, to: Duration, was: impl Fn(&T) -> bool) -> Option<&'a T> {
        let stopped =
            self.0.windows(2).rev().find(|pair| {
                was(pair[0].is) && !was(pair[1].is) && (from..to).contains(&pair[1].at)
            });
        stopped.map(|pair| pair[1].is)
    }

    /// Whether it was ever this between two times.
    pub fn was(&self, from: Duration, to: Duration, is: impl Fn(&T) -> bool) -> bool {
        let begins_within = self.0.iter().filter(|change| (from..to).contains(&change.at));
        self.at(from).is_some_and(&is) || begins_within.map(|change| change.is).any(is)
    }
}
