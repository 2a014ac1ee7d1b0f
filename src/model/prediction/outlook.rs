//! All that settings let expect: each fault, and what to change.

use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::prediction::advice::{Advice, advice};
use crate::model::prediction::client_waits::ClientWaits;
use crate::model::prediction::expected::expected;
use crate::model::prediction::fault_kind::PredictedFault;
use crate::model::prediction::in_force::PatroniInForce;
use crate::model::prediction::part::Prediction;
use crate::model::span::Span;

/// All that settings let expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// Patroni's settings in force.
    pub patroni: PatroniInForce,
    /// The proxy's, where they are known.
    pub proxy: Option<ProxyChecks>,
    /// The client's.
    pub client: ClientWaits,
    /// The outage after each fault.
    pub predictions: Vec<Prediction>,
    /// What to change.
    pub advice: Vec<Advice>,
    /// What half of `loop_wait` by itself does to the outage after a killed leader.
    pub shorter_loop: Option<ShorterLoop>,
}

/// What a shorter `loop_wait` by itself does to the outage after a killed leader: its key was renewed
/// more lately, so that the best case gets longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShorterLoop {
    /// The `loop_wait`, in seconds.
    pub loop_wait_s: u64,
    /// The outage with it.
    pub outage: Span,
}

/// What these settings let expect after these faults.
#[must_use]
pub fn outlook(
    patroni: PatroniInForce,
    proxy: Option<ProxyChecks>,
    client: ClientWaits,
    faults: &[PredictedFault],
) -> Outlook {
    let of_fault = |fault: &PredictedFault| expected(&patroni, proxy.as_ref(), &client, *fault);
    let predictions = faults.iter().map(of_fault).collect();
    let advice = advice(&patroni, proxy.as_ref(), &client, faults);
    let is_told = faults.contains(&PredictedFault::LeaderKilled) && !patroni.settings.pause;
    let shorter_loop = is_told.then(|| shorter_loop(&patroni, proxy.as_ref(), &client)).flatten();
    Outlook { patroni, proxy, client, predictions, advice, shorter_loop }
}

fn shorter_loop(
    patroni: &PatroniInForce,
    proxy: Option<&ProxyChecks>,
    client: &ClientWaits,
) -> Option<ShorterLoop> {
    let loop_wait_s = patroni.settings.loop_wait_s / 2;
    let shorter =
        (loop_wait_s > 0).then(|| patroni.with(|told| told.loop_wait_s = loop_wait_s))??;
    let outage = expected(&shorter, proxy, client, PredictedFault::LeaderKilled).total();
    Some(ShorterLoop { loop_wait_s, outage })
}
