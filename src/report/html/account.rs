//! The account of the writes, and what was seen beside them.

use maud::{Markup, html};

use crate::model::foreign::plain;
use crate::model::ledger::loss_times::LostWrites;
use crate::model::run::summary::{Summary, VerificationState};
use crate::report::numbers::{counted, duration, grouped};
use crate::report::words;

use super::headline::stamp;
use super::table::{CellsOf, HtmlTable, SHOWN_MAX};

pub(super) fn account(summary: &Summary) -> Markup {
    html! {
        (writes(summary))
        (verification(summary))
        (beside(summary))
        (replicas(summary))
    }
}

fn writes(summary: &Summary) -> Markup {
    let writes = &summary.writes;
    let found = &summary.verification;
    let is_verified = found.state == VerificationState::Complete;
    let mut head = vec!["due", "sent", "acknowledged", "rejected", "in doubt", "skipped"];
    let mut row = vec![
        grouped(writes.due),
        grouped(writes.attempted),
        grouped(writes.acknowledged),
        grouped(writes.rejected),
        grouped(writes.in_doubt),
        grouped(writes.skipped),
    ];
    if writes.unaccounted != Some(0) {
        head.push("unaccounted");
        row.push(match writes.unaccounted {
            Some(unaccounted) => grouped(unaccounted),
            None => format!("unknown, {} seen", grouped(writes.unaccounted_seen)),
        });
    }
    if is_verified {
        head.extend(["lost", "duplicated", "unexpected"]);
        let counts = &found.counts;
        row.extend([counts.lost, counts.duplicated, counts.unexpected].map(grouped));
    }
    let head: Vec<(&str, CellsOf)> =
        head.into_iter().map(|name| (name, CellsOf::Numbers)).collect();
    HtmlTable { caption: "Writes by outcome", head: &head, rows: vec![row], more: 0 }.markup()
}

fn verification(summary: &Summary) -> Markup {
    let found = &summary.verification;
    let is_complete = found.state == VerificationState::Complete;
    let reason = found.reason.as_deref().unwrap_or_default();
    let first = match found.state {
        VerificationState::Incomplete => format!("Not verified: {reason}"),
        VerificationState::Skipped => format!("Not verified. {reason}"),
        VerificationState::Complete if found.counts.lost == 0 => {
            words::all_there_sentence(summary.writes.unaccounted.is_some())
        }
        VerificationState::Complete => {
            let verb = if found.counts.lost == 1 { "is" } else { "are" };
            format!("{} {verb} lost.", counted(found.counts.lost, "acknowledged write"))
        }
    };
    let undecided = (found.counts.undecided > 0)
        .then(|| format!("{} stay in doubt", grouped(found.counts.undecided)));
    let withdrawn = (found.counts.withdrawn > 0).then(|| {
        format!(
            "{} were said to be there after an outage, and are gone",
            grouped(found.counts.withdrawn)
        )
    });
    let server = found.server.as_ref().map(|server| format!("{server} decided"));
    let since = found.since.as_ref().map(|since| format!("Since then {since}"));
    let more = words::lost_locally(found.counts.lost_locally)
        .into_iter()
        .chain(words::held(&found.held, is_complete))
        .chain(undecided)
        .chain(withdrawn)
        .chain(server)
        .chain(found.notes.iter().filter_map(words::note))
        .chain(since);
    html! {
        p { (plain(&first)) }
        @for line in more { p { (plain(&line)) "." } }
        @if !found.lost_writes.is_empty() { (lost(&found.lost_writes)) }
    }
}

fn lost(lost: &[LostWrites]) -> Markup {
    let head = [
        ("writer", CellsOf::Numbers),
        ("from", CellsOf::Numbers),
        ("to", CellsOf::Numbers),
        ("acknowledged after", CellsOf::Texts),
        ("and by", CellsOf::Texts),
    ];
    let time = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(stamp).unwrap_or_default();
    let row = |one: &LostWrites| {
        vec![
            one.writer.to_string(),
            format!("#{}", one.first_seq),
            format!("#{}", one.last_seq),
            time(one.acknowledged_from),
            time(one.acknowledged_to),
        ]
    };
    let rows = lost.iter().take(SHOWN_MAX).map(row).collect();
    let more = lost.len().saturating_sub(SHOWN_MAX);
    HtmlTable { caption: "Lost writes", head: &head, rows, more }.markup()
}

/// What is rare, and of weight where it is.
fn beside(summary: &Summary) -> Markup {
    let two = summary.two_primaries.iter().take(SHOWN_MAX).map(|seen| {
        let (from, to) = (duration(seen.from), duration(seen.to));
        format!(
            "Two primaries, {from} to {to} after the start: {}",
            words::two_primaries_account(seen)
        )
    });
    let back = summary.history_backwards.iter().take(SHOWN_MAX).map(|back| {
        format!(
            "History went backwards, {} after the start: {}",
            duration(back.seen),
            words::backwards(back)
        )
    });
    let passed_over = summary.passed_over.iter().take(SHOWN_MAX);
    let passed_over = passed_over.map(|host| format!("Passed over: {}", words::passed_over(host)));
    let pauses = words::own_pauses(&summary.own_pauses)
        .map(|pauses| format!("pgchaos itself did not run: {pauses}"));
    let lists =
        [summary.two_primaries.len(), summary.history_backwards.len(), summary.passed_over.len()];
    let more: usize = lists.iter().map(|all| all.saturating_sub(SHOWN_MAX)).sum();
    let more = (more > 0).then(|| format!("and {more} more, in the JSON report"));
    let lines = two.chain(back).chain(passed_over).chain(pauses).chain(more);
    let lines: Vec<String> = lines.collect();
    html! { @if !lines.is_empty() { ul { @for line in lines { li { (plain(&line)) } } } } }
}

fn replicas(summary: &Summary) -> Markup {
    if summary.replicas.is_empty() {
        return html! {};
    }
    let head = [
        ("replica", CellsOf::Texts),
        ("behind at most", CellsOf::Numbers),
        ("that long after the start", CellsOf::Numbers),
        ("writes behind at most", CellsOf::Numbers),
        ("behind at the end", CellsOf::Numbers),
        ("reads", CellsOf::Numbers),
    ];
    let rows = summary.replicas.iter().take(SHOWN_MAX).map(|replica| {
        vec![
            plain(&replica.name),
            duration(replica.lag_max),
            duration(replica.lag_max_at),
            grouped(replica.writes_behind_max),
            duration(replica.lag_last),
            grouped(replica.reads),
        ]
    });
    let more = summary.replicas.len().saturating_sub(SHOWN_MAX);
    HtmlTable { caption: "Replicas", head: &head, rows: rows.collect(), more }.markup()
}
