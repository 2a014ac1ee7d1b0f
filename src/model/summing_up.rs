//! From a run to its summary and verdict.

use std::time::Duration;

use super::event::Verification;
use super::record::FORMAT;
use super::run::Run;
use super::seconds;
use super::summary::{
    RateSummary, Summary, SummaryOptions, VerificationState, VerificationSummary, Writes,
};
use super::verdict::{Findings, Verdict, judge};

/// The summary of a run, with its verdict.
#[must_use]
pub fn sum_up(run: &Run) -> Summary {
    let verdict = verdict(run);
    Summary {
        format: FORMAT,
        pgchaos: run.header.pgchaos.clone(),
        run_id: run.header.run_id,
        started_at: run.header.started_at,
        elapsed_s: seconds::of(run.elapsed),
        target: (&run.header.target).into(),
        options: SummaryOptions {
            load: run.header.options.clone(),
            thresholds: run.header.thresholds,
        },
        writes: writes(run),
        rate: rate(run),
        latency_ms: run.latencies.percentiles(),
        errors: run.errors.clone(),
        verification: verification(run.verification.as_ref()),
        history_backwards: run.history_backwards.clone(),
        outages: run.outages.clone(),
        injections: run.injections.clone(),
        verdict: verdict.outcome,
        reasons: verdict.reasons,
    }
}

/// The verdict of a run.
#[must_use]
pub fn verdict(run: &Run) -> Verdict {
    let account = run.verification.as_ref().and_then(|verification| verification.account.as_ref());
    let longest = run.outages.iter().map(|outage| outage.duration).max();
    // An outage that was open when the run was killed is at least as long as the record.
    let open = run.open_outage().map(|open| run.elapsed.saturating_sub(open.began));
    let findings = Findings {
        acknowledged: run.ledger.counts().acknowledged,
        verified: account.is_some(),
        unverified_reason: match &run.verification {
            Some(verification) => verification.reason.clone(),
            None => Some("it was not reached".to_owned()),
        },
        lost: account.map_or(0, |account| account.lost),
        duplicated: account.map_or(0, |account| account.duplicated),
        unexpected: account.map_or(0, |account| account.unexpected),
        unaccounted: unaccounted(run),
        closed: run.ended,
        longest_outage: longest.max(open),
        availability_pct: rate(run).availability_pct,
        p99: run.latencies.quantile(0.99),
    };
    judge(&findings, &run.header.thresholds)
}

fn unaccounted(run: &Run) -> u64 {
    run.verification
        .as_ref()
        .and_then(|verification| verification.account.as_ref())
        .map_or_else(|| run.ledger.counts().open, |account| account.unaccounted)
}

fn writes(run: &Run) -> Writes {
    let counts = run.ledger.counts();
    Writes {
        due: run.due,
        attempted: counts.attempted,
        acknowledged: counts.acknowledged,
        acknowledged_locally: run.acknowledged_locally,
        rejected: counts.rejected,
        in_doubt: counts.in_doubt,
        skipped: run.skipped,
        unaccounted: unaccounted(run),
    }
}

#[allow(clippy::cast_precision_loss)]
fn rate(run: &Run) -> RateSummary {
    let acknowledged = run.ledger.counts().acknowledged as f64;
    let elapsed = run.elapsed.max(Duration::from_millis(1)).as_secs_f64();
    RateSummary {
        acknowledged_per_s: (acknowledged / elapsed * 1e3).round() / 1e3,
        availability_pct: (run.due > 0).then(|| (acknowledged / run.due as f64 * 100.0).min(100.0)),
    }
}

fn verification(verification: Option<&Verification>) -> VerificationSummary {
    let account = verification.and_then(|verification| verification.account.clone());
    let state = match (verification, &account) {
        (Some(_), Some(_)) => VerificationState::Complete,
        (Some(_), None) => VerificationState::Incomplete,
        (None, _) => VerificationState::Skipped,
    };
    let account = account.unwrap_or_default();
    VerificationSummary {
        state,
        present: account.present,
        lost: account.lost,
        recovered: account.recovered,
        absent: account.absent,
        duplicated: account.duplicated,
        unexpected: account.unexpected,
        lost_writes: verification
            .map(|verification| verification.lost_writes.clone())
            .unwrap_or_default(),
        reason: verification.and_then(|verification| verification.reason.clone()),
    }
}
