//! Writes, errors and outages in words, the same in log, summary and report.

use std::collections::BTreeMap;

use crate::model::cluster::member_servers::MemberServerState;
use crate::model::cluster::member_states::MemberState;
use crate::model::cluster::proxy::ProxyServerState;
use crate::model::cluster::server::Server;
use crate::model::cluster::software::PatroniSettings;
use crate::model::cluster::two_primaries::TwoPrimaries;
use crate::model::event::{Backwards, BackwardsWhat, ErrorCounts, Note};
use crate::model::fault::Class;
use crate::model::foreign::{plain, shortened};
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::options::{LoadOptions, Rate};
use crate::model::load::own_pause::OwnPause;
use crate::model::load::passed_over::PassedOverCount;
use crate::model::outage::injection::{Cause, Injection};
use crate::model::outage::kind::{Detail, Filled, Kind};
use crate::model::outage::stall_cause::{Blocker, StallCause, StallSeen};
use crate::model::outage::{Outage, Side};
use crate::model::run::replica_lag::ReplicaSummary;
use crate::model::run::summary::HeldBy;
use crate::model::run::two_primaries_account::{PairSide, TwoPrimariesAccount};
use crate::model::tls_cause::TlsCause;

use super::numbers::{counted, duration, grouped, per_second, seconds};

/// How many ranges or writers are named before the rest is only counted.
const NAMED: usize = 4;

/// Characters of what a drill did: the command of an `exec` may be long.
const INJECTION_CHARS_MAX: usize = 40;

/// Sequence numbers: `#82`, `#70–#81`, `#1, #5–#9 and 3 more ranges`.
#[must_use]
pub fn seqs(seqs: &SeqSet) -> String {
    let named: Vec<String> = seqs
        .ranges()
        .take(NAMED)
        .map(|range| match (range.start(), range.end()) {
            (first, last) if first == last => format!("#{first}"),
            (first, last) => format!("#{first}–#{last}"),
        })
        .collect();
    and_more(&named, seqs.ranges().count(), "range")
}

/// Writes of several writers: `writer 1 #70–#81, writer 3 #5`.
#[must_use]
pub fn by_writer(writes: &BTreeMap<i32, SeqSet>) -> String {
    let named: Vec<String> = writes
        .iter()
        .take(NAMED)
        .map(|(writer, set)| format!("writer {writer} {}", seqs(set)))
        .collect();
    and_more(&named, writes.len(), "writer")
}

fn and_more(named: &[String], all: usize, noun: &str) -> String {
    let more = all.saturating_sub(named.len());
    match more {
        0 => named.join(", "),
        more => {
            format!("{} and {}", named.join(", "), counted(more as u64, &format!("more {noun}")))
        }
    }
}

/// How many writes there are.
#[must_use]
pub fn total(writes: &BTreeMap<i32, SeqSet>) -> u64 {
    writes.values().map(SeqSet::len).fold(0, u64::saturating_add)
}

/// How far a verification is: `looked at 2 000 000 of 5 000 000 writes`.
#[must_use]
pub fn looked_at(writes: u64, of: u64) -> String {
    format!("looked at {} of {}", grouped(writes), counted(of, "write"))
}

/// The same in few words: `verifying: 40 % of writes`.
#[must_use]
pub fn verifying(writes: u64, of: u64) -> String {
    let pct = u128::from(writes) * 100 / u128::from(of.max(1));
    format!("verifying: {pct} % of writes")
}

/// One write by its name, more by their number: `INSERT #82`, `writer 3 INSERT #82`, `8 writes`.
#[must_use]
pub fn inserts(writes: &BTreeMap<i32, SeqSet>, several_writers: bool) -> String {
    match (writes.iter().next(), total(writes)) {
        (Some((writer, set)), 1) if several_writers => {
            format!("writer {writer} INSERT {}", seqs(set))
        }
        (Some((_, set)), 1) => format!("INSERT {}", seqs(set)),
        (Some((_, set)), count) if !several_writers => {
            format!("{} ({})", counted(count, "write"), seqs(set))
        }
        (_, count) => counted(count, "write"),
    }
}

/// Errors by class: `connection_lost 1, no_backend 11`.
#[must_use]
pub fn errors(errors: &ErrorCounts) -> String {
    let counts: Vec<String> =
        errors.iter().map(|(class, count)| format!("{class} {}", grouped(*count))).collect();
    counts.join(", ")
}

/// A class as the log calls it: `NO BACKEND`.
#[must_use]
pub fn loud_class(class: Class) -> String {
    // A server that shuts down says the same SQLSTATE as one that starts.
    let name = match class {
        Class::Starting => "not_ready",
        // A limit of pgchaos's own machine.
        Class::Local => "local_limit",
        _ => class.name(),
    };
    name.replace('_', " ").to_uppercase()
}

/// An outage by its kind and the servers in it, with what its writes waited for where that was seen:
/// `failover patroni2 → patroni3`, `stall: waiting for a synchronous standby`.
#[must_use]
pub fn outage(outage: &Outage) -> String {
    let blocker = outage.blocked_by.as_deref();
    match (&outage.stall_cause, outage.kind) {
        (Some(cause), Kind::Stall) => format!("stall: {}", stall_cause(cause, blocker)),
        // An outage of another kind may have begun with such a wait.
        (Some(cause @ (StallCause::SyncStandby | StallCause::Lock)), _) => {
            format!("{} after {}", by_kind(outage), stall_cause(cause, blocker))
        }
        _ => by_kind(outage),
    }
}

/// What a write without an answer waits for: `waiting for a lock held by psql, pid 4711`.
#[must_use]
pub fn stall_cause(cause: &StallCause, blocker: Option<&Blocker>) -> String {
    match cause {
        StallCause::SyncStandby => "waiting for a synchronous standby".to_owned(),
        StallCause::Lock => {
            let by = blocker.map(|one| format!(" held by {}", named(one))).unwrap_or_default();
            format!("waiting for a lock{by}")
        }
        StallCause::Other(event) => format!("waiting for {event} on the server"),
        StallCause::Working => "the server still works on it".to_owned(),
        StallCause::OnTheWay => {
            "the server waits for its client: the write or its answer is on the way".to_owned()
        }
        StallCause::Gone => "its server process is gone".to_owned(),
    }
}

fn named(blocker: &Blocker) -> String {
    let Blocker { pid, name, own, .. } = blocker;
    match (pid, name) {
        (0, _) => "a prepared transaction".to_owned(),
        _ if *own => format!("another session of this run, pid {pid}"),
        (_, Some(name)) => format!("{name}, pid {pid}"),
        (_, None) => format!("pid {pid}"),
    }
}

/// What a look at the server processes of stalled writes has found.
#[must_use]
pub fn stall_seen(seen: &StallSeen) -> String {
    match &seen.stall_cause {
        Some(cause) => stall_cause(cause, seen.blocked_by.as_ref()),
        None => "no new session gets an answer either".to_owned(),
    }
}

fn by_kind(outage: &Outage) -> String {
    let (from, to) = (outage.from.as_ref().map(Side::name), outage.to.as_ref().map(Side::name));
    let same = to.or(from).map(|name| format!(" of {name}")).unwrap_or_default();
    let at = to.or(from).map(|name| format!(" at {name}")).unwrap_or_default();
    let by = to.or(from).map(|name| format!(" by {name}")).unwrap_or_default();
    match outage.kind {
        Kind::Failover | Kind::Switchover => format!("{}{}", outage.kind, way(from, to)),
        Kind::Restart if outage.detail == Some(Detail::ProcessCrashed) => {
            format!("restart{same}: a server process crashed")
        }
        Kind::Restart | Kind::Demotion => format!("{}{same}", outage.kind),
        Kind::Terminated if outage.detail == Some(Detail::ByTimeLimit) => {
            format!("terminated: sessions ended by a time limit of the server{}", kept_out(outage))
        }
        Kind::Terminated => {
            format!("terminated: sessions ended by an administrator{}", kept_out(outage))
        }
        Kind::ReadOnly => format!("read-only by the settings{same}"),
        Kind::Overloaded => match &outage.detail {
            Some(Detail::OwnSessions(filled)) => format!("overloaded: {}", own_sessions(filled)),
            _ => format!("overloaded{at}: no room for a session or its work"),
        },
        Kind::Denied => format!("denied{by}: permission, role or pg_hba.conf changed"),
        Kind::Connection => "connection (proxy or network)".to_owned(),
        Kind::Stall => "stall: nothing but silence".to_owned(),
        Kind::Unknown if outage.last_ack.is_none() && from.is_none() && !outage.partial => {
            "before the first write".to_owned()
        }
        Kind::Unknown if from == to || to.is_none() => {
            format!("cause unknown{}", refused_with(outage))
        }
        Kind::Unknown => format!("cause unknown{}{}", way(from, to), refused_with(outage)),
    }
}

/// What is known where the cause is not: ` (SQLSTATE 57014, P0001)`.
fn refused_with(outage: &Outage) -> String {
    let sqlstates: Vec<&str> = outage.sqlstates.keys().map(String::as_str).take(3).collect();
    match sqlstates.len() {
        0 => String::new(),
        _ => format!(" (SQLSTATE {})", sqlstates.join(", ")),
    }
}

/// `2, the longest 3.0 s: times across them are partly pgchaos's own`; none without a pause.
#[must_use]
pub fn own_pauses(pauses: &[OwnPause]) -> Option<String> {
    let longest = pauses.iter().map(|pause| pause.length).max()?;
    let (count, longest) = (grouped(pauses.len() as u64), duration(longest));
    Some(format!("{count}, the longest {longest}: times across them are partly pgchaos's own"))
}

/// `1 of 4 writers out`, or `no write goes through` where there is one.
#[must_use]
pub fn writers_out(out: u64, writers: u32) -> String {
    match writers {
        ..=1 => "no write goes through".to_owned(),
        _ => format!("{} of {} out", grouped(out), counted(u64::from(writers), "writer")),
    }
}

/// How long an outage was: `3.1 s without a write`, or of a partial one with how many writers out,
/// and whether it was over.
#[must_use]
pub fn length(outage: &Outage, writers: u32) -> String {
    let without = |length| format!("{} without a write", duration(length));
    match (outage.open, outage.writers_out_at_end) {
        (_, 0) if outage.partial => partial(outage, writers),
        _ if outage.partial => format!("{}, until the run ended", partial(outage, writers)),
        (Some(open), _) => format!("{}, and none until the run ended", without(open)),
        (None, 0) => without(outage.duration),
        (None, out) => {
            let out = writers_out(out, writers);
            format!("{}, and {out} until the run ended", without(outage.duration))
        }
    }
}

/// `1 of 4 writers out for 38.0 s`: how long a partial outage was.
#[must_use]
pub fn partial(outage: &Outage, writers: u32) -> String {
    let up_to = if outage.writers_out_max > 1 { "up to " } else { "" };
    let (out, all) = (grouped(outage.writers_out_max), counted(u64::from(writers), "writer"));
    format!("{up_to}{out} of {all} out for {}", duration(outage.degraded))
}

/// `writable again between +0.1 s and +3.1 s`, where the two differ as printed.
#[must_use]
pub fn writable_again(outage: &Outage) -> Option<String> {
    let (from, to) = outage.writable_after.filter(|_| !outage.partial)?;
    let (from, to) = (duration(from), duration(to));
    (from != to).then(|| format!("writable again between +{from} and +{to}"))
}

/// What kept writers out after their sessions had ended, where the errors tell.
fn kept_out(outage: &Outage) -> &'static str {
    let met = |class| outage.errors.contains_key(&class);
    match () {
        () if met(Class::Overloaded) => ", then no room for new ones",
        () if met(Class::Auth) => ", then none let in",
        () if met(Class::Tls) => ", then TLS failed",
        () => "",
    }
}

/// That pgchaos's own sessions fill a limit: `pgchaos's own 2 sessions fill the limit of role app (2)`.
fn own_sessions(filled: &Filled) -> String {
    let Filled { own, of, max } = filled;
    let noun = if *own == 1 { "session fills" } else { "sessions fill" };
    format!("pgchaos's own {} {noun} the limit of {of} ({max})", grouped(u64::from(*own)))
}

/// What an outage followed, in a drill: `4 ms after kill leader (patroni2)`.
#[must_use]
pub fn cause(cause: &Cause) -> String {
    let after = duration(cause.evidence_after);
    format!("{after} after {} {}", cause.what.action, cause.what.target_words())
}

/// What a drill did: `kill leader (patroni2)`.
#[must_use]
pub fn injection(injection: &Injection) -> String {
    let what = &injection.what;
    shortened(&plain(&format!("{} {}", what.action, what.target_words())), INJECTION_CHARS_MAX)
}

fn way(from: Option<&str>, to: Option<&str>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!(" {from} → {to}"),
        (Some(from), None) => format!(" from {from}"),
        (None, Some(to)) => format!(" to {to}"),
        (None, None) => String::new(),
    }
}

/// The load: `1 writer · 1 write/s`.
#[must_use]
pub fn load(options: &LoadOptions) -> String {
    let writers = counted(u64::from(options.writers), "writer");
    let pipeline = match options.pipeline {
        ..=1 => String::new(),
        some => format!(" × {some} in flight"),
    };
    let rate = match options.rate {
        Rate::Max => "as fast as the server answers".to_owned(),
        Rate::PerSecond(rate) => {
            let noun = if (rate - 1.0).abs() < f64::EPSILON { "write" } else { "writes" };
            format!("{} {noun}/s", per_second(rate).trim_end_matches("/s"))
        }
    };
    format!("{writers}{pipeline} · {rate}")
}

/// What other servers hold, of the lost writes or of all acknowledged ones: `2 of them are on
/// patroni1 (timeline 1)`. Nothing when none holds any.
#[must_use]
pub fn held(held: &[HeldBy], of_lost: bool) -> Option<String> {
    let words = |held: &HeldBy| {
        let timeline = held.timeline.map(|timeline| format!(" (timeline {timeline})"));
        let on = format!("{}{}", held.server, timeline.unwrap_or_default());
        match (of_lost, held.writes) {
            (true, 0) => None,
            (true, writes) => Some(format!("{} of them on {on}", grouped(writes))),
            (false, writes) => Some(format!("{} on {on}", counted(writes, "acknowledged write"))),
        }
    };
    let held: Vec<String> = held.iter().filter_map(words).collect();
    (!held.is_empty()).then(|| held.join(", "))
}

/// That no acknowledged write is missing. A record that was not closed may lack some.
#[must_use]
pub fn all_there(closed: bool) -> &'static str {
    if closed {
        "every acknowledged write is there"
    } else {
        "every write that the record has as acknowledged is there"
    }
}

/// The same as a sentence.
#[must_use]
pub fn all_there_sentence(closed: bool) -> String {
    format!("{}.", all_there(closed).replacen('e', "E", 1))
}

/// Lost writes that were acknowledged locally: no synchronous standby had to have them.
#[must_use]
pub fn lost_locally(writes: u64) -> Option<String> {
    let verb = if writes == 1 { "was" } else { "were" };
    (writes > 0).then(|| {
        format!(
            "{} of them {verb} acknowledged locally: the wait for the synchronous standby was \
             cancelled",
            grouped(writes)
        )
    })
}

/// How a verification was decided, in words. Some notes have none: of one endpoint the summary
/// speaks beside the result.
#[must_use]
pub fn note(note: &Note) -> Option<String> {
    Some(match note {
        // The verification's reason says it.
        Note::OneEndpoint
        | Note::Removed
        | Note::ForeignPatroni
        | Note::NobodyLeads
        | Note::PatroniUntrusted { .. } => return None,
        Note::WentBack { from, to } => {
            format!("history went back: timeline {to} decides, the run has seen timeline {from}")
        }
        Note::TableGone => "the table is gone, and every acknowledged write with it".to_owned(),
        Note::BehindPooler => "a pooler stands between: which sessions could still commit a write \
                               is not known, so what is in doubt and not there stays in doubt"
            .to_owned(),
    })
}

/// What has to be mended where TLS with Patroni's API failed for this cause, to follow "account for the run, ".
#[must_use]
pub fn tls_with_patroni(cause: TlsCause) -> &'static str {
    match cause {
        TlsCause::UnknownAuthority => {
            "with the authority of Patroni's certificate in the file that PGSSLROOTCERT names"
        }
        TlsCause::OtherName => {
            "with the URL of Patroni's API (--patroni) by a name that its certificate is for"
        }
        TlsCause::Dates => "once Patroni's certificate (restapi: certfile) is valid today",
        TlsCause::Revoked => "once Patroni has a new certificate (restapi: certfile)",
        TlsCause::RevocationUnknown => "with the list of its authority that PGSSLCRL names",
        TlsCause::ClientCertificate | TlsCause::CertificateNotRequested => {
            "with a client certificate that Patroni's cafile knows: PGSSLCERT, PGSSLKEY"
        }
        TlsCause::OwnFile => "once the file that the reason names can be used",
        TlsCause::OtherProtocol | TlsCause::NotForPostgresql | TlsCause::NotAskedFor => {
            "with the URL of Patroni's API (--patroni), by http where it speaks no TLS"
        }
        TlsCause::NotOffered
        | TlsCause::CertificateForm
        | TlsCause::NothingInCommon
        | TlsCause::NoClient
        | TlsCause::Other => "once TLS with Patroni's API is mended, as the reason tells",
    }
}

/// Two primaries: for how long both acknowledged, and what the one wrote that should have stopped.
#[must_use]
pub fn two_primaries(seen: &TwoPrimaries) -> String {
    format!("{}; {}", both_acknowledged(seen), written(seen, "to the one that should have stopped"))
}

/// The same with what became of the losing side's writes, as far as that is known.
#[must_use]
pub fn two_primaries_account(account: &TwoPrimariesAccount) -> String {
    let seen = &account.window;
    let both = both_acknowledged(seen);
    let lost = lost_of(seen.writes, account.lost, seen.unlisted);
    match account.losing {
        None => {
            let of_new = match account.new_lost.filter(|lost| *lost > 0) {
                Some(lost) => format!(
                    "; {} of {} lost ({})",
                    grouped(lost),
                    counted(seen.new_writes, "write"),
                    seen.new.name()
                ),
                None => String::new(),
            };
            format!("{}{lost}{of_new}", two_primaries(seen))
        }
        Some(PairSide::Old) => format!("{both}; {}{lost}", written(seen, "on the losing side")),
        Some(PairSide::New) => format!(
            "{both}; history went back to {}: {} on the losing side ({}){}",
            seen.old.name(),
            counted(seen.new_writes, "write"),
            seen.new.name(),
            lost_of(seen.new_writes, account.new_lost, seen.new_unlisted),
        ),
    }
}

fn both_acknowledged(seen: &TwoPrimaries) -> String {
    let side = |server: &Server| {
        let timeline = server.timeline.map(|timeline| format!(" (timeline {timeline})"));
        format!("{}{}", server.name(), timeline.unwrap_or_default())
    };
    let (old, new, length) = (side(&seen.old), side(&seen.new), duration(seen.length()));
    if !seen.over {
        // The newer one's last acknowledgement is told a moment later, or comes with its next write.
        return format!("{old} acknowledged after {new} had, for {length}");
    }
    if seen.both().is_zero() {
        return format!(
            "{old} acknowledged for {length} after {new} had, and not at the same time as far as was seen"
        );
    }
    let Some(alone) = seen.alone() else {
        return format!("{old} and {new} both acknowledged for {length}");
    };
    let (both, alone) = (duration(seen.both()), duration(alone));
    let old_name = seen.old.name();
    format!(
        "{old} and {new} both acknowledged for {both}, then {old_name} alone for {alone} as far as was seen"
    )
}

/// The writes that the old one acknowledged, and where that was: "on the losing side".
fn written(seen: &TwoPrimaries, place: &str) -> String {
    let witnesses = match seen.witness_writes {
        0 => String::new(),
        some => format!(" (and {} of witnesses)", grouped(some)),
    };
    format!("{} {place} ({}){witnesses}", counted(seen.writes, "write"), seen.old.name())
}

fn lost_of(writes: u64, lost: Option<u64>, unlisted_writes: u64) -> String {
    let unlisted = grouped(unlisted_writes);
    match (writes, lost, unlisted_writes) {
        (0, ..) | (_, None, _) => String::new(),
        (_, Some(0), 0) => ", none of them lost".to_owned(),
        (_, Some(lost), 0) => format!(", {} of them lost", grouped(lost)),
        (_, Some(0), _) => format!(", none of them known to be lost ({unlisted} not compared)"),
        (_, Some(lost), _) => {
            format!(", at least {} of them lost ({unlisted} not compared)", grouped(lost))
        }
    }
}

/// A host that failed before another one served, or before it served without TLS: `10.0.0.1:5432: timeout ×9, 27.0 s of
/// waiting`.
#[must_use]
pub fn passed_over(passed_over: &PassedOverCount) -> String {
    let PassedOverCount { host, class, count, total_s, served_without_tls } = passed_over;
    let waiting = match *total_s {
        ..0.1 => String::new(),
        total_s => format!(", {} of waiting", seconds(total_s)),
    };
    let then = if *served_without_tls { ", then without TLS" } else { "" };
    format!("{host}: {class} ×{}{waiting}{then}", grouped(*count))
}

/// A run's name and group: `zone-a of group checkout`.
#[must_use]
pub fn called(name: Option<&str>, group: Option<&str>) -> Option<String> {
    match (name, group) {
        (Some(name), Some(group)) => Some(format!("{name} of group {group}")),
        (Some(name), None) => Some(name.to_owned()),
        (None, Some(group)) => Some(format!("group {group}")),
        (None, None) => None,
    }
}

/// What went backwards: `timeline 3 → 2 on patroni1`.
#[must_use]
pub fn backwards(backwards: &Backwards) -> String {
    let Backwards { from, to, server, .. } = backwards;
    match backwards.what {
        BackwardsWhat::Timeline => format!("timeline {from} → {to} on {server}"),
        BackwardsWhat::Id => format!("id {to} on {server} after id {from}"),
        BackwardsWhat::SystemIdentifier => {
            format!("{server} is another cluster (system identifier {from} → {to})")
        }
    }
}

/// How far a replica was behind: `r1 · at most 3.2 s behind, 12.4 s after the start · …`.
#[must_use]
pub fn replica(replica: &ReplicaSummary) -> String {
    let ReplicaSummary { name, reads, lag_max, lag_max_at, writes_behind_max, lag_last, .. } =
        replica;
    if lag_max.is_zero() {
        return format!("{name} · level whenever it was read, {}", counted(*reads, "time"));
    }
    format!(
        "{name} · at most {} behind, {} after the start · at most {} · {} behind at the end",
        duration(*lag_max),
        duration(*lag_max_at),
        counted(*writes_behind_max, "write"),
        duration(*lag_last)
    )
}

/// What a member is, by its own Patroni API, as the end of a sentence of which it is the subject, and its
/// timeline.
#[must_use]
pub fn member_state(is: &MemberState) -> (String, Option<u32>) {
    match is {
        MemberState::Primary { timeline } => ("is the primary".to_owned(), *timeline),
        MemberState::Replica { timeline } => ("is a replica".to_owned(), *timeline),
        MemberState::NotRunning { word } => (format!("is {word}"), None),
        MemberState::Gone => {
            ("is gone: its API refuses connections, or breaks them off".to_owned(), None)
        }
        MemberState::Silent => ("gives no answer of Patroni's".to_owned(), None),
    }
}

/// What a server is for a proxy, in words that follow its name.
#[must_use]
pub fn proxy_server_state(is: &ProxyServerState) -> String {
    match is {
        ProxyServerState::Up => "is up: new sessions go there".to_owned(),
        ProxyServerState::GoingDown { failed, fall } => {
            format!("is up: {failed} of {fall} checks failed")
        }
        ProxyServerState::Down => "is down: no session goes there".to_owned(),
        ProxyServerState::ComingUp { passed, rise } => {
            format!("is down: {passed} of {rise} checks passed")
        }
        ProxyServerState::OutOfService { word } if word == "backup" => {
            "waits as a backup: no session goes there".to_owned()
        }
        ProxyServerState::OutOfService { word } => format!("is set to {word}"),
        ProxyServerState::Unchecked => "is up: not checked yet".to_owned(),
    }
}

/// What a member's own server is, in words that follow its name, and its timeline.
#[must_use]
pub fn member_server_state(is: &MemberServerState) -> (String, Option<u32>) {
    match is {
        MemberServerState::Answers { server } => {
            let role = match (server.in_recovery, server.read_only) {
                (true, _) => "is a replica",
                (false, true) => "is read-only",
                (false, false) => "takes writes",
            };
            (role.to_owned(), server.timeline)
        }
        MemberServerState::Starting => ("is starting or shutting down".to_owned(), None),
        MemberServerState::Gone => ("is not there: no server at its port".to_owned(), None),
        MemberServerState::Silent => {
            ("gives no answer, or there is no way to its address".to_owned(), None)
        }
        MemberServerState::Refused { reason } => (format!("cannot be watched: {reason}"), None),
    }
}

/// PostgreSQL's version of its number: `15.4` of 150004.
#[must_use]
pub fn postgresql_version(version: u32) -> String {
    format!("{}.{}", version / 10_000, version % 10_000)
}

/// Patroni's settings by their names.
#[must_use]
pub fn patroni_settings(settings: &PatroniSettings) -> [(&'static str, String); 7] {
    let seconds = |s: u64| format!("{s} s");
    let on = |on: bool| if on { "on" } else { "off" }.to_owned();
    [
        ("ttl", seconds(settings.ttl_s)),
        ("loop_wait", seconds(settings.loop_wait_s)),
        ("retry_timeout", seconds(settings.retry_timeout_s)),
        (
            "maximum_lag_on_failover",
            format!("{} bytes", grouped(settings.maximum_lag_on_failover_bytes)),
        ),
        ("synchronous_mode", on(settings.synchronous_mode)),
        ("synchronous_mode_strict", on(settings.synchronous_mode_strict)),
        ("pause", on(settings.pause)),
    ]
}

/// A word of a command line, quoted where a shell would split or expand it, so that the line can be
/// copied. Not by shlex, which also quotes commas: lists of hosts would be harder to read.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./+,:@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The newer one had acknowledged its last write before the older one's first.
    #[test]
    fn what_was_not_at_the_same_time_is_not_said_to_be() {
        let ms = std::time::Duration::from_millis;
        let server = |member: &str| Server { member: Some(member.to_owned()), ..Server::default() };
        let seen = TwoPrimaries {
            n: 1,
            old: server("a"),
            new: server("b"),
            from: ms(10_100),
            to: ms(11_900),
            writes: 3,
            witness_writes: 0,
            which: Vec::new(),
            unlisted: 0,
            new_to: ms(10_000),
            new_writes: 1,
            new_which: Vec::new(),
            new_unlisted: 0,
            over: true,
        };
        assert_eq!(
            both_acknowledged(&seen),
            "a acknowledged for 1.8 s after b had, and not at the same time as far as was seen"
        );
        let both = TwoPrimaries { new_to: ms(11_800), ..seen };
        assert_eq!(both_acknowledged(&both), "a and b both acknowledged for 1.8 s");
    }

    #[test]
    fn writes_are_named_as_ranges_and_the_rest_is_counted() {
        let some: SeqSet = [1..=1, 5..=9].into_iter().collect();
        assert_eq!(seqs(&some), "#1, #5–#9");
        let many: SeqSet = (0..7).map(|n| n * 10..=n * 10).collect();
        assert_eq!(seqs(&many), "#0, #10, #20, #30 and 3 more ranges");
    }

    #[test]
    fn one_write_is_named_and_several_are_counted() {
        let one = [(3, SeqSet::range(82, 82))].into();
        assert_eq!(inserts(&one, false), "INSERT #82");
        assert_eq!(inserts(&one, true), "writer 3 INSERT #82");
        let more: BTreeMap<_, _> = [(1, SeqSet::range(70, 82))].into();
        assert_eq!(inserts(&more, false), "13 writes (#70–#82)");
        assert_eq!(inserts(&more, true), "13 writes");
        assert_eq!(by_writer(&more), "writer 1 #70–#82");
    }
}
