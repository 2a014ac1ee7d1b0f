//! The outages of a run as CSV (RFC 4180): one row an outage, for spreadsheets and plots.

use std::fmt::Write;
use std::time::Duration;

use chrono::SecondsFormat;

use crate::model::outage::{Outage, Side};
use crate::model::run::summary::Summary;
use crate::model::seconds;

use crate::model::foreign::plain;

const COLUMNS: [&str; 40] = [
    "run_id",
    "group",
    "name",
    "n",
    "kind",
    "began_at",
    "began_s",
    "duration_s",
    "resolution_s",
    "writable_after_from_s",
    "writable_after_to_s",
    "degraded_s",
    "without_ack_s",
    "writers_out_max",
    "partial",
    "writers_out_at_end",
    "open_s",
    "last_ack_s",
    "first_ack_s",
    "attempts",
    "errors",
    "first_error_s",
    "tcp_accepted_s",
    "session_s",
    "writable_s",
    "first_write_s",
    "all_writers_s",
    "full_rate_s",
    "leader_changed_s",
    "from_member",
    "from_address",
    "from_timeline",
    "to_member",
    "to_address",
    "to_timeline",
    "in_doubt",
    "lost",
    "run_acknowledged",
    "run_lag_max_s",
    "verdict",
];

/// A header and one row an outage; of a run without an outage the header alone.
#[must_use]
pub fn csv(summary: &Summary) -> String {
    let mut csv = COLUMNS.join(",");
    csv.push('\n');
    for outage in &summary.outages {
        let fields: Vec<String> = row(summary, outage).iter().map(|field| quoted(field)).collect();
        csv.push_str(&fields.join(","));
        csv.push('\n');
    }
    csv
}

fn row(summary: &Summary, outage: &Outage) -> Vec<String> {
    let phases = &outage.phases;
    let mut fields = vec![
        summary.run_id.to_string(),
        summary.group.clone().unwrap_or_default(),
        summary.name.clone().unwrap_or_default(),
        outage.n.to_string(),
        outage.kind.to_string(),
        outage.began_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        number(Some(outage.began)),
        number(Some(outage.duration)),
        number(Some(outage.resolution)),
        number(outage.writable_after.map(|(from, _)| from)),
        number(outage.writable_after.map(|(_, to)| to)),
        number(Some(outage.degraded)),
        number(Some(outage.without_ack)),
        outage.writers_out_max.to_string(),
        outage.partial.to_string(),
        outage.writers_out_at_end.to_string(),
        number(outage.open),
        number(outage.last_ack),
        number(outage.first_ack),
        outage.attempts.to_string(),
        errors(outage),
    ];
    let steps = [
        phases.first_error,
        phases.tcp_accepted,
        phases.session,
        phases.writable,
        phases.first_ack,
        phases.all_writers,
        phases.full_rate,
        phases.leader_changed,
    ];
    fields.extend(steps.map(number));
    fields.extend(side(outage.from.as_ref()));
    fields.extend(side(outage.to.as_ref()));
    fields.extend([
        outage.in_doubt.to_string(),
        outage.lost.to_string(),
        summary.writes.acknowledged.to_string(),
        number(summary.replicas.iter().map(|replica| replica.lag_max).max()),
        summary.verdict.to_string(),
    ]);
    fields
}

fn number(time: Option<Duration>) -> String {
    time.map(|time| seconds::of(time).to_string()).unwrap_or_default()
}

/// `connection_lost=1 no_backend=11`: one field, as the classes are many and mostly absent.
fn errors(outage: &Outage) -> String {
    let mut text = String::new();
    for (class, count) in &outage.errors {
        let space = if text.is_empty() { "" } else { " " };
        // Writing to a String does not fail.
        let _ = write!(text, "{space}{class}={count}");
    }
    text
}

fn side(side: Option<&Side>) -> [String; 3] {
    let Some(side) = side else { return [const { String::new() }; 3] };
    [
        side.member.clone().unwrap_or_default(),
        side.address.clone(),
        side.timeline.map(|timeline| timeline.to_string()).unwrap_or_default(),
    ]
}

/// A name as one field. What a spreadsheet would run as a formula gets an apostrophe before it, by
/// which a spreadsheet takes it for text.
fn quoted(field: &str) -> String {
    let mut field = plain(field);
    if field.starts_with(['=', '+', '-', '@']) {
        field.insert(0, '\'');
    }
    if field.contains([',', '"']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::summary;

    #[test]
    fn one_row_an_outage_with_a_field_for_every_column() {
        let mut summary = summary();
        (summary.group, summary.name) = (Some("checkout".to_owned()), Some("zone-a".to_owned()));
        summary.outages[0].to.as_mut().unwrap().member = Some("patroni, \"3\"\n".to_owned());
        let csv = csv(&summary);
        let rows: Vec<&str> = csv.lines().collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(
            rows[1],
            "0d6f7d2a-1111-4222-8333-123456789abc,checkout,zone-a,1,failover,2026-11-22T20:57:42.000Z,81.5,67.05,\
             0.2,66.85,67.05,67.05,67.05,8,false,0,,81,148.55,12,connection_lost=1 no_backend=11,0,0.1,66.8,66.9,67.05,67.05,68,45,\
             patroni2,172.18.0.6:5432,1,\"patroni, \"\"3\"\"\",172.18.0.7:5432,2,1,0,141,,pass"
        );
        assert_eq!(rows[0].split(',').count(), rows[1].split(',').count() - 1);
    }

    #[test]
    fn a_name_is_no_formula() {
        for formula in ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)"] {
            assert!(quoted(formula).starts_with('\''), "{formula}");
        }
        assert_eq!(quoted("=1,\"2\""), "\"'=1,\"\"2\"\"\"");
        assert_eq!(quoted("patroni-2"), "patroni-2");
    }

    #[test]
    fn a_run_without_an_outage_has_the_header_alone() {
        let mut summary = summary();
        summary.outages.clear();
        assert_eq!(csv(&summary).lines().count(), 1);
    }
}
