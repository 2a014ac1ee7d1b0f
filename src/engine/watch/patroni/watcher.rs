//! The task that owns what is known of the members, and starts the looks at them.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::bounds::{FIND_AGAIN, FIND_EVERY, MEMBERS_MAX};
use super::discovery::{Answered, Discovered, Missed, Question, find};
use super::handle::{PatroniWatch, Watched};
use super::looker::{Looked, Looker};
use crate::engine::signal::Signal;
use crate::engine::teller::Teller;
use crate::engine::watch::told_reason::ToldReason;
use crate::model::cluster::leader_key::LeaderKeyWatch;
use crate::model::cluster::leadership::{Leadership, LookAnswer};
use crate::model::cluster::member_names::MemberNames;
use crate::model::cluster::member_states::MemberStates;
use crate::model::cluster::software::{MemberSoftware, PatroniSettings};
use crate::model::cluster::store_view::StoreView;
use crate::model::event::{ApiReached, What};
use crate::model::prediction::in_force::in_force;
use crate::model::prediction::release::common_release;
use crate::patroni::PatroniApi;
use crate::patroni::cluster_state::are_all_asked;

/// Looks that wait to be taken in.
const LOOKS_WAITING: usize = 256;

/// A member that is looked at.
struct WatchedMember {
    name: Option<String>,
    api: PatroniApi,
    /// Its URL was given, not found.
    given: bool,
    /// The URL by which `/cluster` named it first.
    named_at: Option<String>,
    looking: AbortHandle,
}

/// The task that owns what is known.
pub(crate) struct PatroniWatcher {
    teller: Teller,
    watched: watch::Sender<Watched>,
    leadership: Leadership,
    key: LeaderKeyWatch,
    /// What each member knows of the store.
    stores: BTreeMap<String, StoreView>,
    states: MemberStates,
    names: MemberNames,
    /// What each member was told to run, and Patroni to be set.
    software: BTreeMap<String, MemberSoftware>,
    settings: Option<PatroniSettings>,
    /// A task for each member that is looked at, and one that finds them.
    tasks: JoinSet<()>,
    /// The members that are looked at, by their names, or URLs where they have none.
    members: BTreeMap<String, WatchedMember>,
    /// The system identifier of their cluster, once one that was given has told it.
    identifier: Option<String>,
    /// APIs that were given and never answered so far.
    given: Vec<PatroniApi>,
    /// URLs of which it was told that they cannot be reached, and why.
    told: BTreeMap<String, ToldReason>,
    /// It was told that there are more members than are asked.
    told_more: bool,
}

/// A watch over these APIs, and a handle to it.
pub(crate) fn watcher(apis: Vec<PatroniApi>, teller: Teller) -> (PatroniWatcher, PatroniWatch) {
    let (watched, handle) = watch::channel(Watched::default());
    let watcher = PatroniWatcher {
        teller,
        watched,
        leadership: Leadership::default(),
        key: LeaderKeyWatch::default(),
        stores: BTreeMap::new(),
        states: MemberStates::default(),
        names: MemberNames::default(),
        software: BTreeMap::new(),
        settings: None,
        tasks: JoinSet::new(),
        members: BTreeMap::new(),
        identifier: None,
        given: apis,
        told: BTreeMap::new(),
        told_more: false,
    };
    (watcher, PatroniWatch(handle))
}

impl PatroniWatcher {
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

    fn find(&mut self, finds: mpsc::Sender<Discovered>) {
        while self.tasks.try_join_next().is_some() {}
        let question = self.question();
        self.tasks.spawn(async move {
            // The watch may have ended; ignore the send error.
            let _ = finds.send(find(question).await).await;
        });
    }

    fn question(&self) -> Question {
        let members = || self.members.values();
        let identifies = |member: &&WatchedMember| member.given && self.identifier.is_none();
        Question {
            given: self.given.clone(),
            watched: members().map(|member| member.api.clone()).collect(),
            known: self
                .members
                .iter()
                .map(|(key, one)| (key.clone(), one.named_at.clone()))
                .collect(),
            identifier: self.identifier.clone(),
            can_identify: members().filter(identifies).map(|member| member.api.clone()).collect(),
            may_find: members().all(|member| member.name.is_some()),
        }
    }

    async fn looked(&mut self, mut looked: Looked) {
        self.take_no_lost_store_for_a_free_key(&mut looked);
        if let Some(changed) = self.leadership.look(&looked.key, &looked.look) {
            self.teller.tell(Signal::Leader { at: looked.look.at, seen: changed }).await;
        }
        if let Some(key) = self.key.look(&looked.key, &looked.look) {
            self.teller.fact_at(looked.look.at, What::LeaderKey(key)).await;
        }
        if let Some(seen) = self.states.look(&looked.key, &looked.look) {
            self.teller.fact_at(looked.look.at, What::MemberChanged(seen)).await;
        }
        if let Some(software) = looked.software {
            self.runs(software).await;
        }
        self.watched.send_modify(|watched| {
            watched.old_primaries.look(&looked.key, &looked.look);
            if let Some(start) = looked.start {
                watched.starts.insert(looked.key.clone(), start);
            }
        });
        if let Some(reached) = looked.reached {
            self.teller.fact_at(looked.look.at, What::PatroniApi(reached)).await;
        }
    }

    /// Leaves no member's word that the key is free unless it knows.
    fn take_no_lost_store_for_a_free_key(&mut self, looked: &mut Looked) {
        let LookAnswer::Status(status) = &mut looked.look.answer else { return };
        let told = self.settings.unwrap_or(PatroniSettings::BY_DEFAULT);
        let versions = self.software.values().map(|software| &*software.patroni);
        let settings = in_force(&told, common_release(versions)).settings;
        let reads_every =
            Duration::from_secs(settings.loop_wait_s.saturating_add(settings.retry_timeout_s));
        let view = self.stores.entry(looked.key.clone()).or_default();
        status.key = view.known(looked.look.asked, status, reads_every);
    }

    /// Tells what a member runs, unless it was told so. A PostgreSQL that starts tells no version.
    async fn runs(&mut self, mut software: MemberSoftware) {
        let before = self.software.get(&software.member);
        software.postgresql =
            software.postgresql.or_else(|| before.and_then(|before| before.postgresql));
        if before != Some(&software) {
            self.software.insert(software.member.clone(), software.clone());
            self.teller.fact(What::MemberSoftware(software)).await;
        }
    }

    /// Tells Patroni's settings, unless they were told so.
    async fn set_so(&mut self, settings: PatroniSettings) {
        if self.settings.replace(settings) != Some(settings) {
            self.teller.fact(What::PatroniSettings(settings)).await;
        }
    }

    async fn found(&mut self, found: Discovered, looks: &mpsc::Sender<Looked>) {
        let names = found.names.map(|names| names.or_of_before(&self.names));
        if let Some(names) = names.filter(|names| *names != self.names) {
            self.names = names.clone();
            self.teller.tell(Signal::MemberNames(names)).await;
        }
        self.identifier = found.identifier;
        if let Some(settings) = found.settings {
            self.set_so(settings).await;
        }
        for answered in found.answered {
            self.answered(answered, looks).await;
        }
        for moved in found.moved {
            self.moved(moved, looks);
        }
        for (key, member) in &mut self.members {
            member.named_at = member.named_at.take().or_else(|| found.urls.get(key).cloned());
        }
        for missed in found.missed {
            self.missed(missed).await;
        }
        if found.left_out > 0 {
            let more = found.left_out;
            self.more(format!("{more} more, which are not asked")).await;
        }
        // Without its store Patroni may name none: what it named last holds.
        if let Some(members) = found.members.filter(|members| !members.is_empty()) {
            self.leadership.all_are_asked(found.left_out == 0 && self.are_looked_at(&members));
        }
        let apis: Vec<PatroniApi> =
            self.members.values().map(|member| member.api.clone()).collect();
        let identifier = self.identifier.clone();
        self.watched.send_modify(|watched| {
            watched.begun = true;
            watched.apis = apis;
            watched.identifier = identifier;
            // While Patroni's store is away, the list lacks members that are there.
            for server in found.servers {
                let is_known = watched.servers.contains_key(&server.member);
                if is_known || watched.servers.len() < MEMBERS_MAX {
                    watched.servers.insert(server.member.clone(), server);
                }
            }
        });
    }

    fn are_looked_at(&self, members: &[String]) -> bool {
        let unnamed = self.members.values().filter(|member| member.name.is_none()).count();
        let members = members.iter().map(String::as_str);
        are_all_asked(members, |name| self.members.contains_key(name), unnamed)
    }

    async fn answered(&mut self, answered: Answered, looks: &mpsc::Sender<Looked>) {
        let (name, url) = (answered.name.clone(), answered.api.url().to_owned());
        self.given.retain(|given| given.url() != url);
        let was_missed = self.told.remove(&url).is_some();
        // Without a name it may be a member that is already watched under another URL.
        if name.is_none() && self.members.values().any(|member| !member.given) {
            let reason = "it does not tell which member it is".to_owned();
            self.missed(Missed { api_url: url, name, reason, given: false }).await;
            return;
        }
        let key = name.clone().unwrap_or_else(|| url.clone());
        if self.members.len() >= MEMBERS_MAX || self.members.contains_key(&key) {
            return;
        }
        self.leadership.expect(&key);
        if was_missed {
            let reached = ApiReached { member: name, url, error: None, watched: true };
            self.teller.fact(What::PatroniApi(reached)).await;
        }
        self.look_at(key, answered, false, looks);
    }

    /// Looks at a member where it is now, and no longer where it was.
    fn moved(&mut self, moved: Answered, looks: &mpsc::Sender<Looked>) {
        let Some(key) = moved.name.clone() else { return };
        if let Some(before) = self.members.remove(&key) {
            before.looking.abort();
            self.told.remove(moved.api.url());
            self.look_at(key, moved, true, looks);
        }
    }

    fn look_at(
        &mut self,
        key: String,
        answered: Answered,
        told: bool,
        looks: &mpsc::Sender<Looked>,
    ) {
        let Answered { api, name, given } = answered;
        let looker = Looker {
            key: key.clone(),
            name: name.clone(),
            api: api.for_looks(),
            clock: self.teller.clock,
            looks: looks.clone(),
            told,
        };
        let looking = self.tasks.spawn(looker.run());
        self.members.insert(key, WatchedMember { name, api, given, named_at: None, looking });
    }

    /// Tells that an API cannot be watched now, once for each reason that lasts.
    async fn missed(&mut self, missed: Missed) {
        let Missed { api_url: url, name: member, reason, given } = missed;
        // Given APIs are few, so no limit holds for them.
        if !given && self.told.len() >= MEMBERS_MAX && !self.told.contains_key(&url) {
            return self.more("others from look to look, which are not told".to_owned()).await;
        }
        if self.told.entry(url.clone()).or_default().cannot_be_asked(&reason, true) {
            let reached = ApiReached { member, url, error: Some(reason), watched: given };
            self.teller.fact(What::PatroniApi(reached)).await;
        }
    }

    /// Tells once that there is more than is watched and told.
    async fn more(&mut self, words: String) {
        if !std::mem::replace(&mut self.told_more, true) {
            let message = format!("Patroni names more than {MEMBERS_MAX} members: and {words}");
            self.teller.warn(message).await;
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
