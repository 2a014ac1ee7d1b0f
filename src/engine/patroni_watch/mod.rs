//! Watches Patroni's APIs beside the load: who leads, what members are called, and how a leader
//! stopped being one. It changes nothing of the load and of its verdict.
//!
//! One task owns what is known. Each member is looked at by a task of its own (`looking`), so that
//! one that is frozen keeps nobody waiting. `finding` asks who the members are.

mod finding;
mod looking;

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::signal::Signal;
use crate::model::event::ApiReached;
use crate::model::fall::{Falls, OldPrimary};
use crate::model::leadership::Leadership;
use crate::model::member_names::MemberNames;
use crate::model::server::Server;
use crate::patroni::PatroniApi;
use finding::{Answered, Found, Missed, Question, find};
use looking::{Looked, Looker};

/// The deadline of each call while a run is watched: an API that takes longer tells nothing that
/// is still true.
pub const DEADLINE: Duration = Duration::from_secs(1);

/// How often it is asked who the members are, and how often while some cannot be reached yet.
const FIND_EVERY: Duration = Duration::from_secs(5);
const FIND_AGAIN: Duration = Duration::from_secs(1);

/// Members watched at most: a foreign `/cluster` must not make us ask the whole world.
const MEMBERS_MAX: usize = 64;

/// Looks that wait to be taken in.
const LOOKS_WAITING: usize = 256;

/// What others see of it.
#[derive(Debug, Clone, Default)]
struct Watched {
    falls: Falls,
    /// It was asked once who the members are.
    begun: bool,
}

/// A handle to what is known.
#[derive(Debug, Clone)]
pub(crate) struct PatroniWatch(watch::Receiver<Watched>);

impl PatroniWatch {
    /// What the API of the primary before an outage tells of its end as one.
    pub(crate) fn old_primary(&self, before: Option<&Server>) -> OldPrimary {
        let Some(name) = before.and_then(|server| server.member.as_deref()) else {
            return OldPrimary::Unknown;
        };
        self.0.borrow().falls.of(name)
    }

    /// Waits until the members are known, or could not be: not longer than [`DEADLINE`].
    pub(crate) async fn begun(&self) {
        let mut watched = self.0.clone();
        // Both errors say the same: there is nothing to wait for any longer.
        let _ = timeout(DEADLINE, watched.wait_for(|watched| watched.begun)).await;
    }
}

/// The task that owns what is known.
pub(crate) struct Watcher {
    clock: Clock,
    recorder: mpsc::Sender<Signal>,
    watched: watch::Sender<Watched>,
    leadership: Leadership,
    names: MemberNames,
    /// A task for each member that is looked at, and one that finds them.
    tasks: JoinSet<()>,
    /// The members that are looked at: their names, or URLs where they have none.
    keys: BTreeSet<String>,
    /// APIs that were given and never answered so far.
    given: Vec<PatroniApi>,
    /// APIs that are looked at.
    apis: Vec<PatroniApi>,
    /// One of them has no name.
    has_nameless: bool,
    /// One of them was found, not given.
    has_found: bool,
    /// URLs of which it was told that they cannot be reached.
    told: BTreeSet<String>,
}

/// A watch over these APIs, and a handle to it.
pub(crate) fn watcher(
    apis: Vec<PatroniApi>,
    clock: Clock,
    recorder: mpsc::Sender<Signal>,
) -> (Watcher, PatroniWatch) {
    let (watched, handle) = watch::channel(Watched::default());
    let watcher = Watcher {
        clock,
        recorder,
        watched,
        leadership: Leadership::default(),
        names: MemberNames::default(),
        tasks: JoinSet::new(),
        keys: BTreeSet::new(),
        given: apis,
        apis: Vec::new(),
        has_nameless: false,
        has_found: false,
        told: BTreeSet::new(),
    };
    (watcher, PatroniWatch(handle))
}

impl Watcher {
    /// Watches until the load stops.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = self.watch_for_ever() => {}
            () = stop.cancelled() => {}
        }
        self.tasks.shutdown().await;
    }

    async fn watch_for_ever(&mut self) {
        let (looks, mut looked) = mpsc::channel(LOOKS_WAITING);
        let (finds, mut found) = mpsc::channel(1);
        let mut next_find = Instant::now();
        let mut finding = false;
        loop {
            tokio::select! {
                look = looked.recv() => if let Some(look) = look {
                    self.looked(look).await;
                },
                found = found.recv() => if let Some(found) = found {
                    self.found(found, &looks).await;
                    finding = false;
                    let wait = if self.given.is_empty() { FIND_EVERY } else { FIND_AGAIN };
                    next_find = Instant::now() + wait;
                },
                () = sleep_until(next_find), if !finding => {
                    finding = true;
                    self.find(finds.clone());
                }
            }
        }
    }

    fn find(&mut self, finds: mpsc::Sender<Found>) {
        while self.tasks.try_join_next().is_some() {}
        let question = Question {
            given: self.given.clone(),
            watched: self.apis.clone(),
            known: self.keys.clone(),
            may_find: !self.has_nameless,
        };
        self.tasks.spawn(async move {
            // Nobody takes it when the watch has ended.
            let _ = finds.send(find(question).await).await;
        });
    }

    async fn looked(&mut self, looked: Looked) {
        if let Some(changed) = self.leadership.look(&looked.key, &looked.look) {
            self.tell(Signal::Leader { at: looked.look.at, seen: changed }).await;
        }
        self.watched.send_modify(|watched| watched.falls.look(&looked.key, &looked.look));
        if let Some(reached) = looked.reached {
            self.tell(Signal::PatroniApi { at: looked.look.at, reached }).await;
        }
    }

    async fn found(&mut self, found: Found, looks: &mpsc::Sender<Looked>) {
        if let Some(names) = found.names.filter(|names| *names != self.names) {
            self.names = names.clone();
            self.tell(Signal::MemberNames(names)).await;
        }
        for answered in found.answered {
            self.answered(answered, looks).await;
        }
        for missed in found.missed {
            self.missed(missed).await;
        }
        let all = found.members.is_some_and(|members| self.keys.len() >= members);
        self.leadership.all_are_asked(all);
        self.watched.send_modify(|watched| watched.begun = true);
    }

    async fn answered(&mut self, answered: Answered, looks: &mpsc::Sender<Looked>) {
        let Answered { api, name, given } = answered;
        self.given.retain(|given| given.url() != api.url());
        let was_missed = self.told.remove(api.url());
        // It may be one that is watched already, under the URL by which it was found.
        if name.is_none() && self.has_found {
            let (member, url) = (None, api.url().to_owned());
            let reason = "it does not tell which member it is".to_owned();
            self.missed(Missed { api_url: url, name: member, reason, given: false }).await;
            return;
        }
        let key = name.clone().unwrap_or_else(|| api.url().to_owned());
        if self.keys.len() >= MEMBERS_MAX || !self.keys.insert(key.clone()) {
            return;
        }
        self.has_nameless |= name.is_none();
        self.has_found |= !given;
        self.apis.push(api.clone());
        self.leadership.expect(&key);
        if was_missed {
            let (member, url) = (name.clone(), api.url().to_owned());
            let reached = ApiReached { member, url, error: None, watched: true };
            self.tell(Signal::PatroniApi { at: self.clock.now(), reached }).await;
        }
        let looker = Looker { key, name, api, clock: self.clock, looks: looks.clone() };
        self.tasks.spawn(looker.run());
    }

    /// Tells once that an API cannot be watched now.
    async fn missed(&mut self, missed: Missed) {
        let Missed { api_url: url, name: member, reason, given } = missed;
        if self.told.insert(url.clone()) {
            let reached = ApiReached { member, url, error: Some(reason), watched: given };
            self.tell(Signal::PatroniApi { at: self.clock.now(), reached }).await;
        }
    }

    async fn tell(&self, signal: Signal) {
        // The recorder outlives the watch.
        let _ = self.recorder.send(signal).await;
    }
}
