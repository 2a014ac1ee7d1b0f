//! The page of text that ends a run.
//!
//! The verdict comes last, next to the shell's prompt; above it stand the run, its outages and what
//! became of its writes.

mod outages;
mod page;
mod time_of_day;
mod verification;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use crate::model::event::Note;
use crate::model::load::latency::Percentiles;
use crate::model::load::options::Rate;
use crate::model::load::target::Target;
use crate::model::outage::Outage;
use crate::model::outcome::Outcome;
use crate::model::run::summary::{RecordSummary, Summary, VerificationState};

use super::layout::{Line, Tone};
use super::numbers::{counted, duration, grouped, milliseconds, per_second, percent, seconds};
use super::words;
pub(super) use page::Page;
pub use page::SummaryTextOptions;

/// The summary as a page of text that ends with a line break.
#[must_use]
pub fn summary_text(summary: &Summary, options: &SummaryTextOptions) -> String {
    let mut page = Page::new(options);
    page.rule(
        &Line::new(Tone::Plain, "")
            .rest(format!("pgchaos {}", summary.pgchaos))
            .part(format!("run {}", summary.run_id))
            .part_if(words::called(summary.name.as_deref(), summary.group.as_deref())),
    );
    page.row("target", &target(summary));
    page.row("started", &started(summary, options));
    page.row("load", &Line::new(Tone::Plain, "").rest(words::load(&summary.options.load)));
    writes(&mut page, summary);
    latency(&mut page, &summary.latency_ms);
    if !summary.errors.is_empty() {
        page.row("errors", &Line::new(Tone::Plain, "").rest(words::errors(&summary.errors)));
    }
    for (number, host) in summary.passed_over.iter().enumerate() {
        let label = if number == 0 { "passed over" } else { "" };
        page.row(label, &Line::new(Tone::Plain, "").rest(words::passed_over(host)));
    }
    if let Some(pauses) = words::own_pauses(&summary.own_pauses) {
        page.row("own pauses", &Line::new(Tone::Wary, "").rest(pauses));
    }
    outages::outages(&mut page, summary, options.offset);
    for (number, replica) in summary.replicas.iter().enumerate() {
        let label = if number == 0 { "replicas" } else { "" };
        page.row(label, &Line::new(Tone::Plain, "").rest(words::replica(replica)));
    }
    verification::verification(&mut page, summary, options.offset);
    if let Some(record) = &summary.record {
        page.copyable("record", &format!("{}{}", record.path, incomplete(record)));
    }
    next_step(&mut page, summary);
    verdict(&mut page, summary);
    page.text()
}

fn target(summary: &Summary) -> Line {
    let target = &summary.target;
    Line::new(Tone::Plain, "")
        .rest(target.endpoints.clone())
        .part(format!("database {}", target.dbname))
        .part(format!("user {}", target.user))
}

fn started(summary: &Summary, options: &SummaryTextOptions) -> Line {
    let started = summary.started_at.with_timezone(&options.offset);
    Line::new(Tone::Plain, "")
        .rest(started.format("%Y-%m-%d %H:%M:%S %:z").to_string())
        .part(format!("ran for {}", seconds(summary.elapsed_s)))
}

fn writes(page: &mut Page, summary: &Summary) {
    let writes = &summary.writes;
    let verified = summary.verification.state == VerificationState::Complete;
    let fate = verified.then(|| {
        let found = &summary.verification;
        let open = (found.counts.undecided > 0)
            .then(|| format!(", {} open", grouped(found.counts.undecided)));
        let (committed, not) = (grouped(found.counts.recovered), grouped(found.counts.absent));
        format!("{committed} committed, {not} not{}", open.unwrap_or_default())
    });
    let plain = |name| Line::new(Tone::Plain, name);
    let wary = |name| Line::new(Tone::Wary, name);
    // No count exceeds the due writes, except those after the last flush of a killed run.
    let width = grouped(writes.due.max(writes.attempted).max(writes.unaccounted_seen)).len();
    page.count("writes", writes.due, width, &plain("due"));
    page.count("", writes.attempted, width, &plain("attempted"));
    let share = summary.rate.availability_pct.map(|share| match summary.options.load.rate {
        Rate::PerSecond(_) => format!("{} of due", percent(share)),
        Rate::Max => format!("writable {} of the time", percent(share)),
    });
    let acknowledged =
        plain("acknowledged").part_if(share).part(per_second(summary.rate.acknowledged_per_s));
    page.count("", writes.acknowledged, width, &acknowledged);
    let exceptions = [
        (
            writes.acknowledged_locally,
            wary("of these without the synchronous standby").part("a failover may lose them"),
        ),
        (writes.rejected, wary("rejected").part("the server said no: not committed")),
        (writes.in_doubt, wary("in doubt").part("sent, no proof").part_if(fate)),
        (writes.skipped, wary("skipped").part("due, never sent: there was no session")),
    ];
    for (count, line) in exceptions.into_iter().filter(|(count, _)| *count > 0) {
        page.count("", count, width, &line);
    }
    if writes.unaccounted.is_none() {
        let seen = writes.unaccounted_seen;
        let at_least =
            (seen > 0).then(|| format!("{} without an outcome in it", counted(seen, "write")));
        let line = Line::new(Tone::Bad, "unaccounted")
            .part("acknowledged after the record's last flush: an unknown number")
            .part_if(at_least);
        page.unknown_count("", width, &line);
    }
}

fn latency(page: &mut Page, latency: &Percentiles) {
    let named = [
        ("p50", latency.p50),
        ("p90", latency.p90),
        ("p99", latency.p99),
        ("p99.9", latency.p999),
        ("max", latency.max),
    ];
    let known: Vec<String> = named
        .into_iter()
        .filter_map(|(name, ms)| Some(format!("{name} {}", milliseconds(ms?))))
        .collect();
    if !known.is_empty() {
        page.row("latency", &Line::new(Tone::Plain, "").rest(known.join(" · ")));
    }
}

fn incomplete(record: &RecordSummary) -> String {
    match (&record.error, record.complete) {
        (_, true) => String::new(),
        (Some(error), false) => format!(" · INCOMPLETE: {error}"),
        (None, false) => " · INCOMPLETE".to_owned(),
    }
}

fn next_step(page: &mut Page, summary: &Summary) {
    let nothing_to_verify = summary.writes.attempted == 0;
    if summary.verification.state == VerificationState::Complete || nothing_to_verify {
        return;
    }
    let say = |text: &str| Line::new(Tone::Plain, "").rest(text);
    let Some(record) = &summary.record else {
        page.row("next", &say("no record was kept, so this run cannot be accounted for later"));
        return;
    };
    let path = format!("{}{}", words::shell_word(&record.path), place(&summary.target));
    let notes = &summary.verification.notes;
    if notes.contains(&Note::ForeignPatroni) {
        page.row("next", &say("account for the run without that Patroni, or give its own:"));
        page.copyable("", &format!("pgchaos verify --no-patroni {path}"));
        page.copyable("", &format!("pgchaos verify --patroni http://HOST:8008 {path}"));
        return;
    }
    let what = if record.complete { "the run" } else { "what the record has" };
    let of_tls = notes.iter().find_map(|note| match note {
        Note::PatroniUntrusted { cause } => Some(*cause),
        _ => None,
    });
    if let Some(cause) = of_tls {
        page.row("next", &say(&format!("account for {what}, {}:", words::tls_with_patroni(cause))));
        page.copyable("", &format!("pgchaos verify {path}"));
        page.row("", &say("or without Patroni, by what the connection leads to:"));
        page.copyable("", &format!("pgchaos verify --no-patroni {path}"));
        return;
    }
    page.row("next", &say(&format!("when the cluster is back, account for {what}:")));
    page.copyable("", &format!("pgchaos verify {path}"));
    if notes.contains(&Note::NobodyLeads) {
        page.row("", &say("or, if what was watched is no Patroni of this cluster:"));
        page.copyable("", &format!("pgchaos verify --no-patroni {path}"));
    }
}

/// Host and ports, unless all of it is this machine: elsewhere `verify` sends a password only to a
/// host that is typed.
fn place(target: &Target) -> String {
    let is_here = |host: &str| {
        let loopback = |address: IpAddr| address.to_canonical().is_loopback();
        host == "localhost" || host.starts_with(['/', '@']) || host.parse().is_ok_and(loopback)
    };
    let is_shortened = target.host.ends_with('…') || target.endpoints.ends_with('…');
    if is_shortened || target.host.split(',').all(is_here) {
        return String::new();
    }
    let ports: Vec<&str> = target
        .endpoints
        .split(',')
        .filter_map(|endpoint| Some(endpoint.rsplit_once(':')?.1))
        .collect();
    let ports = match ports.windows(2).all(|pair| pair[0] == pair[1]) {
        true => String::new(),
        false => format!(" -p {}", words::shell_word(&ports.join(","))),
    };
    format!(" -h {}{ports}", words::shell_word(&target.host))
}

fn verdict(page: &mut Page, summary: &Summary) {
    let (tone, name) = match summary.verdict {
        Outcome::Pass => (Tone::Proven, "PASS"),
        Outcome::Fail => (Tone::Loud, "FAIL"),
        Outcome::Inconclusive => (Tone::Loud, "INCONCLUSIVE"),
    };
    page.gap();
    if summary.reasons.is_empty() {
        page.row(name, &Line::new(tone, "").rest(in_short(summary)));
        return;
    }
    for (number, reason) in summary.reasons.iter().enumerate() {
        let label = if number == 0 { name } else { "" };
        page.row(label, &Line::new(tone, "").rest(reason));
    }
}

fn in_short(summary: &Summary) -> String {
    let (partial, whole): (Vec<&Outage>, Vec<&Outage>) =
        summary.outages.iter().partition(|outage| outage.partial);
    let told = [(whole, "outage"), (partial, "partial outage")].map(|(outages, noun)| {
        let longest = outages.iter().map(|outage| outage.length()).max()?;
        let count = counted(outages.len() as u64, noun);
        Some(format!("{count}, the longest {}", duration(longest)))
    });
    let told: Vec<String> = told.into_iter().flatten().collect();
    let outages = if told.is_empty() { "no outage".to_owned() } else { told.join(" · ") };
    let lost = counted(summary.verification.counts.lost, "acknowledged write");
    // A pass with losses: --max-lost allows as many.
    let allowed = if summary.verification.counts.lost > 0 { "as allowed: " } else { "" };
    format!("{allowed}{lost} lost · {outages}")
}
