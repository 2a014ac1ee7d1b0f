//! From a run to its summary and verdict.

use std::borrow::Cow;
use std::time::Duration;

use crate::model::cluster::server::Server;
use crate::model::event::{Note, RunResult, Verification};
use crate::model::foreign::shortened;
use crate::model::ledger::account::{Account, Counts};
use crate::model::load::descriptors;
use crate::model::load::options::Rate;
use crate::model::load::target::PLACES_CHARS_MAX;
use crate::model::outage::Outage;
use crate::model::outcome::Outcome;
use crate::model::own_limit::OwnLimit;
use crate::model::run::Run;
use crate::model::run::availability::Availability;
use crate::model::run::availability::RateSummary;
use crate::model::run::limits;
use crate::model::run::record_format::FORMAT;
use crate::model::run::summary::{
    HeldBy, Summary, SummaryOptions, VerificationState, VerificationSummary, Writes,
};
use crate::model::run::timeline_columns::TimelineColumns;
use crate::model::run::two_primaries_account;
use crate::model::run::verdict::{Findings, Verdict, judge};
use crate::model::seconds;

/// The summary of a run, with its verdict.
#[must_use]
pub fn sum_up(run: &Run) -> Summary {
    let outages = all_outages(run);
    let rate = rate(run, &outages);
    let verdict = verdict_on(run, &outages, rate);
    Summary {
        format: FORMAT,
        pgchaos: run.header.pgchaos.clone(),
        run_id: run.header.run_id,
        group: run.header.group.clone(),
        name: run.header.name.clone(),
        part_of: run.header.part_of.clone(),
        drill_verdict: run.drill_verdict,
        started_at: run.header.started_at,
        elapsed_s: seconds::of(run.elapsed),
        target: run.header.target.shortened(),
        options: SummaryOptions {
            load: run.header.options.clone(),
            thresholds: run.header.thresholds,
        },
        writes: writes(run),
        rate,
        latency_ms: run.latencies.percentiles(),
        errors: run.errors.clone(),
        passed_over: run.passed_over.counts(),
        verification: verification(run),
        history_backwards: run.history_backwards.clone(),
        two_primaries: two_primaries_account::of(run),
        replicas: run.replicas.replicas(),
        outages: split(run, outages.into_owned()),
        injections: run.injections.clone(),
        own_pauses: run.own_pauses.as_slice().to_vec(),
        own_limits: own_limits(run),
        abandoned: run.abandoned,
        clocks: run.clocks.best(),
        timeline: timeline(run),
        acknowledging: run.lanes.acknowledging().to_vec(),
        members: run.lanes.members(),
        proxy: run.lanes.proxy(),
        proxy_page: run.lanes.proxy_page().to_vec(),
        lanes_until_s: run.lanes.cut().map(seconds::of),
        lanes_left_out: run.lanes.left_out(),
        servers: run.software.servers(),
        patroni_settings: run.software.settings().to_vec(),
        patroni: run.header.patroni.iter().map(|url| shortened(url, PLACES_CHARS_MAX)).collect(),
        haproxy: run.header.haproxy.as_deref().map(|url| shortened(url, PLACES_CHARS_MAX)),
        witness: run.header.witness,
        beside: run.header.beside.shortened(),
        record: None,
        verdict: verdict.outcome,
        reasons: verdict.reasons,
    }
}

/// An outage that was over when the run was killed, and not split yet.
const UNTOLD: Duration = Duration::from_secs(5);

/// The outages, the last ones split as far as the record tells: not told are the parts of those that ended just before a
/// run was killed.
fn split(run: &Run, mut outages: Vec<Outage>) -> Vec<Outage> {
    let untold = |outage: &&mut Outage| {
        outage.whose.is_none() && outage.ended().saturating_add(UNTOLD) >= run.elapsed
    };
    for outage in outages.iter_mut().filter(untold) {
        outage.whose = run.whose_seconds(outage.n);
    }
    outages
}

/// What happened when: an outage that the run was killed in lasts until the record ends.
fn timeline(run: &Run) -> TimelineColumns {
    match run.open_outage() {
        None => (&run.timeline).into(),
        Some(open) => {
            let mut timeline = run.timeline.clone();
            timeline.ends_in(&open);
            (&timeline).into()
        }
    }
}

/// The summary that a verification of its own gives: where it was not complete, what an earlier one
/// found still counts, and is no pass of this one. A table that was removed since is said alone.
#[must_use]
pub fn sum_up_verified(run: &Run) -> Summary {
    let mut summary = sum_up(run);
    let later = run.verification_since.as_ref();
    if let Some(later) = later.filter(|later| !later.notes.contains(&Note::Removed)) {
        let of_the_run = summary.verdict;
        summary.verdict = of_the_run.max(Outcome::Inconclusive);
        let reason = later.reason.as_deref().unwrap_or("it did not finish");
        summary.reasons.push(format!("not verified now, an earlier verification counts: {reason}"));
        let both_stand = format!(
            "both stand: this verification saw nothing, so that it is inconclusive, and the run stays a \
             {of_the_run} by the earlier one, as pgchaos report says"
        );
        summary.reasons.extend((summary.verdict != of_the_run).then_some(both_stand));
    }
    summary
}

/// What a run comes to by now, in the few numbers that its record ends with.
#[must_use]
pub fn result(run: &Run) -> RunResult {
    let outages = all_outages(run);
    let verification = run.verification.as_ref();
    let account = verification.and_then(|verification| verification.account.as_ref());
    RunResult {
        verdict: verdict(run).outcome,
        drill: run.drill_verdict,
        elapsed: run.elapsed,
        acknowledged: run.ledger.counts().acknowledged,
        lost: account.map(|account| account.counts.lost),
        outages: outages.len() as u64,
        longest_outage: outages.iter().map(Outage::length).max(),
        complete: run.ended,
    }
}

/// The verdict of a run.
#[must_use]
pub fn verdict(run: &Run) -> Verdict {
    let outages = all_outages(run);
    verdict_on(run, &outages, rate(run, &outages))
}

/// Every outage, ended or not: one that was open when the run was killed is at least as long as the
/// record.
fn all_outages(run: &Run) -> Cow<'_, [Outage]> {
    match run.open_outage() {
        Some(open) => Cow::Owned(run.outages.iter().cloned().chain([open]).collect()),
        None => Cow::Borrowed(run.outages.as_slice()),
    }
}

fn verdict_on(run: &Run, outages: &[Outage], rate: RateSummary) -> Verdict {
    let account = run.verification.as_ref().and_then(|verification| verification.account.as_ref());
    let undisturbed =
        run.latencies_disturbed.as_ref().map(|disturbed| run.latencies.without(disturbed));
    let findings = Findings {
        acknowledged: run.ledger.counts().acknowledged,
        verified: account.is_some(),
        unverified_reason: match &run.verification {
            Some(verification) => verification.reason.clone(),
            None => Some("it was not reached".to_owned()),
        },
        counts: account.map(|account| judged_counts(run, account)).unwrap_or_default(),
        closed: run.ended,
        outages: Cow::Borrowed(outages),
        own_pauses: run.own_pauses.clone(),
        own_limits: own_limits(run),
        closed_loop: run.header.options.rate == Rate::Max,
        two_primaries: limits::two_primaries(
            run.two_primaries.values(),
            &run.own_pauses,
            run.header.thresholds.max_two_primaries,
        ),
        lag: run.header.thresholds.max_lag.and_then(|max| run.replicas.judge(run.elapsed, max)),
        rate,
        p99: run.latencies.quantile(0.99),
        p99_undisturbed: undisturbed.and_then(|latencies| latencies.quantile(0.99)),
    };
    judge(&findings, &run.header.thresholds)
}

/// What pgchaos itself ran out of, how often, and what to do about it.
fn own_limits(run: &Run) -> Vec<String> {
    let reason = |(limit, count): (&OwnLimit, &u64)| {
        let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
        let remedy = descriptors::remedy(*limit, &run.header.options);
        format!("pgchaos itself ran out of {} {times}: {remedy}", limit.name())
    };
    run.own_limits.iter().map(reason).collect()
}

/// Behind a pooler what is in doubt may stay so for good; that is said, and proves no loss.
fn behind_pooler(run: &Run) -> bool {
    run.verification.as_ref().is_some_and(|one| one.notes.contains(&Note::BehindPooler))
}

/// What a killed run sent after its last flush, as far as it was seen.
fn unaccounted_seen(run: &Run) -> u64 {
    let account = run.verification.as_ref().and_then(|verification| verification.account.as_ref());
    let open = run.ledger.counts().open;
    account.map_or(open, |account| account.unaccounted.max(open))
}

fn writes(run: &Run) -> Writes {
    let counts = run.ledger.counts();
    Writes {
        due: run.due,
        attempted: counts.attempted,
        acknowledged: counts.acknowledged,
        acknowledged_locally: counts.acknowledged_locally,
        rejected: counts.rejected,
        in_doubt: counts.in_doubt,
        skipped: run.skipped,
        unaccounted: run.ended.then(|| unaccounted_seen(run)),
        unaccounted_seen: unaccounted_seen(run),
    }
}

/// The counts that a verdict is given on. Behind a pooler what stays in doubt is said and is no
/// reason against a pass.
fn judged_counts(run: &Run, account: &Account) -> Counts {
    let mut counts = account.counts;
    if behind_pooler(run) {
        counts.undecided = 0;
    }
    counts
}

#[allow(clippy::cast_precision_loss)]
fn rate(run: &Run, outages: &[Outage]) -> RateSummary {
    let acknowledged = run.ledger.counts().acknowledged as f64;
    let elapsed = run.elapsed.max(Duration::from_millis(1)).as_secs_f64();
    let availability = availability(run, outages);
    let has_paused = run.own_pauses.longest().is_some();
    let bounds = availability.filter(|_| has_paused);
    RateSummary {
        acknowledged_per_s: (acknowledged / elapsed * 1e3).round() / 1e3,
        availability_pct: availability.map(|share| share.pct),
        availability_at_least_pct: bounds.map(|share| share.at_least_pct),
        availability_at_most_pct: bounds.map(|share| share.at_most_pct),
    }
}

/// How much was acknowledged of what was due, or of the time.
fn availability(run: &Run, outages: &[Outage]) -> Option<Availability> {
    let pauses = &run.own_pauses;
    match run.header.options.rate {
        Rate::PerSecond(per_second) => {
            let acknowledged = run.ledger.counts().acknowledged;
            Availability::on_schedule(acknowledged, run.due, per_second, pauses)
        }
        Rate::Max => Availability::of_time(run.first_ack?, run.elapsed, outages, pauses),
    }
}

fn verification(run: &Run) -> VerificationSummary {
    let verification = run.verification.as_ref();
    let account = verification.and_then(|verification| verification.account.clone());
    let state = match (verification, &account) {
        (Some(_), Some(_)) => VerificationState::Complete,
        (Some(_), None) => VerificationState::Incomplete,
        (None, _) => VerificationState::Skipped,
    };
    let account = account.unwrap_or_default();
    let since = run.verification_since.as_ref();
    let server = verification.and_then(|verification| verification.server.as_ref());
    VerificationSummary {
        state,
        server: server.map(Server::name),
        counts: account.counts,
        lost_writes: verification.map(|one| one.lost_writes.clone()).unwrap_or_default(),
        held: verification
            .map(|one| one.holds.iter().map(HeldBy::from).collect())
            .unwrap_or_default(),
        notes: verification.map(|one| one.notes.clone()).unwrap_or_default(),
        reason: verification.and_then(|verification| verification.reason.clone()),
        since: since.map(since_then),
    }
}

/// What came of a later verification that was not complete, as the end of a sentence.
fn since_then(later: &Verification) -> String {
    let reason = later.reason.as_deref().unwrap_or("it did not finish");
    match later.notes.contains(&Note::Removed) {
        true => reason.to_owned(),
        false => format!(
            "it could not be verified again, which takes nothing back of what was found: {reason}"
        ),
    }
}
