//! Which parts the outage after a fault has.

use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::outage::whose::owner::Owner;
use crate::model::prediction::client_waits::ClientWaits;
use crate::model::prediction::fault_kind::PredictedFault;
use crate::model::prediction::in_force::PatroniInForce;
use crate::model::prediction::part::{PredictedPart, PredictedStep, Prediction, UnknownInfluence};
use crate::model::prediction::terms;
use crate::model::span::Span;

/// The outage that these settings let expect after a fault. `proxy` is `None` where it is not known: then
/// its parts are left out, and that is said.
#[must_use]
pub fn expected(
    patroni: &PatroniInForce,
    proxy: Option<&ProxyChecks>,
    client: &ClientWaits,
    fault: PredictedFault,
) -> Prediction {
    let settings = Settings { patroni, proxy, client };
    let mut outage = Parts::default();
    let mut writes_on = Span::NONE;
    match fault {
        PredictedFault::LeaderKilled => settings.leader_killed(&mut outage),
        PredictedFault::LeaderStopped => settings.leader_stopped(&mut outage),
        PredictedFault::LeaderFrozen => settings.leader_frozen(&mut outage),
        PredictedFault::Switchover => {
            writes_on = terms::SWITCHOVER_ACCEPTED;
            settings.switchover(&mut outage);
        }
        // Writes go on: no part.
        PredictedFault::EtcdMajorityLost if settings.survives_etcd() => {}
        PredictedFault::EtcdMajorityLost => {
            writes_on = match proxy.filter(|_| patroni.settings.pause) {
                Some(proxy) => terms::leads_on(patroni).then(terms::refusing_leaves(proxy)),
                None => terms::until_demotion(patroni),
            };
            settings.etcd_lost(&mut outage);
        }
        PredictedFault::ProxyGone => settings.proxy_gone(&mut outage),
        PredictedFault::PostmasterCrashed => settings.postmaster_crashed(&mut outage),
    }
    Prediction { fault, writes_on, parts: outage.parts, unknown: settings.unknown(fault) }
}

/// The parts so far.
#[derive(Default)]
struct Parts {
    parts: Vec<PredictedPart>,
}

impl Parts {
    fn add(&mut self, step: PredictedStep, owner: Owner, takes: Span) {
        if !takes.is_none() {
            self.parts.push(PredictedPart { step, owner, takes });
        }
    }

    fn sum(&self) -> Span {
        self.parts.iter().fold(Span::NONE, |sum, part| sum.then(part.takes))
    }
}

/// What decides.
struct Settings<'a> {
    patroni: &'a PatroniInForce,
    proxy: Option<&'a ProxyChecks>,
    client: &'a ClientWaits,
}

impl Settings<'_> {
    fn leader_killed(&self, outage: &mut Parts) {
        self.lock_of_the_lost(outage);
        outage.add(PredictedStep::Election, Owner::Patroni, terms::ELECTION);
        self.promoted(outage);
        self.held_by_one_that_stays_away(outage);
        self.reconnected(outage);
    }

    fn leader_stopped(&self, outage: &mut Parts) {
        if self.patroni.settings.pause {
            outage.add(PredictedStep::Pause, Owner::Patroni, Span::UNBOUNDED);
        } else {
            outage.add(PredictedStep::LockReleased, Owner::Postgresql, terms::SHUTDOWN);
        }
        let election = terms::ELECTION_BESIDE_STOPPING;
        outage.add(PredictedStep::Election, Owner::Patroni, election);
        self.promoted(outage);
        self.held_by_one_that_stays_away(outage);
        self.reconnected(outage);
    }

    fn leader_frozen(&self, outage: &mut Parts) {
        self.lock_of_the_lost(outage);
        outage.add(PredictedStep::Election, Owner::Patroni, terms::ELECTION_BESIDE_MUTE);
        self.promoted(outage);
        let silent = terms::silent_session(self.client, self.proxy);
        // Beside all that: what is left of it.
        let left = silent.beyond(outage.sum());
        let passed = outage.sum().from.saturating_add(left.to.unwrap_or_default());
        outage.add(PredictedStep::SilentSessions, Owner::Client, left);
        let hangs = terms::connect_beside_frozen(self.client, self.proxy, passed);
        if self.proxy.is_some() {
            outage.add(PredictedStep::HeldConnects, Owner::Proxy, hangs);
            self.reconnected(outage);
        } else {
            let back = terms::backoff(self.client).then(hangs);
            outage.add(PredictedStep::Reconnect, Owner::Client, back);
        }
    }

    fn switchover(&self, outage: &mut Parts) {
        outage.add(PredictedStep::LockReleased, Owner::Postgresql, terms::SHUTDOWN);
        outage.add(PredictedStep::Election, Owner::Patroni, terms::ELECTION);
        self.promoted(outage);
        self.held(outage);
        self.reconnected(outage);
    }

    fn etcd_lost(&self, outage: &mut Parts) {
        outage.add(PredictedStep::EtcdAway, Owner::Etcd, Span::UNBOUNDED);
        let renewed = terms::lock_renewed(self.patroni);
        outage.add(PredictedStep::LockRenewed, Owner::Patroni, renewed);
        // A paused one was not demoted.
        match self.patroni.settings.pause {
            true => self.found_by_the_proxy(outage),
            false => self.promoted(outage),
        }
        self.reconnected(outage);
    }

    fn proxy_gone(&self, outage: &mut Parts) {
        outage.add(PredictedStep::ProxyAway, Owner::Proxy, Span::UNBOUNDED);
        outage.add(PredictedStep::ProxyStarts, Owner::Proxy, terms::PROXY_STARTS);
        self.reconnected(outage);
    }

    fn postmaster_crashed(&self, outage: &mut Parts) {
        if self.patroni.settings.pause {
            outage.add(PredictedStep::Pause, Owner::Patroni, Span::UNBOUNDED);
        }
        let noticed = terms::crash_noticed(self.patroni);
        outage.add(PredictedStep::CrashNoticed, Owner::Patroni, noticed);
        if self.patroni.settings.primary_start_timeout_s == Some(0) {
            outage.add(PredictedStep::Election, Owner::Patroni, terms::ELECTION);
            self.promoted(outage);
            self.held(outage);
        } else {
            outage.add(PredictedStep::Recovery, Owner::Postgresql, terms::RECOVERY);
            let held = self.proxy.map_or(Span::NONE, terms::held_until_next_try);
            outage.add(PredictedStep::HeldConnects, Owner::Proxy, held);
        }
        self.reconnected(outage);
    }

    /// A failsafe leader goes on, and so does one in maintenance mode (`_handle_dcs_error` in Patroni's `ha.py`). But while an
    /// etcd of the lost majority still answers it, this one has a cluster in which the key is no longer its own
    /// (`do_GET` in Patroni's `api.py`): then a proxy takes it for down.
    fn survives_etcd(&self) -> bool {
        let loses_sessions = self.proxy.is_some_and(|proxy| proxy.shuts_sessions_down);
        self.patroni.is_failsafe() || (self.patroni.settings.pause && !loses_sessions)
    }

    fn lock_of_the_lost(&self, outage: &mut Parts) {
        if self.patroni.settings.pause {
            outage.add(PredictedStep::Pause, Owner::Patroni, Span::UNBOUNDED);
        } else {
            let lapses = terms::lock_expires(self.patroni);
            outage.add(PredictedStep::LockExpires, Owner::Patroni, lapses);
        }
    }

    fn promoted(&self, outage: &mut Parts) {
        outage.add(PredictedStep::Promotion, Owner::Postgresql, terms::PROMOTION);
        self.found_by_the_proxy(outage);
    }

    fn found_by_the_proxy(&self, outage: &mut Parts) {
        if let Some(proxy) = self.proxy {
            let found = terms::proxy_finds(proxy);
            outage.add(PredictedStep::ProxyChecks, Owner::Proxy, found);
        }
    }

    /// The first connects were given to the dead server while it was up. They are held beside all that: what
    /// is left of it.
    fn held(&self, outage: &mut Parts) {
        if let Some(proxy) = self.proxy {
            let left = terms::held_connect(proxy).beyond(outage.sum());
            outage.add(PredictedStep::HeldConnects, Owner::Proxy, left);
        }
    }

    /// The same of a server that stays away: where checks are slow it is still up when the new leader is, so that
    /// every connect until then was given to it, the last one a moment before.
    fn held_by_one_that_stays_away(&self, outage: &mut Parts) {
        if let Some(proxy) = self.proxy {
            let (held, passed) = (terms::held_connect(proxy), outage.sum());
            let left = held.beyond(passed);
            let still_up = terms::refusing_leaves(proxy).less(passed.from);
            let to = still_up.to.min(held.to).max(left.to);
            outage.add(PredictedStep::HeldConnects, Owner::Proxy, Span { to, ..left });
        }
    }

    fn reconnected(&self, outage: &mut Parts) {
        outage.add(PredictedStep::Reconnect, Owner::Client, terms::backoff(self.client));
    }

    fn unknown(&self, fault: PredictedFault) -> Vec<UnknownInfluence> {
        use PredictedFault as F;
        use UnknownInfluence as U;
        let settings = &self.patroni.settings;
        let is_failover = matches!(fault, F::LeaderKilled | F::LeaderStopped | F::LeaderFrozen);
        let changes_leader = is_failover || fault == F::Switchover;
        let is_etcd = fault == F::EtcdMajorityLost;
        let by_patroni = fault != F::ProxyGone;
        let all = [
            (self.proxy.is_none() && by_patroni, U::ProxyChecks),
            (self.patroni.release.is_none() && by_patroni, U::PatroniVersion),
            (settings.pause && by_patroni && fault != F::Switchover, U::Paused),
            (matches!(fault, F::LeaderStopped | F::Switchover), U::ShutdownCheckpoint),
            (fault == F::PostmasterCrashed, U::CrashRecovery),
            (changes_leader, U::PromotionWaits),
            (fault == F::LeaderKilled, U::LostMachine),
            (is_failover && !settings.synchronous_mode, U::ReplicasBehind),
            (changes_leader && settings.synchronous_mode, U::SynchronousStandby),
            (is_etcd && self.patroni.is_failsafe(), U::FailsafeMembers),
            (is_etcd && !self.survives_etcd(), U::EtcdBackSoon),
            (is_etcd && !self.survives_etcd() && settings.pause, U::PausedWithoutEtcd),
            (fault == F::ProxyGone, U::ProxyRestart),
        ];
        all.into_iter().filter(|(holds, _)| *holds).map(|(_, unknown)| unknown).collect()
    }
}
