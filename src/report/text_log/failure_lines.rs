//! Failures in words.

use std::time::Duration;

use crate::model::fault::{Class, Fault, Phase};
use crate::report::layout::{Line, Tone};
use crate::report::numbers::{counted, duration, grouped, whole};
use crate::report::words;

use super::batch::{Batch, Key, Share, Told};

/// What the words depend on beside the failures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    /// How many writers there are.
    pub(super) writers: u32,
    /// Whether the driver's own words and the endpoint are told as well.
    pub(super) verbose: bool,
    /// Whether the cluster was reached: before that no writer writes.
    pub(super) ready: bool,
    /// When the outage began that goes on.
    pub(super) outage_began: Option<Duration>,
    /// Writers that are out in it while others write.
    pub(super) writers_out: Option<u64>,
}

/// The line of what the folding lets out.
pub(super) fn line(told: &Told, setting: Setting) -> Line {
    match (&told.batch.fault, &told.key, told.series) {
        (Some(fault), Key::Attempt(_), Some((count, began))) => {
            repeated_attempts(told, fault, count, began, setting)
        }
        (Some(fault), Key::Attempt(_), None) => attempt(&told.batch, fault, setting),
        (Some(fault), Key::Rejection(..), Some(_)) if told.batch.in_doubt.is_empty() => {
            refused_again(told, fault)
        }
        (Some(fault), ..) => session(&told.batch, fault, setting),
        (None, Key::NoSession, _) => no_session(&told.batch, setting),
        (None, ..) => stall(&told.batch, setting),
    }
}

fn tone(class: Class) -> Tone {
    match class {
        Class::ConnectionLost
        | Class::Auth
        | Class::Tls
        | Class::Protocol
        | Class::Local
        | Class::Sql
        | Class::Overloaded => Tone::Bad,
        Class::Refused
        | Class::ReadOnly
        | Class::NoBackend
        | Class::Starting
        | Class::Timeout
        | Class::Unreachable
        | Class::Resolve
        | Class::Conflict => Tone::Wary,
    }
}

fn attempt(batch: &Batch, fault: &Fault, setting: Setting) -> Line {
    let line = Line::new(tone(fault.class), words::loud_class(fault.class))
        .rest(on_hosts(batch, fault))
        .rest(times(batch.count))
        .rest(if fault.class == Class::ConnectionLost {
            format!(" during {}", fault.phase.name())
        } else {
            sqlstate(fault)
        });
    let line = said(line, fault, reason(fault, setting.verbose));
    let line = if setting.verbose { at_endpoint(line, fault) } else { line };
    line.part_if(remedy(fault)).part("retrying")
}

/// What one asks in a long outage: is it still so, and for how long has there been no write.
fn repeated_attempts(
    told: &Told,
    fault: &Fault,
    count: u64,
    began: Duration,
    setting: Setting,
) -> Line {
    let ago = told.at.saturating_sub(told.batch.last);
    let since = |began: Duration| whole(told.at.saturating_sub(began));
    let so_far = match (setting.outage_began, setting.writers_out) {
        (None, _) if setting.ready => format!("for {}", since(began)),
        (None, _) => format!("no write for {}", since(began)),
        (Some(outage), None) => format!("no write for {}", since(outage)),
        (Some(outage), Some(out)) => format!(
            "{} of {} out for {}",
            grouped(out),
            counted(u64::from(setting.writers), "writer"),
            since(outage)
        ),
    };
    let last = if recent(ago) { format!(", last {} ago", duration(ago)) } else { String::new() };
    Line::new(tone(fault.class), words::loud_class(fault.class))
        .rest(format!("{}{last}", times_always(count)))
        .part(so_far)
        .part("retrying")
}

/// Attempts come several times a second: only a last one that is older is worth its words.
fn recent(ago: Duration) -> bool {
    ago >= Duration::from_millis(100)
}

/// Why an attempt failed. Where the class says it all, the driver's words would only repeat it.
fn reason(fault: &Fault, verbose: bool) -> String {
    let endpoint = &fault.endpoint;
    let plain = match fault.class {
        Class::NoBackend => "accepted, then closed: no live primary?".to_owned(),
        Class::Refused => format!("nobody listens on {endpoint}"),
        Class::Unreachable => format!("no way to {endpoint}: {}", fault.message),
        Class::Resolve => format!("no address for {endpoint}"),
        Class::ConnectionLost
        | Class::ReadOnly
        | Class::Starting
        | Class::Timeout
        | Class::Overloaded
        | Class::Auth
        | Class::Tls
        | Class::Conflict
        | Class::Protocol
        | Class::Local
        | Class::Sql => return fault.message.clone(),
    };
    if verbose { format!("{plain} ({})", fault.message) } else { plain }
}

fn at_endpoint(line: Line, fault: &Fault) -> Line {
    line.part(format!("{} at {}", fault.phase.name(), fault.endpoint))
}

fn session(batch: &Batch, fault: &Fault, setting: Setting) -> Line {
    let line = Line::new(tone(fault.class), words::loud_class(fault.class))
        .rest(sqlstate(fault))
        .rest(on_hosts(batch, fault))
        .rest(if batch.count == 1 { single(batch, fault, setting) } else { many(batch, setting) });
    let line = said(line, fault, fault.message.clone());
    let line = if setting.verbose { at_endpoint(line, fault) } else { line };
    let noticed = batch.noticed_after.map(|late| format!("noticed after {}", duration(late)));
    line.part_if(remedy(fault))
        .part_if(doubtful(batch))
        .part_if(uncommitted(batch))
        .part_if(noticed)
}

/// What was said. Of a wait that ended and of pgchaos's own limits the words are pgchaos's: they are
/// not shortened.
fn said(line: Line, fault: &Fault, words: String) -> Line {
    match fault.class {
        Class::Timeout | Class::Local => line.rest(format!(": {words}")),
        _ => line.message(words),
    }
}

/// Where a wait was in vain.
fn on_hosts(batch: &Batch, fault: &Fault) -> String {
    match (fault.class, batch.endpoints.len()) {
        (Class::Timeout, ..=1) => format!(" on {}", fault.endpoint),
        (Class::Timeout, hosts) => format!(" on {hosts} hosts"),
        _ => String::new(),
    }
}

/// What to do about a limit of pgchaos's own, or about ids that are used up.
fn remedy(fault: &Fault) -> Option<String> {
    let of_ids = match fault.sqlstate.as_deref() {
        // Which of the two is needed, and what the sequence is called, set-up finds out.
        Some("2200H" | "22003") => Some("pgchaos gen -n 1 beside this run says what makes room"),
        _ => None,
    };
    fault.own_limit.map(|limit| limit.remedy().to_owned()).or(of_ids.map(str::to_owned))
}

/// Refusals since the last line of their kind: the session goes on, and one asks how many they are.
fn refused_again(told: &Told, fault: &Fault) -> Line {
    let since = told.gathered_since.unwrap_or(told.batch.at);
    let over = duration(told.at.saturating_sub(since));
    let line = Line::new(tone(fault.class), words::loud_class(fault.class))
        .rest(sqlstate(fault))
        .rest(format!("{} in {over}", times_always(told.batch.count)))
        .part_if(fault.sqlstate.is_none().then(|| fault.message.clone()));
    match fault.phase {
        Phase::Read => line.part("reads"),
        _ => line.part_if(share(told.share)).part("not committed"),
    }
}

// The precision that a float loses is beyond what is shown.
#[allow(clippy::cast_precision_loss)]
fn share(share: Share) -> Option<String> {
    let Share { refused, writes } = share;
    if writes == 0 || refused == 0 {
        return None;
    }
    let pct = refused as f64 / writes as f64 * 100.0;
    Some(match () {
        () if refused >= writes => "every write".to_owned(),
        () if pct < 0.1 => "under 0.1 % of writes".to_owned(),
        // Some of them were acknowledged.
        () => format!("{:.1} % of writes", pct.min(99.9)),
    })
}

fn single(batch: &Batch, fault: &Fault, setting: Setting) -> String {
    let writer = match batch.writers.first() {
        Some(writer) if setting.writers > 1 => format!(" writer {writer}"),
        _ => String::new(),
    };
    let seqs = batch.in_doubt.values().chain(batch.rejected.values()).next();
    let doing = match (fault.phase, seqs) {
        (Phase::Idle, None) => "while idle".to_owned(),
        (Phase::Write | Phase::Idle, Some(seqs)) => format!("during INSERT {}", words::seqs(seqs)),
        (Phase::Write, None) => "during a write".to_owned(),
        (Phase::Read, _) => "during a read".to_owned(),
        (phase, _) => format!("during {}", phase.name()),
    };
    format!("{writer} {doing}")
}

fn many(batch: &Batch, setting: Setting) -> String {
    format!("{}{}", times_always(batch.count), of_writers(batch, setting))
}

fn of_writers(batch: &Batch, setting: Setting) -> String {
    match (batch.writers.len() as u64, u64::from(setting.writers)) {
        (_, ..=1) | (0, _) => String::new(),
        (2, 2) => " (both writers)".to_owned(),
        (some, all) if some == all => format!(" (all {} writers)", grouped(all)),
        (some, all) => format!(" ({} of {} writers)", grouped(some), grouped(all)),
    }
}

fn doubtful(batch: &Batch) -> Option<String> {
    let writes = words::total(&batch.in_doubt);
    match (writes, batch.count) {
        (0, _) => None,
        (1, 1) => Some("in doubt".to_owned()),
        (writes, _) => Some(format!("{} in doubt", counted(writes, "write"))),
    }
}

fn uncommitted(batch: &Batch) -> Option<String> {
    match (batch.uncommitted, batch.count) {
        (0, _) => None,
        (1, 1) => Some("not committed".to_owned()),
        (writes, _) => Some(format!("{} not committed", counted(writes, "write"))),
    }
}

pub(super) fn stall(batch: &Batch, setting: Setting) -> Line {
    let line = Line::new(Tone::Wary, "NO ANSWER");
    let waited = duration(batch.waited());
    if batch.in_doubt.is_empty() {
        return line.rest(format!(" to a read{} for {waited}", of_writers(batch, setting)));
    }
    if words::total(&batch.in_doubt) == 1 {
        let write = words::inserts(&batch.in_doubt, setting.writers > 1);
        return line.rest(format!(" to {write} for {waited}"));
    }
    let writes = counted(words::total(&batch.in_doubt), "write");
    line.rest(format!(" to {writes}{} for {waited}", of_writers(batch, setting)))
}

/// Writers wait for a session that neither comes nor is refused.
fn no_session(batch: &Batch, setting: Setting) -> Line {
    let waited = duration(batch.waited());
    Line::new(Tone::Wary, "NO SESSION")
        .rest(format!("{} for {waited}", of_writers(batch, setting)))
        .part("still trying")
}

fn times(count: u64) -> String {
    if count == 1 { String::new() } else { times_always(count) }
}

fn times_always(count: u64) -> String {
    format!(" ×{}", grouped(count))
}

/// The SQLSTATE where it tells more than the class.
fn sqlstate(fault: &Fault) -> String {
    match (&fault.sqlstate, fault.class) {
        (Some(sqlstate), Class::Sql | Class::Overloaded | Class::Auth | Class::Conflict) => {
            format!(" {sqlstate}")
        }
        _ => String::new(),
    }
}
