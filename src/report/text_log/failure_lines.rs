//! Failures in words.

use std::time::Duration;

use crate::model::fault::{Class, Fault, Phase};
use crate::report::layout::{Line, Tone};
use crate::report::numbers::{counted, duration, grouped, whole};
use crate::report::words;

use super::batch::{Batch, Key, Told};

/// What the words depend on beside the failures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    /// How many writers there are.
    pub(super) writers: u32,
    /// Whether the driver's own words and the endpoint are told as well.
    pub(super) verbose: bool,
    /// When the outage began that goes on.
    pub(super) outage_began: Option<Duration>,
}

/// The line of what the folding lets out.
pub(super) fn line(told: &Told, setting: Setting) -> Line {
    match (&told.batch.fault, told.key, told.series) {
        (Some(fault), Key::Attempt(_), Some((count, began))) => {
            repeated_attempts(told, fault, count, began, setting)
        }
        (Some(fault), Key::Attempt(_), None) => attempt(&told.batch, fault, setting),
        (Some(fault), ..) => session(&told.batch, fault, setting),
        (None, ..) => stall(&told.batch, setting),
    }
}

fn tone(class: Class) -> Tone {
    match class {
        Class::Lost | Class::Auth | Class::Tls | Class::Sql | Class::Overloaded => Tone::Bad,
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
        .rest(times(batch.count))
        .rest(if fault.class == Class::Lost {
            format!(" during {}", fault.phase.name())
        } else {
            sqlstate(fault)
        })
        .message(reason(fault, setting.verbose));
    let line = if setting.verbose { at_endpoint(line, fault) } else { line };
    line.part("retrying")
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
    let so_far = match (setting.outage_began, setting.writers) {
        (None, _) => format!("for {}", since(began)),
        (Some(outage), 1) => format!("no write for {}", since(outage)),
        (Some(outage), _) => format!("outage for {}", since(outage)),
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
        Class::Lost
        | Class::ReadOnly
        | Class::Starting
        | Class::Timeout
        | Class::Overloaded
        | Class::Auth
        | Class::Tls
        | Class::Conflict
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
        .rest(if batch.count == 1 { single(batch, fault, setting) } else { many(batch, setting) })
        .message(fault.message.clone());
    let line = if setting.verbose { at_endpoint(line, fault) } else { line };
    line.part_if(doubtful(batch)).part_if(uncommitted(batch))
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
    let writes = words::total(&batch.rejected);
    match (writes, batch.count) {
        (0, _) => None,
        (1, 1) => Some("not committed".to_owned()),
        (writes, _) => Some(format!("{} not committed", counted(writes, "write"))),
    }
}

fn stall(batch: &Batch, setting: Setting) -> Line {
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
