//! Failures held together: eight writers that lose their sessions at once are one line, and so
//! are the hundred attempts until one succeeds.
//!
//! Three rules. What happens to a session or a write is told within [`WINDOW`], together with what
//! other writers report of the same class in that time. The first failed attempt to connect is
//! told at once, and that of each other host and of each other cause of a failure of TLS; its repeats, and those of rejections, every [`REPEAT`]. Any other line lets out
//! first what is held, so that the order of events is kept. Only repeats of attempts keep their own
//! pace: their count is that of the whole series, so none is lost.

use std::time::Duration;

use crate::model::event::{Failure, Interval, NoSession, Stalled};
use crate::model::fault::Fault;
use crate::model::load::rejection::{KINDS_MAX, of_others};
use crate::report::words;

use super::failure_group::{ENDPOINTS_MAX, FailureGroup, FoldedFailures, Key, Share};

/// How long failures of several writers at once are gathered.
const WINDOW: Duration = Duration::from_millis(100);
/// How often repeats are told. A series without a failure for as long is over.
const REPEAT: Duration = Duration::from_secs(5);

/// A series of failures of one key.
#[derive(Debug)]
struct Series {
    key: Key,
    began: Duration,
    count: u64,
    last: Duration,
    told: Option<Duration>,
    fresh: Option<FailureGroup>,
    /// Since it was told last.
    share: Share,
    /// Of attempts: where they failed, at most [`ENDPOINTS_MAX`].
    endpoints: Vec<String>,
}

impl Series {
    /// When what is fresh has to be told.
    fn due(&self, window: Duration) -> Option<Duration> {
        let fresh = self.fresh.as_ref()?;
        Some(match (&self.key, self.told) {
            (Key::Stall | Key::NoSession, _) => fresh.at + WINDOW,
            (Key::Session(_), _) | (Key::Rejection(..), None) => fresh.at + window,
            (Key::Attempt(..) | Key::AttemptElsewhere(..), None) => fresh.at,
            (Key::Rejection(..) | Key::Attempt(..) | Key::AttemptElsewhere(..), Some(told)) => {
                told + REPEAT
            }
        })
    }

    /// Whether it waits for other writers to report the same.
    fn gathers(&self) -> bool {
        match self.key {
            Key::Session(_) | Key::Stall | Key::NoSession => true,
            Key::Rejection(..) => self.told.is_none(),
            Key::Attempt(..) | Key::AttemptElsewhere(..) => false,
        }
    }

    /// Whether what is fresh only says that an attempt failed again.
    fn is_repeat(&self) -> bool {
        matches!(self.key, Key::Attempt(..)) && self.told.is_some()
    }

    fn tell(&mut self, at: Duration) -> Option<FoldedFailures> {
        let group = self.fresh.take()?;
        let before = self.told.replace(at);
        // The share of the first ones is told with those that follow: alone they are none.
        let share = before.map(|_| std::mem::take(&mut self.share)).unwrap_or_default();
        Some(FoldedFailures {
            key: self.key.clone(),
            at: if before.is_some() { at } else { group.at },
            series: before.map(|_| (self.count, self.began)),
            gathered_since: before,
            share,
            group,
        })
    }
}

/// The failures that are not told yet.
#[derive(Debug)]
pub(super) struct Folding {
    window: Duration,
    series: Vec<Series>,
}

impl Folding {
    /// Nothing held. With a single writer there is nothing to gather: its failures are told at once.
    pub(super) fn new(several_writers: bool) -> Self {
        let window = if several_writers { WINDOW } else { Duration::ZERO };
        Self { window, series: Vec::new() }
    }

    /// Takes a failure, with how late it was noticed, and gives what has to be told now.
    pub(super) fn failure(
        &mut self,
        at: Duration,
        failure: &Failure,
        noticed_after: Option<Duration>,
    ) -> Vec<FoldedFailures> {
        self.add(Key::of(failure), FailureGroup::of_failure(at, failure, noticed_after))
    }

    /// Takes a write without an answer and gives what has to be told now.
    pub(super) fn stalled(&mut self, at: Duration, stalled: &Stalled) -> Vec<FoldedFailures> {
        self.add(Key::Stall, FailureGroup::of_stall(at, stalled))
    }

    /// Takes a writer that waits for a session and gives what has to be told now.
    pub(super) fn no_session(&mut self, at: Duration, waits: NoSession) -> Vec<FoldedFailures> {
        self.add(Key::NoSession, FailureGroup::of_no_session(at, waits))
    }

    /// Takes the refusals that were counted in an interval and gives what has to be told now.
    pub(super) fn interval(&mut self, at: Duration, interval: &Interval) -> Vec<FoldedFailures> {
        let writes = interval.acknowledged + words::total(&interval.rejected);
        for series in &mut self.series {
            series.share.writes += writes;
        }
        let mut told = Vec::new();
        for rejected in &interval.rejections {
            let Fault { phase, class, ref sqlstate, .. } = rejected.fault;
            let key = Key::Rejection(phase, class, sqlstate.clone());
            let known = self.series.len();
            told.extend(self.add(key, FailureGroup::of_rejected(at, rejected)));
            for series in self.series.iter_mut().skip(known) {
                series.share.writes = writes;
            }
        }
        told
    }

    /// The key of a group: refusals beyond [`KINDS_MAX`] kinds share one line.
    fn bounded(&self, key: Key, group: &mut FailureGroup) -> Key {
        let (Key::Rejection(phase, class, Some(_)), Some(fault)) = (&key, &group.fault) else {
            return key;
        };
        let kinds = |series: &&Series| matches!(series.key, Key::Rejection(_, _, Some(_)));
        let is_known = self.series.iter().any(|series| series.key == key);
        if is_known || self.series.iter().filter(kinds).count() < KINDS_MAX {
            return key;
        }
        let key = Key::Rejection(*phase, *class, None);
        group.fault = Some(of_others(fault));
        key
    }

    /// The key of a group: once a series of attempts is told, the first failure at each other endpoint is told by itself,
    /// so that none of several hosts is left out. The series of its class counts it too.
    fn by_endpoint(&mut self, key: Key, group: &FailureGroup) -> Key {
        let Key::Attempt(class, tls_cause) = key else { return key };
        let Some(series) = self.series.iter_mut().find(|series| series.key == key) else {
            return key;
        };
        let is_new = |one: &&String| !series.endpoints.contains(*one);
        let Some(endpoint) = group.endpoints.iter().find(is_new).cloned() else { return key };
        if series.endpoints.len() >= ENDPOINTS_MAX {
            return key;
        }
        series.endpoints.push(endpoint.clone());
        if series.told.is_none() {
            return key;
        }
        series.count += group.count;
        series.last = group.at;
        Key::AttemptElsewhere(class, tls_cause, endpoint)
    }

    fn add(&mut self, key: Key, mut group: FailureGroup) -> Vec<FoldedFailures> {
        let at = group.at;
        let mut told = self.forget_old(at);
        let key = self.bounded(key, &mut group);
        let key = self.by_endpoint(key, &group);
        let (count, refused) = (group.count, group.uncommitted);
        match self.series.iter_mut().find(|series| series.key == key) {
            Some(series) => {
                series.count += count;
                series.share.refused += refused;
                series.last = at;
                match &mut series.fresh {
                    Some(fresh) => fresh.add(group),
                    fresh => *fresh = Some(group),
                }
            }
            None => self.series.push(Series {
                key,
                began: at,
                count,
                last: at,
                told: None,
                endpoints: group.endpoints.clone(),
                fresh: Some(group),
                share: Share { refused, writes: 0 },
            }),
        }
        told.extend(self.due(at));
        told
    }

    /// Ends series that had nothing for a while: their next failure is a first one again.
    fn forget_old(&mut self, at: Duration) -> Vec<FoldedFailures> {
        let (old, current) = std::mem::take(&mut self.series)
            .into_iter()
            .partition(|series| series.last + REPEAT <= at);
        self.series = current;
        let old: Vec<Series> = old;
        old.into_iter().filter_map(|mut series| series.tell(at)).collect()
    }

    /// What has to be told at this time.
    pub(super) fn due(&mut self, at: Duration) -> Vec<FoldedFailures> {
        let window = self.window;
        // What is being gathered came first: nothing overtakes it.
        let gathering = self
            .series
            .iter()
            .any(|series| series.gathers() && series.due(window).is_some_and(|due| due > at));
        let due = |series: &Series| series.due(window).is_some_and(|due| due <= at);
        if gathering || !self.series.iter().any(due) {
            return Vec::new();
        }
        self.tell(at, |series| !series.is_repeat() || due(series))
    }

    /// Everything that is held, in the order in which it began; repeats before what is new.
    pub(super) fn everything(&mut self, at: Duration) -> Vec<FoldedFailures> {
        self.tell(at, |_| true)
    }

    fn tell(&mut self, at: Duration, wanted: impl Fn(&Series) -> bool) -> Vec<FoldedFailures> {
        let first_news = self
            .series
            .iter()
            .filter(|series| series.told.is_none())
            .filter_map(|series| series.fresh.as_ref())
            .map(|fresh| fresh.at)
            .min();
        let told_at = first_news.map_or(at, |first| first.min(at));
        let mut told: Vec<FoldedFailures> = self
            .series
            .iter_mut()
            .filter(|series| series.fresh.is_some() && wanted(series))
            .filter_map(|series| {
                let since = series.fresh.as_ref().map_or(at, |fresh| fresh.at);
                series.tell(if series.gathers() { since } else { told_at.max(series.last) })
            })
            .collect();
        told.sort_by_key(|told| told.at);
        told
    }

    /// Everything that is held, if failures are being gathered: the next line must not overtake them.
    pub(super) fn gathered(&mut self, at: Duration) -> Vec<FoldedFailures> {
        let waits = |series: &Series| series.gathers() && series.fresh.is_some();
        if !self.series.iter().any(waits) {
            return Vec::new();
        }
        self.tell(at, |series| !series.is_repeat())
    }

    /// Everything that is held; a later failure begins a new series, as what failed works again.
    pub(super) fn end(&mut self, at: Duration) -> Vec<FoldedFailures> {
        let told = self.everything(at);
        self.series.clear();
        told
    }
}
