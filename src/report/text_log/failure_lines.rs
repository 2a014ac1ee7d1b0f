//! Failures in words.

use std::time::Duration;

use crate::model::fault::{Class, Fault, Phase};
use crate::report::layout::{Line, Tone};
use crate::report::numbers::{counted, duration, grouped, whole};
use crate::report::words;

use super::failure_group::{FailureGroup, FoldedFailures, Key, Share};

/// What the words depend on, beside the failures themselves.
#[derive(Debug, Clone, Copy)]
pub(super) struct FailureContext {
    /// How many writers there are.
    pub(super) writers: u32,
    /// Whether the driver's own words and the endpoint are told as well.
    pub(super) verbose: bool,
    /// Whether the connection names several hosts: then each failed attempt says which it was.
    pub(super) several_hosts: bool,
    /// Whether the cluster was reached: before that no writer writes.
    pub(super) ready: bool,
    /// Whether the way to the endpoint led to a server before, as far as is known.
    pub(super) way_worked: bool,
    /// When the outage began that goes on.
    pub(super) outage_began: Option<Duration>,
    /// Writers that are out in it while others write.
    pub(super) writers_out: Option<u64>,
}

/// The line of folded failures.
pub(super) fn line(told: &FoldedFailures, context: FailureContext) -> Line {
    match (&told.group.fault, &told.key, told.series) {
        (Some(fault), Key::Attempt(..), Some((count, began))) => {
            repeated_attempts(told, fault, count, began, context)
        }
        (Some(fault), Key::Attempt(..) | Key::AttemptElsewhere(..), None) => {
            attempt(&told.group, fault, context)
        }
        (Some(fault), Key::Rejection(..), Some(_)) if told.group.in_doubt.is_empty() => {
            refused_again(told, fault)
        }
        (Some(fault), ..) => session(&told.group, fault, context),
        (None, Key::NoSession, _) => no_session(&told.group, context),
        (None, ..) => stall(&told.group, context),
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
        | Class::WrongRole
        | Class::Conflict => Tone::Wary,
    }
}

fn attempt(group: &FailureGroup, fault: &Fault, context: FailureContext) -> Line {
    let line = Line::new(tone(fault.class), words::loud_class(fault.class))
        .rest(on_the_host(group, fault, context))
        .rest(times(group.count))
        .rest(if fault.class == Class::ConnectionLost {
            format!(" during {}", fault.phase.name())
        } else {
            sqlstate(fault)
        });
    let line = said(line, fault, reason(fault, &group.endpoints, context));
    let line = if context.verbose { at_endpoint(line, fault) } else { line };
    line.part_if(remedy(fault)).part("retrying")
}

/// In a long outage: that attempts still fail, and for how long there has been no write.
fn repeated_attempts(
    told: &FoldedFailures,
    fault: &Fault,
    count: u64,
    began: Duration,
    context: FailureContext,
) -> Line {
    let ago = told.at.saturating_sub(told.group.last);
    let since = |began: Duration| whole(told.at.saturating_sub(began));
    let so_far = match (context.outage_began, context.writers_out) {
        (None, _) if context.ready => format!("for {}", since(began)),
        (None, _) => format!("no write for {}", since(began)),
        (Some(outage), None) => format!("no write for {}", since(outage)),
        (Some(outage), Some(out)) => format!(
            "{} of {} out for {}",
            grouped(out),
            counted(u64::from(context.writers), "writer"),
            since(outage)
        ),
    };
    let last = if recent(ago) { format!(", last {} ago", duration(ago)) } else { String::new() };
    Line::new(tone(fault.class), words::loud_class(fault.class))
        .rest(format!("{}{last}", times_always(count)))
        .part(so_far)
        .part("retrying")
}

/// Whether to say when the last attempt was: there are several a second, so only when it is older.
fn recent(ago: Duration) -> bool {
    ago >= Duration::from_millis(100)
}

/// Why an attempt failed. Where the class says it all, the driver's words would only repeat it.
fn reason(fault: &Fault, endpoints: &[String], context: FailureContext) -> String {
    let endpoint = endpoints.join(", ");
    let plain = match fault.class {
        // Until something has worked, the way itself may be wrong: the words name how.
        Class::NoBackend if !context.way_worked => return fault.message.clone(),
        Class::NoBackend => "accepted, then closed: no live primary?".to_owned(),
        Class::Refused => format!("nobody listens on {endpoint}"),
        Class::Unreachable => format!("no way to {endpoint}: {}", fault.message),
        Class::Resolve => format!("no address for {endpoint}"),
        Class::ConnectionLost
        | Class::ReadOnly
        | Class::WrongRole
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
    if context.verbose { format!("{plain} ({})", fault.message) } else { plain }
}

fn at_endpoint(line: Line, fault: &Fault) -> Line {
    line.part(format!("{} at {}", fault.phase.name(), fault.endpoint))
}

fn session(group: &FailureGroup, fault: &Fault, context: FailureContext) -> Line {
    let line = Line::new(tone(fault.class), words::loud_class(fault.class))
        .rest(sqlstate(fault))
        .rest(on_hosts(group, fault))
        .rest(if group.count == 1 { single(group, fault, context) } else { many(group, context) });
    let line = said(line, fault, fault.message.clone());
    let line = if context.verbose { at_endpoint(line, fault) } else { line };
    let noticed = group.noticed_after.map(|late| format!("noticed after {}", duration(late)));
    line.part_if(remedy(fault))
        .part_if(doubtful(group))
        .part_if(uncommitted(group))
        .part_if(noticed)
}

/// Adds the message. That of a timeout, of no live server and of pgchaos's own limits is pgchaos's own,
/// and is not shortened; all others are a server's or the system's.
fn said(line: Line, fault: &Fault, words: String) -> Line {
    match fault.class {
        Class::Timeout | Class::NoBackend | Class::Local => line.rest(format!(": {words}")),
        _ => line.message(words),
    }
}

/// The host of a failed attempt, where it may be another and the reason does not name it.
fn on_the_host(group: &FailureGroup, fault: &Fault, context: FailureContext) -> String {
    match fault.class {
        Class::Refused | Class::Unreachable | Class::Resolve => String::new(),
        _ if context.several_hosts => format!(" on {}", group.endpoints.join(", ")),
        _ => on_hosts(group, fault),
    }
}

/// The host on which a wait timed out, or how many.
fn on_hosts(group: &FailureGroup, fault: &Fault) -> String {
    match (fault.class, group.endpoints.len()) {
        (Class::Timeout, ..=1) => format!(" on {}", fault.endpoint),
        (Class::Timeout, hosts) => format!(" on {hosts} hosts"),
        _ => String::new(),
    }
}

/// What to do about a limit of pgchaos's own, about ids that are used up, or about a header that a pooler
/// does not read.
fn remedy(fault: &Fault) -> Option<String> {
    if fault.may_follow_a_proxy_header() {
        return Some("a PROXY header before it (send-proxy)?".to_owned());
    }
    let of_ids = match fault.sqlstate.as_deref() {
        // Set-up finds out which of the two is needed, and the name of the sequence.
        Some("2200H" | "22003") => Some("pgchaos gen -n 1 beside this run says what makes room"),
        _ => None,
    };
    fault.own_limit.map(|limit| limit.remedy().to_owned()).or(of_ids.map(str::to_owned))
}

/// Refusals since the last line of their kind. The session goes on: their number and share matter.
fn refused_again(told: &FoldedFailures, fault: &Fault) -> Line {
    let since = told.gathered_since.unwrap_or(told.group.at);
    let over = duration(told.at.saturating_sub(since));
    let line = Line::new(tone(fault.class), words::loud_class(fault.class))
        .rest(sqlstate(fault))
        .rest(format!("{} in {over}", times_always(told.group.count)))
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

fn single(group: &FailureGroup, fault: &Fault, context: FailureContext) -> String {
    let writer = match group.writers.first() {
        Some(writer) if context.writers > 1 => format!(" writer {writer}"),
        _ => String::new(),
    };
    let seqs = group.in_doubt.values().chain(group.rejected.values()).next();
    let doing = match (fault.phase, seqs) {
        (Phase::Idle, None) => "while idle".to_owned(),
        (Phase::Write | Phase::Idle, Some(seqs)) => format!("during INSERT {}", words::seqs(seqs)),
        (Phase::Write, None) => "during a write".to_owned(),
        (Phase::Read, _) => "during a read".to_owned(),
        (phase, _) => format!("during {}", phase.name()),
    };
    format!("{writer} {doing}")
}

fn many(group: &FailureGroup, context: FailureContext) -> String {
    format!("{}{}", times_always(group.count), of_writers(group, context))
}

fn of_writers(group: &FailureGroup, context: FailureContext) -> String {
    match (group.writers.len() as u64, u64::from(context.writers)) {
        (_, ..=1) | (0, _) => String::new(),
        (2, 2) => " (both writers)".to_owned(),
        (some, all) if some == all => format!(" (all {} writers)", grouped(all)),
        (some, all) => format!(" ({} of {} writers)", grouped(some), grouped(all)),
    }
}

fn doubtful(group: &FailureGroup) -> Option<String> {
    let writes = words::total(&group.in_doubt);
    match (writes, group.count) {
        (0, _) => None,
        (1, 1) => Some("in doubt".to_owned()),
        (writes, _) => Some(format!("{} in doubt", counted(writes, "write"))),
    }
}

fn uncommitted(group: &FailureGroup) -> Option<String> {
    match (group.uncommitted, group.count) {
        (0, _) => None,
        (1, 1) => Some("not committed".to_owned()),
        (writes, _) => Some(format!("{} not committed", counted(writes, "write"))),
    }
}

pub(super) fn stall(group: &FailureGroup, context: FailureContext) -> Line {
    let line = Line::new(Tone::Wary, "NO ANSWER");
    let waited = duration(group.waited());
    if group.in_doubt.is_empty() {
        return line.rest(format!(" to a read{} for {waited}", of_writers(group, context)));
    }
    if words::total(&group.in_doubt) == 1 {
        let write = words::inserts(&group.in_doubt, context.writers > 1);
        return line.rest(format!(" to {write} for {waited}"));
    }
    let writes = counted(words::total(&group.in_doubt), "write");
    line.rest(format!(" to {writes}{} for {waited}", of_writers(group, context)))
}

/// Writers wait for a session: no attempt has succeeded or failed.
fn no_session(group: &FailureGroup, context: FailureContext) -> Line {
    let waited = duration(group.waited());
    Line::new(Tone::Wary, "NO SESSION")
        .rest(format!("{} for {waited}", of_writers(group, context)))
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
