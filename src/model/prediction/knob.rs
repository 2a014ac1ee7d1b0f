//! What can be changed to shorten an outage, in the words of the change, and what it risks.

use std::time::Duration;

use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::prediction::client_waits::ClientWaits;
use crate::model::prediction::expected::expected;
use crate::model::prediction::fault_kind::PredictedFault;
use crate::model::prediction::in_force::PatroniInForce;
use crate::model::prediction::part::Prediction;

/// The fastest check that is advised: below it a slow answer of Patroni's API counts as none.
const FAST_CHECK: Duration = Duration::from_millis(250);

/// What can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knob {
    /// `ttl 20`, `loop_wait 5`, `retry_timeout 5`: the fastest that every version takes, with two tries.
    PatroniTimeouts,
    /// `loop_wait 5` alone.
    LoopWait,
    /// `failsafe_mode: true`.
    FailsafeMode,
    /// `primary_start_timeout: 0`.
    NoPrimaryStart,
    /// The end of Patroni's maintenance mode.
    Resume,
    /// A switchover before a planned stop.
    SwitchoverFirst,
    /// `fastinter 250ms downinter 250ms`.
    FastChecks,
    /// `rise 1`.
    RiseOnce,
    /// `retries 0`.
    NoRetries,
    /// `on-marked-down shutdown-sessions`.
    ShutdownSessions,
}

impl Knob {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::PatroniTimeouts,
        Self::LoopWait,
        Self::FailsafeMode,
        Self::NoPrimaryStart,
        Self::Resume,
        Self::SwitchoverFirst,
        Self::FastChecks,
        Self::RiseOnce,
        Self::NoRetries,
        Self::ShutdownSessions,
    ];

    /// The exact words of the change.
    #[must_use]
    pub fn change(self) -> &'static str {
        match self {
            Self::PatroniTimeouts => "ttl: 20, loop_wait: 5, retry_timeout: 5",
            Self::LoopWait => "loop_wait: 5",
            Self::FailsafeMode => "failsafe_mode: true",
            Self::NoPrimaryStart => "primary_start_timeout: 0",
            Self::Resume => "patronictl resume",
            Self::SwitchoverFirst => "patronictl switchover",
            Self::FastChecks => "fastinter 250ms downinter 250ms",
            Self::RiseOnce => "rise 1",
            Self::NoRetries => "retries 0",
            Self::ShutdownSessions => "on-marked-down shutdown-sessions",
        }
    }

    /// Where it is changed.
    #[must_use]
    pub fn place(self) -> &'static str {
        match self {
            Self::PatroniTimeouts | Self::LoopWait | Self::FailsafeMode | Self::NoPrimaryStart => {
                "by patronictl edit-config"
            }
            Self::Resume => "as a command",
            Self::SwitchoverFirst => "before a planned stop",
            Self::FastChecks | Self::RiseOnce | Self::ShutdownSessions => {
                "in haproxy.cfg, on default-server"
            }
            Self::NoRetries => "in haproxy.cfg",
        }
    }

    /// What it risks.
    #[must_use]
    pub fn risk(self) -> &'static str {
        match self {
            Self::PatroniTimeouts => {
                "etcd or a network that stalls for longer than retry_timeout demotes the leader"
            }
            Self::LoopWait => {
                "more load on etcd; a killed leader's best case gets longer (ttl - loop_wait)"
            }
            Self::FailsafeMode => {
                "without etcd there is no failover: what then happens to the leader is an outage"
            }
            Self::NoPrimaryStart => {
                "a failover for each crash, which can lose writes where replication is asynchronous"
            }
            Self::Resume => "none but the end of what it was paused for",
            Self::SwitchoverFirst => "none: it is a command more",
            Self::FastChecks => {
                "four checks a second of each server that is down, about 1.4 ms of Patroni each"
            }
            Self::RiseOnce => "one good answer of an API that comes and goes takes its server up",
            Self::NoRetries => "a connect that loses a packet is an error for its client",
            Self::ShutdownSessions => "sessions end, and what they were at, when checks alone fail",
        }
    }

    /// What would be expected with it; `None` where it is not for this fault, changes nothing, or
    /// would not be taken as it is.
    pub(super) fn turned(
        self,
        patroni: &PatroniInForce,
        proxy: Option<&ProxyChecks>,
        client: &ClientWaits,
        fault: PredictedFault,
    ) -> Option<Prediction> {
        let told = |patroni: PatroniInForce| Some(expected(&patroni, proxy, client, fault));
        let configured = |change: fn(&mut ProxyChecks)| {
            let mut changed = *proxy?;
            change(&mut changed);
            Some(expected(patroni, Some(&changed), client, fault))
        };
        match self {
            Self::PatroniTimeouts => told(patroni.with(|settings| {
                settings.ttl_s = 20;
                settings.loop_wait_s = 5;
                settings.retry_timeout_s = 5;
            })?),
            Self::LoopWait => told(patroni.with(|settings| settings.loop_wait_s = 5)?),
            Self::FailsafeMode => {
                patroni.release.filter(|release| release.has_failsafe_mode())?;
                told(patroni.with(|settings| settings.failsafe_mode = Some(true))?)
            }
            Self::NoPrimaryStart => {
                told(patroni.with(|settings| settings.primary_start_timeout_s = Some(0))?)
            }
            Self::Resume => told(patroni.with(|settings| settings.pause = false)?),
            Self::SwitchoverFirst => (fault == PredictedFault::LeaderStopped)
                .then(|| expected(patroni, proxy, client, PredictedFault::Switchover)),
            Self::FastChecks => configured(|proxy| {
                proxy.fastinter = proxy.fastinter.min(FAST_CHECK);
                proxy.downinter = proxy.downinter.min(FAST_CHECK);
            }),
            Self::RiseOnce => configured(|proxy| proxy.rise = 1),
            Self::NoRetries => configured(|proxy| proxy.retries = 0),
            Self::ShutdownSessions => configured(|proxy| proxy.shuts_sessions_down = true),
        }
    }
}
