//! What settings let expect, as JSON. Its names are part of the public interface.

use serde::Serialize;

use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::cluster::software::PatroniSettings;
use crate::model::foreign::inert_json;
use crate::model::prediction::advice::Saving;
use crate::model::prediction::client_waits::ClientWaits;
use crate::model::prediction::fault_kind::PredictedFault;
use crate::model::prediction::in_force::AdjustedSetting;
use crate::model::prediction::outlook::Outlook;
use crate::model::prediction::part::{PredictedPart, UnknownInfluence};
use crate::model::span::Span;

/// The format of the JSON.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct PredictionJson<'a> {
    format: u32,
    patroni: PatroniJson<'a>,
    haproxy: Option<&'a ProxyChecks>,
    haproxy_source: Option<&'a str>,
    client: &'a ClientWaits,
    faults: Vec<FaultJson<'a>>,
    advice: Vec<AdviceJson>,
    shorter_loop_wait_alone: Option<ShorterLoopJson>,
}

#[derive(Serialize)]
struct PatroniJson<'a> {
    version: Option<String>,
    #[serde(flatten)]
    in_force: &'a PatroniSettings,
    adjusted: &'a [AdjustedSetting],
}

#[derive(Serialize)]
struct FaultJson<'a> {
    fault: PredictedFault,
    /// How long writes go on after the fault.
    writes_on: Span,
    outage: Span,
    /// The sum of the parts that have a worst case, where one has none.
    beside_the_unbounded: Option<Span>,
    parts: &'a [PredictedPart],
    not_known: &'a [UnknownInfluence],
}

#[derive(Serialize)]
struct AdviceJson {
    change: &'static str,
    place: &'static str,
    risk: &'static str,
    saves: Vec<SavedJson>,
}

#[derive(Serialize)]
struct SavedJson {
    fault: PredictedFault,
    saved: Saving,
}

#[derive(Serialize)]
struct ShorterLoopJson {
    loop_wait_s: u64,
    leader_kill: Span,
}

/// The outlook as JSON. `haproxy_source` is what the proxy's settings were read from.
///
/// # Errors
/// When a number cannot be written, which none of these is.
pub fn prediction_json(
    outlook: &Outlook,
    haproxy_source: Option<&str>,
) -> Result<String, serde_json::Error> {
    let faults = outlook.predictions.iter().map(|prediction| FaultJson {
        fault: prediction.fault,
        writes_on: prediction.writes_on,
        outage: prediction.total(),
        beside_the_unbounded: prediction.unbounded().map(|_| prediction.bounded()),
        parts: &prediction.parts,
        not_known: &prediction.unknown,
    });
    let advice = outlook.advice.iter().map(|advice| {
        let saves = advice.saves.iter();
        AdviceJson {
            change: advice.knob.change(),
            place: advice.knob.place(),
            risk: advice.knob.risk(),
            saves: saves.map(|one| SavedJson { fault: one.fault, saved: one.saved }).collect(),
        }
    });
    let all = PredictionJson {
        format: FORMAT,
        patroni: PatroniJson {
            version: outlook.patroni.release.map(|release| release.to_string()),
            in_force: &outlook.patroni.settings,
            adjusted: &outlook.patroni.adjusted,
        },
        haproxy: outlook.proxy.as_ref(),
        haproxy_source,
        client: &outlook.client,
        faults: faults.collect(),
        advice: advice.collect(),
        shorter_loop_wait_alone: outlook.shorter_loop.map(|shorter| ShorterLoopJson {
            loop_wait_s: shorter.loop_wait_s,
            leader_kill: shorter.outage,
        }),
    };
    serde_json::to_string_pretty(&all).map(|json| inert_json(json) + "\n")
}
