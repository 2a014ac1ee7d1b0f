//! What a run's settings let expect of the parts of its outages, beside what was measured.

use std::time::Duration;

use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::load::options::LoadOptions;
use crate::model::outage::Outage;
use crate::model::outage::kind::Kind;
use crate::model::outage::whose::{OutagePart, Owner, PartName, ShorterBy, WhoseSeconds};
use crate::model::prediction::advice::{Advice, Saving, advice};
use crate::model::prediction::client_waits::ClientWaits;
use crate::model::prediction::expected;
use crate::model::prediction::fault_kind::PredictedFault;
use crate::model::prediction::in_force::PatroniInForce;
use crate::model::prediction::part::PredictedStep;
use crate::model::run::software::Software;
use crate::model::span::Span;

/// A change that saves less of an outage than one part in so many is not told with it.
const WORTH_A_WORD: u32 = 10;

/// What is longer is no expectation: settings come from an API that may say anything.
const EXPECTED_MAX: Duration = Duration::from_secs(86_400);

/// Of a frozen server a session is silent for longer.
const NOTICED_LATE: Duration = Duration::from_secs(1);

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

    /// Puts beside each part of an outage how long the settings let expect it to be. A part for which they say nothing,
    /// or no worst case, has none.
    pub fn put_beside(&self, outage: &Outage, whose: &mut WhoseSeconds) {
        let Some(patroni) = self.software.in_force(outage.began) else { return };
        let seen = faults(outage.kind, whose);
        for part in &mut whose.parts {
            // No member is elected before a paused Patroni is resumed, and when that is no setting tells.
            if patroni.settings.pause && part.part == PartName::Election {
                continue;
            }
            let Some(step) = predicted(part.part) else { continue };
            let of_fault = |fault: &PredictedFault| self.step(&patroni, step, *fault);
            // Where the parts tell nothing it can be after any fault that has such a step.
            let fits = |fault: &&PredictedFault| seen.is_empty() || seen.contains(fault);
            let spans = PredictedFault::ALL.iter().filter(fits).filter_map(of_fault);
            part.expected = spans.reduce(Span::or).filter(|span| span.to <= Some(EXPECTED_MAX));
            part.expected = part.expected.filter(|span| span.to.is_some());
        }
        for pieces in whose.parts.chunk_by_mut(|one, next| one.part == next.part) {
            expect_once(pieces);
        }
        whose.shorter = self.shorter(&patroni, outage.kind, whose);
    }

    /// What would have made the outage shorter, by as much that it is worth a word.
    fn shorter(
        &self,
        patroni: &PatroniInForce,
        kind: Kind,
        whose: &WhoseSeconds,
    ) -> Vec<ShorterBy> {
        let Some(fault) = faults(kind, whose).first() else { return Vec::new() };
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
        let all = advice(patroni, self.proxy, &self.client, &[*fault]);
        all.into_iter().filter_map(of_knob).take(SHOWN).collect()
    }

    fn step(
        &self,
        patroni: &PatroniInForce,
        step: PredictedStep,
        fault: PredictedFault,
    ) -> Option<Span> {
        let prediction = expected(patroni, self.proxy, &self.client, fault);
        let takes =
            prediction.parts.iter().find(|part| part.step == step).map(|part| part.takes)?;
        let may_wait =
            step == PredictedStep::Promotion && fault == PredictedFault::EtcdMajorityLost;
        // A leader that still gives up renews its key, and is promoted in the loop after that: only the two together
        // are bounded.
        let loop_wait = Duration::from_secs(patroni.settings.loop_wait_s);
        Some(if may_wait { takes.then(Span::new(Duration::ZERO, loop_wait)) } else { takes })
    }
}

/// Of one step that several had, the last one has what is left to expect. Where the others took longer than all of it may,
/// the whole stands beside the longest of them.
fn expect_once(pieces: &mut [OutagePart]) {
    let Some((last, earlier)) = pieces.split_last_mut() else { return };
    let passed: Duration = earlier.iter().map(|part| part.lasted).sum();
    earlier.iter_mut().for_each(|part| part.expected = None);
    let Some(whole) = last.expected else { return };
    last.expected = Some(whole.less(passed));
    if whole.to < Some(passed)
        && let Some(longest) = earlier.iter_mut().max_by_key(|part| part.lasted)
    {
        longest.expected = Some(whole);
        last.expected = None;
    }
}

/// The faults that an outage with these parts can follow, the likeliest first; none where they do not tell.
fn faults(kind: Kind, whose: &WhoseSeconds) -> &'static [PredictedFault] {
    use PredictedFault as F;
    let handed_over: &[F] =
        if kind == Kind::Switchover { &[F::Switchover] } else { &[F::LeaderStopped] };
    let lasted = |name| -> Duration {
        whose.parts.iter().filter(|part| part.part == name).map(|part| part.lasted).sum()
    };
    // Patroni gives the key of a crashed server back; one that it stops may be gone before it says so.
    let is_patronis =
        |part: &OutagePart| part.part == PartName::Restart && part.owners == [Owner::Patroni];
    let crashed = whose.parts.iter().any(is_patronis)
        && lasted(PartName::Restart) > lasted(PartName::Handover);
    // A busy client notices the end of its sessions a moment late.
    let frozen = lasted(PartName::Noticing) > NOTICED_LATE;
    let handed_over = if crashed { &[F::PostmasterCrashed] } else { handed_over };
    let has = |name| whose.parts.iter().any(|part| part.part == name);
    let by_parts: [(PartName, &[F]); 6] = [
        (PartName::Store, &[F::EtcdMajorityLost]),
        (
            PartName::Lock,
            if frozen { &[F::LeaderFrozen] } else { &[F::LeaderKilled, F::LeaderFrozen] },
        ),
        (PartName::Noticing, &[F::LeaderFrozen]),
        (PartName::Handover, handed_over),
        (PartName::Restart, if crashed { &[F::PostmasterCrashed] } else { &[] }),
        (PartName::ProxyGone, &[F::ProxyGone]),
    ];
    by_parts.into_iter().find(|(name, _)| has(*name)).map(|(_, faults)| faults).unwrap_or_default()
}

/// The step that a part is.
fn predicted(part: PartName) -> Option<PredictedStep> {
    Some(match part {
        PartName::Lock => PredictedStep::LockExpires,
        PartName::Handover => PredictedStep::LockReleased,
        PartName::Election => PredictedStep::Election,
        PartName::Promotion => PredictedStep::Promotion,
        PartName::Restart => PredictedStep::CrashNoticed,
        PartName::Recovery => PredictedStep::Recovery,
        PartName::ProxyChecks => PredictedStep::ProxyChecks,
        PartName::ProxyHold => PredictedStep::HeldConnects,
        PartName::Noticing => PredictedStep::SilentSessions,
        PartName::Reconnect => PredictedStep::Reconnect,
        PartName::Store
        | PartName::Paused
        | PartName::Silence
        | PartName::Refusal
        | PartName::Ended
        | PartName::Cluster
        | PartName::ProxyGone
        | PartName::Way
        | PartName::Unsplit => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cluster::software::{MemberSoftware, PatroniSettings};
    use crate::model::event::{Event, What};

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn part(part: PartName, owner: Owner, lasted: u64) -> OutagePart {
        OutagePart {
            part,
            owners: vec![owner],
            from: Duration::ZERO,
            lasted: ms(lasted),
            within: Duration::ZERO,
            expected: None,
        }
    }

    /// The parts of an outage of this kind, with what is expected of each and what would shorten it, under Patroni's
    /// defaults.
    fn beside(kind: Kind, parts: Vec<OutagePart>) -> WhoseSeconds {
        beside_under(PatroniSettings::BY_DEFAULT, kind, parts)
    }

    fn beside_under(settings: PatroniSettings, kind: Kind, parts: Vec<OutagePart>) -> WhoseSeconds {
        let mut software = Software::default();
        let settings = What::PatroniSettings(settings);
        let member = What::MemberSoftware(MemberSoftware {
            member: "patroni1".to_owned(),
            patroni: "3.0.2".to_owned(),
            postgresql: None,
        });
        for what in [settings, member] {
            software.apply(&Event { at: ms(1), what });
        }
        let mut whose = WhoseSeconds { parts, shorter: Vec::new() };
        let outage = Outage { kind, began: ms(10_000), ..Outage::default() };
        let options = LoadOptions::closed_loop();
        Expectation::new(&software, None, &options).put_beside(&outage, &mut whose);
        whose
    }

    fn changes(whose: &WhoseSeconds) -> Vec<&str> {
        whose.shorter.iter().map(|one| one.change.as_str()).collect()
    }

    #[test]
    fn no_election_is_expected_of_a_patroni_that_is_paused() {
        let parts = || {
            vec![
                part(PartName::Lock, Owner::Patroni, 25_000),
                part(PartName::Election, Owner::Patroni, 12_800),
            ]
        };
        let election = |pause| {
            let settings = PatroniSettings { pause, ..PatroniSettings::BY_DEFAULT };
            beside_under(settings, Kind::Failover, parts()).parts[1].expected
        };
        assert!(election(false).is_some());
        assert_eq!(election(true), None);
    }

    #[test]
    fn what_two_had_of_one_step_is_expected_once() {
        let whose = beside(
            Kind::Switchover,
            vec![
                part(PartName::Handover, Owner::Postgresql, 100),
                part(PartName::Handover, Owner::Patroni, 1_070),
                part(PartName::Election, Owner::Patroni, 100),
            ],
        );
        let expected: Vec<Option<Span>> = whose.parts.iter().map(|part| part.expected).collect();
        assert_eq!(expected[..2], [None, Some(Span::of_ms(1_000, 1_300))]);
        assert!(expected[2].is_some());
    }

    #[test]
    fn a_shutdown_that_took_too_long_is_what_is_measured_by_it() {
        let whose = beside(
            Kind::Switchover,
            vec![
                part(PartName::Handover, Owner::Postgresql, 2_000),
                part(PartName::Handover, Owner::Patroni, 900),
            ],
        );
        let expected: Vec<Option<Span>> = whose.parts.iter().map(|part| part.expected).collect();
        assert_eq!(expected, [Some(Span::of_ms(1_100, 1_400)), None]);
    }

    #[test]
    fn what_is_expected_is_what_this_fault_lets_expect() {
        let expected = |kind, first| {
            let parts = vec![
                part(first, Owner::Patroni, 4_500),
                part(PartName::Election, Owner::Patroni, 100),
                part(PartName::Promotion, Owner::Postgresql, 100),
            ];
            beside(kind, parts).parts.iter().map(|part| part.expected).collect::<Vec<_>>()
        };
        // The other candidates wait for a leader that is mute, and not for one that handed over.
        let of_switchover = expected(Kind::Switchover, PartName::Handover);
        assert_eq!(of_switchover[1], Some(Span::of_ms(50, 300)));
        let of_lock = expected(Kind::Failover, PartName::Lock);
        assert_eq!(of_lock[1..], [Some(Span::of_ms(50, 2_100)), Some(Span::of_ms(100, 250))]);
        // Its loop comes before it.
        let of_store = expected(Kind::Demotion, PartName::Store);
        assert_eq!(of_store[2], Some(Span::of_ms(100, 10_250)));
    }

    /// A shorter `ttl` does nothing for a key that is given back.
    #[test]
    fn a_stopped_leader_is_not_told_to_shorten_its_ttl() {
        let parts = |first| {
            vec![
                part(first, Owner::Patroni, 1_100),
                part(PartName::Election, Owner::Patroni, 1_000),
            ]
        };
        let stopped = beside(Kind::Failover, parts(PartName::Handover));
        assert_eq!(changes(&stopped), ["patronictl switchover"]);
        let killed = beside(Kind::Failover, parts(PartName::Lock));
        assert!(changes(&killed)[0].starts_with("ttl: 20"), "{killed:?}");
    }
}
