//! The task that owns what is known of the members' servers, and starts looks and witnesses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::discovery::{MEMBERS_MAX, NotTaken, Place, Probed, probe};
use super::looker::{DEADLINE, MemberLooked, MemberLooker};
use super::plan::MembersPlan;
use crate::engine::dialer::Dialer;
use crate::engine::teller::Teller;
use crate::engine::watch::connect_pace::ConnectPace;
use crate::engine::watch::patroni::PatroniWatch;
use crate::engine::watch::witness::Witness;
use crate::model::cluster::member_looks::{LoadedCluster, MemberLooks};
use crate::model::cluster::member_servers::MemberServerState;
use crate::model::event::What;
use crate::pg::sessions::application_name::Purpose;
use crate::pg::settings::ConnectSettings;

/// How often members are looked for that only Patroni names.
const FIND_EVERY: Duration = Duration::from_secs(1);

/// How long the end of the run waits for what these tasks have yet to tell.
const END_DEADLINE: Duration = Duration::from_millis(500);

/// Looks that wait to be taken in.
const LOOKS_WAITING: usize = 256;

/// Watches members at their own addresses.
pub(crate) struct MembersWatcher {
    pub(crate) run_id: Uuid,
    pub(crate) plan: MembersPlan,
    /// What the load writes to.
    pub(crate) loaded: LoadedCluster,
    /// The run of the witnesses, where there are to be some.
    pub(crate) witness: Option<Uuid>,
    pub(crate) teller: Teller,
    /// Patroni's API, where it is watched.
    pub(crate) patroni: Option<PatroniWatch>,
}

/// What is known, and what runs.
struct Watching {
    watcher: MembersWatcher,
    looks: MemberLooks,
    looked: mpsc::Sender<MemberLooked>,
    /// The members that are watched, where Patroni names them, and what ends their tasks.
    members: BTreeMap<String, WatchedServer>,
    /// Of which it was told that they cannot be watched from here.
    told: BTreeMap<String, String>,
    /// When each of these is tried again: one that refuses ever less often.
    again: BTreeMap<(String, Place), (ConnectPace, Instant)>,
    tasks: JoinSet<()>,
    ending: CancellationToken,
    /// The next witness's number.
    number: i32,
}

struct WatchedServer {
    /// `None`: the user named it.
    place: Option<Place>,
    number: i32,
    ending: CancellationToken,
}

impl MembersWatcher {
    /// Watches until the load stops.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let (looked, looks) = mpsc::channel(LOOKS_WAITING);
        let mut watching = Watching {
            watcher: self,
            looks: MemberLooks::default(),
            looked,
            members: BTreeMap::new(),
            told: BTreeMap::new(),
            again: BTreeMap::new(),
            tasks: JoinSet::new(),
            ending: CancellationToken::new(),
            number: 1,
        };
        tokio::select! {
            () = watching.watch_for_ever(looks) => {}
            () = stop.cancelled() => {}
        }
        watching.end().await;
    }
}

impl Watching {
    async fn watch_for_ever(&mut self, mut looks: mpsc::Receiver<MemberLooked>) {
        for named in std::mem::take(&mut self.watcher.plan.named) {
            self.watch(named.name, None, &named.settings, None);
        }
        let (finds, mut found) = mpsc::channel(1);
        let mut ticks = interval(FIND_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut finding = false;
        loop {
            tokio::select! {
                looked = looks.recv() => if let Some(looked) = looked {
                    self.looked(looked).await;
                },
                found = found.recv() => if let Some(found) = found {
                    self.found(found).await;
                    finding = false;
                },
                _ = ticks.tick(), if !finding && self.watcher.plan.auto.is_some() => {
                    finding = self.find(finds.clone());
                }
            }
        }
    }

    async fn looked(&mut self, looked: MemberLooked) {
        let at = looked.look.at;
        let (changed, position) = self.looks.look(&looked.member, &looked.look);
        if let Some(changed) = changed {
            self.watcher.teller.fact_at(at, What::MemberServer(changed)).await;
        }
        if let Some(position) = position {
            self.watcher.teller.fact_at(at, What::ReplayPosition(position)).await;
        }
    }

    /// Looks for members that only Patroni names; whether it does.
    fn find(&mut self, finds: mpsc::Sender<Vec<Probed>>) -> bool {
        while self.tasks.try_join_next().is_some() {}
        let Some((settings, patroni)) =
            self.watcher.plan.auto.clone().zip(self.watcher.patroni.clone())
        else {
            return false;
        };
        let watched =
            self.members.iter().map(|(name, one)| (name.clone(), one.place.clone())).collect();
        let now = Instant::now();
        let waits = self.again.iter().filter(|(_, (_, due))| *due > now);
        let not_yet = waits.map(|(place, _)| place.clone()).collect();
        let ending = self.ending.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                // The watch may have ended; ignore the send error.
                found = probe(patroni, settings, watched, not_yet) => drop(finds.send(found).await),
                () = ending.cancelled() => {}
            }
        });
        true
    }

    async fn found(&mut self, found: Vec<Probed>) {
        for Probed { member, place, result } in found {
            match result {
                Ok((settings, cluster)) => {
                    self.told.remove(&member);
                    self.again.remove(&(member.clone(), place.clone()));
                    self.watch(member, Some(place), &settings, cluster);
                }
                Err(NotTaken { is, reason }) => {
                    self.try_again(&member, &place, &is);
                    self.missed(member, &place, reason).await;
                }
            }
        }
    }

    fn try_again(&mut self, member: &str, place: &Place, is: &MemberServerState) {
        let there = (member.to_owned(), place.clone());
        if self.again.len() >= MEMBERS_MAX && !self.again.contains_key(&there) {
            // Places that are named no longer; those that are left begin anew.
            self.again.clear();
        }
        let first = (ConnectPace::new(FIND_EVERY, FIND_EVERY), Instant::now());
        let (pace, due) = self.again.entry(there).or_insert(first);
        pace.tried(is);
        // Ticks are a second apart: half of one early, so that none is missed by a little.
        let wait = pace.wait(&mut rand::rng()).saturating_sub(FIND_EVERY / 2);
        *due = Instant::now() + wait;
    }

    /// Tells that a member is left out, once.
    async fn missed(&mut self, member: String, (host, port): &Place, reason: String) {
        if self.told.contains_key(&member) || self.told.len() >= MEMBERS_MAX {
            return;
        }
        let words = format!(
            "--members auto: {member} is left out, as it cannot be watched at {host}:{port} from here: {reason}"
        );
        self.told.insert(member, reason);
        self.watcher.teller.warn(words).await;
    }

    /// Watches a member there from now on, and no longer where it was.
    fn watch(
        &mut self,
        member: String,
        place: Option<Place>,
        settings: &Arc<ConnectSettings>,
        by_patroni: Option<String>,
    ) {
        let loaded = LoadedCluster {
            identifier: self.watcher.loaded.identifier.clone().or(by_patroni),
            database: self.watcher.loaded.database.clone(),
        };
        let before = self.members.remove(&member);
        if before.is_none() && self.members.len() >= MEMBERS_MAX {
            return;
        }
        let number = before.as_ref().map_or(self.number, |before| before.number);
        match before {
            Some(before) => before.ending.cancel(),
            None => self.number += 1,
        }
        let ending = self.ending.child_token();
        let (run_id, teller) = (self.watcher.run_id, &self.watcher.teller);
        let dialer = |purpose| {
            Dialer::new(Arc::clone(settings), DEADLINE)
                .for_purpose(run_id, purpose)
                .telling_of_plaintext(teller.of_plaintext())
                .any_server()
        };
        let looker = MemberLooker {
            member: member.clone(),
            cluster: loaded.identifier.clone(),
            dialer: dialer(Purpose::Member),
            clock: teller.clock,
            looks: self.looked.clone(),
            ending: ending.clone(),
        };
        self.tasks.spawn(looker.run());
        if let Some(run_id) = self.watcher.witness {
            let dialer = dialer(Purpose::Witness);
            let witness = Witness::new(member.clone(), (run_id, number), dialer, teller.clone());
            self.tasks.spawn(witness.run(loaded, ending.clone()));
        }
        self.members.insert(member, WatchedServer { place, number, ending });
    }

    /// Ends every task; witnesses tell what they have yet to tell.
    async fn end(mut self) {
        self.ending.cancel();
        let all_ended = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(END_DEADLINE, all_ended).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}
