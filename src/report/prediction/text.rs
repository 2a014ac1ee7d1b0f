//! The page of `pgchaos predict`: the settings in force, the outage after each fault, and what would shorten it.

use std::time::Duration;

use super::super::numbers::whole;
use super::span_words::{outage_words, span_words, time_words};
use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::foreign;
use crate::model::outage::whose::owner::Owner;
use crate::model::prediction::Prediction;
use crate::model::prediction::advice::{Advice, Saving};
use crate::model::prediction::client_waits::ClientWaits;
use crate::model::prediction::in_force::{AdjustedSetting, AdjustmentReason, PatroniInForce};
use crate::model::prediction::outlook::Outlook;
use crate::model::prediction::part::{PredictedPart, UnknownInfluence};

/// Columns of a table: the fault, and the outage.
const FAULT: usize = 16;
const OUTAGE: usize = 22;
/// Columns of a list of parts: the time, and the owner.
const TIME: usize = 18;
const OWNER: usize = 12;

/// What the page shows.
#[derive(Debug, Clone, Copy)]
pub struct PredictionPage<'a> {
    /// What is expected.
    pub outlook: &'a Outlook,
    /// What the proxy's settings were read from: `primary in haproxy.cfg`.
    pub proxy_source: Option<&'a str>,
    /// Whether the parts of each outage are shown.
    pub parts: bool,
}

/// The page. Its lines may be long: they are fitted to the terminal where they are printed.
#[must_use]
pub fn prediction_text(page: &PredictionPage<'_>) -> String {
    let outlook = page.outlook;
    let mut text = settings(page);
    text.push('\n');
    text.push_str(&table(&outlook.predictions));
    if page.parts {
        for prediction in &outlook.predictions {
            text.push('\n');
            text.push_str(&parts(prediction));
        }
    }
    text.push_str(&not_known(outlook));
    text.push_str(&advice(outlook));
    text
}

/// A cell of this width; a longer one moves what follows.
fn cell(text: &str, width: usize) -> String {
    let room = width.saturating_sub(2);
    format!("{text:room$}  ")
}

/// The outage after each fault, a line each, and the part that takes most of it.
fn table(predictions: &[Prediction]) -> String {
    let mut text = format!("{:FAULT$}{:OUTAGE$}most of it\n", "after", "no write for");
    for prediction in predictions {
        let outage = outage_words(prediction);
        let line = match prediction.largest() {
            Some(part) if prediction.unbounded().is_none() => {
                let most = format!(
                    "{} {}: {}",
                    span_words(part.takes),
                    owner_words(part.owner),
                    part.step.short_words()
                );
                format!("{:FAULT$}{}{most}", prediction.fault, cell(&outage, OUTAGE))
            }
            _ => format!("{:FAULT$}{outage}", prediction.fault),
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Patroni's settings, and what its version made of them.
fn patroni_lines(patroni: &PatroniInForce) -> String {
    let settings = &patroni.settings;
    let version = patroni.release.map_or_else(|| "version unknown".to_owned(), |r| r.to_string());
    let mut text = format!(
        "Patroni   {version} · ttl {} s, loop_wait {} s, retry_timeout {} s",
        settings.ttl_s, settings.loop_wait_s, settings.retry_timeout_s
    );
    for (is_on, words) in [
        (settings.synchronous_mode_strict, " · synchronous_mode_strict"),
        (settings.synchronous_mode && !settings.synchronous_mode_strict, " · synchronous_mode"),
        (patroni.is_failsafe(), " · failsafe_mode"),
        (settings.pause, " · paused"),
    ] {
        text.push_str(if is_on { words } else { "" });
    }
    if let Some(seconds) = settings.primary_start_timeout_s {
        text.push_str(&format!(" · primary_start_timeout {seconds} s"));
    }
    text.push('\n');
    text.extend(patroni.adjusted.iter().map(adjusted_words));
    text
}

fn settings(page: &PredictionPage<'_>) -> String {
    let Outlook { patroni, proxy, client, .. } = page.outlook;
    let proxy = match proxy {
        Some(proxy) => proxy_line(proxy, page.proxy_source),
        None => "HAProxy   its checks are not known: give --haproxy-config\n".to_owned(),
    };
    format!("{}{proxy}{}", patroni_lines(patroni), client_line(client))
}

/// What Patroni's version made of a setting, as a line.
#[must_use]
pub fn adjusted_words(one: &AdjustedSetting) -> String {
    let why = match one.because {
        AdjustmentReason::Minimum => "this Patroni takes no less",
        AdjustmentReason::Rule => "loop_wait + 2 · retry_timeout may not exceed ttl",
    };
    let AdjustedSetting { setting, told_s, in_force_s, .. } = one;
    format!("  {setting} is {in_force_s} s, not the {told_s} s that it was told: {why}\n")
}

fn proxy_line(proxy: &ProxyChecks, source: Option<&str>) -> String {
    let limit = |name: &str, limit: Option<Duration>| match limit {
        Some(limit) => format!("timeout {name} {}", setting(limit)),
        None => format!("no timeout {name}"),
    };
    let source = source.map(|source| format!("{} · ", foreign::plain(source))).unwrap_or_default();
    format!(
        "HAProxy   {source}inter {}, fastinter {}, downinter {}, fall {}, rise {} · {}, {}, retries {}{}{}\n",
        setting(proxy.inter),
        setting(proxy.fastinter),
        setting(proxy.downinter),
        proxy.fall,
        proxy.rise,
        limit("connect", proxy.connect_timeout),
        limit("check", proxy.check_timeout),
        proxy.retries,
        if proxy.redispatch { ", redispatch" } else { "" },
        if proxy.shuts_sessions_down { ", shutdown-sessions" } else { "" },
    )
}

fn client_line(client: &ClientWaits) -> String {
    format!(
        "Client    backoff {} to {}, connect timeout {}, write timeout {}\n",
        setting(client.backoff_min),
        setting(client.backoff_max),
        setting(client.connect_timeout),
        setting(client.write_timeout)
    )
}

/// A time that was set, with its digits: `250 ms`, `3 s`, `1.5 s`.
fn setting(time: Duration) -> String {
    match time.as_millis() {
        ms if ms < 1000 => format!("{ms} ms"),
        ms if ms.is_multiple_of(100) => whole(time),
        ms => format!("{ms} ms"),
    }
}

fn parts(prediction: &Prediction) -> String {
    let mut text = format!("{}: {}\n", prediction.fault, prediction.fault.words());
    if !prediction.writes_on.is_none() {
        let on = span_words(prediction.writes_on);
        let on = cell(&on, TIME);
        text.push_str(&format!("  {on}writes go on, before the outage begins\n"));
    }
    if prediction.parts.is_empty() {
        text.push_str("  no outage: writes go on\n");
    }
    for PredictedPart { step, owner, takes } in &prediction.parts {
        let (takes, owner) = (span_words(*takes), owner_words(*owner));
        let (takes, owner) = (cell(&takes, TIME), cell(owner, OWNER));
        text.push_str(&format!("  {takes}{owner}{}\n", step.words()));
    }
    if prediction.unbounded().is_none() && prediction.parts.len() > 1 {
        let total = cell(&span_words(prediction.total()), TIME);
        text.push_str(&format!("  {total}together\n"));
    }
    text
}

fn owner_words(owner: Owner) -> &'static str {
    match owner {
        Owner::Client => "client",
        Owner::Patroni => "Patroni",
        Owner::Postgresql => "PostgreSQL",
        Owner::Etcd => "etcd",
        Owner::Proxy => "proxy",
        Owner::Network => "network",
    }
}

/// What is not known of the outages, or taken for granted: each once, with the faults that it is of.
fn not_known(outlook: &Outlook) -> String {
    let all = || outlook.predictions.iter().flat_map(|prediction| &prediction.unknown);
    let mut unknown: Vec<UnknownInfluence> = all().copied().collect();
    unknown.sort_unstable();
    unknown.dedup();
    if unknown.is_empty() {
        return String::new();
    }
    let mut text = "\nNot in these numbers:\n".to_owned();
    for one in unknown {
        let of = outlook.predictions.iter().filter(|prediction| prediction.unknown.contains(&one));
        let names: Vec<&str> = of.map(|prediction| prediction.fault.name()).collect();
        let words = unknown_words(one, outlook);
        let is_of_all = names.len() == outlook.predictions.len();
        let of = if is_of_all || names.len() > 3 {
            String::new()
        } else {
            format!("{}: ", names.join(", "))
        };
        text.push_str(&format!("  {of}{words}\n"));
    }
    text
}

fn unknown_words(unknown: UnknownInfluence, outlook: &Outlook) -> String {
    let settings = &outlook.patroni.settings;
    let words = match unknown {
        UnknownInfluence::ProxyChecks => {
            "the proxy's checks, and connects that it holds at a dead server: --haproxy-config FILE has them"
        }
        UnknownInfluence::PatroniVersion => {
            "what Patroni's version clamps: 3.2.0 and newer take no ttl below 20 s (--patroni-version)"
        }
        UnknownInfluence::Paused => {
            "Patroni is paused: it starts no failover, and writes go on without etcd"
        }
        UnknownInfluence::ShutdownCheckpoint => {
            "PostgreSQL shuts down within a second here; a longer checkpoint adds its time"
        }
        UnknownInfluence::CrashRecovery => {
            let limit = settings.primary_start_timeout_s.unwrap_or(300);
            return format!(
                "there is little to recover here; more WAL adds its time, up to \
                 primary_start_timeout ({limit} s), then Patroni fails over"
            );
        }
        UnknownInfluence::PromotionWaits => {
            "a replica may take its promotion up only when it looks for WAL again, up to \
             wal_retrieve_retry_interval (5 s) later; that is rare"
        }
        UnknownInfluence::LostMachine => {
            "a machine that is lost refuses nothing: the election then waits two seconds for it"
        }
        UnknownInfluence::ReplicasBehind => {
            return format!(
                "a replica is near enough: none that is more than {} bytes behind is elected \
                 (maximum_lag_on_failover)",
                settings.maximum_lag_on_failover_bytes
            );
        }
        UnknownInfluence::SynchronousStandby if settings.synchronous_mode_strict => {
            "a synchronous standby is there, and the next one streams soon: strict commits wait for it"
        }
        UnknownInfluence::SynchronousStandby => {
            "a synchronous standby is there: no other replica is elected"
        }
        UnknownInfluence::FailsafeMembers => {
            "failsafe_mode: the leader goes on as long as every member's API answers it"
        }
        UnknownInfluence::EtcdBackSoon => {
            "an etcd that is back before the leader gives up is no outage at all"
        }
        UnknownInfluence::PausedWithoutEtcd => {
            "one etcd at least still answers Patroni: where none does, a paused leader goes on"
        }
        UnknownInfluence::ProxyRestart => {
            "what starts the proxy again may wait before it does, as systemd's RestartSec"
        }
    };
    words.to_owned()
}

fn advice(outlook: &Outlook) -> String {
    let mut text = String::new();
    if !outlook.advice.is_empty() {
        text.push_str("\nWhat would shorten it, on the average and at worst:\n");
    }
    for Advice { knob, saves } in &outlook.advice {
        text.push_str(&format!("  {} · {}\n", knob.change(), knob.place()));
        let saved = saves.iter().map(|one| match one.saved {
            Saving::Unbounded => format!("{}: all that has no end", one.fault),
            Saving::Time { mean, worst } => {
                format!("{} {} and {}", one.fault, time_words(mean), time_words(worst))
            }
        });
        text.push_str(&format!("    saves: {}\n", saved.collect::<Vec<_>>().join(" · ")));
        text.push_str(&format!("    risk: {}\n", knob.risk()));
    }
    if let Some(shorter) = outlook.shorter_loop {
        text.push_str(&format!(
            "\nloop_wait {} s alone raises the best case after leader-kill: {}.\n",
            shorter.loop_wait_s,
            span_words(shorter.outage)
        ));
    }
    text
}
