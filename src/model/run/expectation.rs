//! What a run's settings let expect of the parts of its outages, beside what was measured.

use std::time::Duration;

use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::load::options::LoadOptions;
use crate::model::outage::whose::{PartName, ShorterBy, WhoseSeconds};
use crate::model::prediction::advice::{Advice, Saving, advice};
use crate::model::prediction::client_waits::ClientWaits;
use crate::model::prediction::expected;
use crate::model::prediction::fault_kind::PredictedFault;
use crate::model::prediction::in_force::{PatroniInForce, in_force};
use crate::model::prediction::part::PredictedStep;
use crate::model::prediction::release::PatroniRelease;
use crate::model::run::software::Software;
use crate::model::span::Span;

/// A change that saves less of an outage than one part in so many is not told with it.
const WORTH_A_WORD: u32 = 10;

/// What is longer is no expectation: settings come from an API that may say anything.
const EXPECTED_MAX: Duration = Duration::from_secs(86_400);

/// Changes that are told with an outage.
const SHOWN: usize = 3;

/// The settings that decide how long an outage takes, as far as a run knows them.
#[derive(Debug)]
pub struct Expectation<'a> {
    software: &'a Software,
    proxy: Option<&'a ProxyChecks>,
    client: ClientWaits,
}

impl<'a> Expectation<'a> {
    /// From what a run knows: what Patroni's API told, the proxy's settings where they were given, its own.
    #[must_use]
    pub fn new(
        software: &'a Software,
        proxy: Option<&'a ProxyChecks>,
        options: &LoadOptions,
    ) -> Self {
        let client = ClientWaits {
            writers: options.writers,
            backoff_min: options.backoff_min,
            backoff_max: options.backoff_max,
            connect_timeout: options.connect_timeout,
            write_timeout: options.write_timeout,
        };
        Self { software, proxy, client }
    }

    /// Puts beside each part of an outage that began then how long the settings let expect it to be. A part for which they say nothing,
    /// or no worst case, has none.
    pub fn put_beside(&self, began: Duration, whose: &mut WhoseSeconds) {
        let Some(patroni) = self.in_force(began) else { return };
        for part in &mut whose.parts {
            let Some((step, faults)) = predicted(part.part) else { continue };
            let of_fault = |fault: &PredictedFault| self.step(&patroni, step, *fault);
            let spans = faults.iter().filter_map(of_fault);
            part.expected = spans.reduce(Span::or).filter(|span| span.to <= Some(EXPECTED_MAX));
            part.expected = part.expected.filter(|span| span.to.is_some());
        }
        whose.shorter = self.shorter(&patroni, whose);
    }

    /// What would have made the outage shorter, by as much that it is worth a word.
    fn shorter(&self, patroni: &PatroniInForce, whose: &WhoseSeconds) -> Vec<ShorterBy> {
        let Some(fault) = fault(whose) else { return Vec::new() };
        let lasted: Duration = whose.parts.iter().map(|part| part.lasted).sum();
        let of_knob = |advice: Advice| {
            let saves = match advice.saves.first()?.saved {
                Saving::Unbounded => None,
                Saving::Time { mean, .. } => Some(mean),
            };
            saves.is_none_or(|saves| saves >= lasted / WORTH_A_WORD).then(|| ShorterBy {
                change: advice.knob.change().to_owned(),
                place: advice.knob.place().to_owned(),
                saves,
                risk: advice.knob.risk().to_owned(),
            })
        };
        let all = advice(patroni, self.proxy, &self.client, &[fault]);
        all.into_iter().filter_map(of_knob).take(SHOWN).collect()
    }

    /// Patroni's settings in force when the outage began.
    fn in_force(&self, began: Duration) -> Option<PatroniInForce> {
        let settings = self.software.settings();
        let known = settings.iter().rev().find(|known| known.from <= began).or(settings.first())?;
        let servers = self.software.servers();
        let versions = || servers.iter().filter_map(|server| server.patroni.as_deref());
        // While members are upgraded one by one it is not known which rules hold.
        let agree = versions().all(|version| Some(version) == versions().next());
        let release = versions().next().filter(|_| agree).and_then(PatroniRelease::read);
        Some(in_force(&known.settings, release))
    }

    fn step(
        &self,
        patroni: &PatroniInForce,
        step: PredictedStep,
        fault: PredictedFault,
    ) -> Option<Span> {
        let prediction = expected(patroni, self.proxy, &self.client, fault);
        prediction.parts.iter().find(|part| part.step == step).map(|part| part.takes)
    }
}

/// The fault that an outage with these parts follows, where they tell.
fn fault(whose: &WhoseSeconds) -> Option<PredictedFault> {
    let has = |name| whose.parts.iter().any(|part| part.part == name);
    let by_parts = [
        (PartName::Store, PredictedFault::EtcdMajorityLost),
        (PartName::Noticing, PredictedFault::LeaderFrozen),
        (PartName::Lock, PredictedFault::LeaderKilled),
        (PartName::Handover, PredictedFault::Switchover),
        (PartName::Restart, PredictedFault::PostmasterCrashed),
        (PartName::ProxyGone, PredictedFault::ProxyGone),
    ];
    by_parts.into_iter().find(|(name, _)| has(*name)).map(|(_, fault)| fault)
}

/// The step that a part is, and the faults that have it.
fn predicted(part: PartName) -> Option<(PredictedStep, &'static [PredictedFault])> {
    use PredictedFault as F;
    const FAILOVERS: &[F] = &[F::LeaderKilled, F::LeaderFrozen, F::LeaderStopped, F::Switchover];
    Some(match part {
        PartName::Lock => (PredictedStep::LockExpires, &[F::LeaderKilled, F::LeaderFrozen]),
        PartName::Handover => (PredictedStep::LockReleased, &[F::LeaderStopped, F::Switchover]),
        PartName::Election => (PredictedStep::Election, FAILOVERS),
        PartName::Promotion => (PredictedStep::Promotion, FAILOVERS),
        PartName::Restart => (PredictedStep::CrashNoticed, &[F::PostmasterCrashed]),
        PartName::Recovery => (PredictedStep::Recovery, &[F::PostmasterCrashed]),
        PartName::ProxyChecks => (PredictedStep::ProxyChecks, FAILOVERS),
        PartName::ProxyHold => (PredictedStep::HeldConnects, FAILOVERS),
        PartName::Noticing => (PredictedStep::SilentSessions, &[F::LeaderFrozen]),
        PartName::Reconnect => (PredictedStep::Reconnect, FAILOVERS),
        PartName::Store
        | PartName::Silence
        | PartName::Refusal
        | PartName::Ended
        | PartName::Cluster
        | PartName::ProxyGone
        | PartName::Way
        | PartName::Unsplit => return None,
    })
}
