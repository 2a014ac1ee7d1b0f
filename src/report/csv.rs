//! The outages of a run as CSV (RFC 4180): one row an outage, for spreadsheets and plots.

use std::io;
use std::time::Duration;

use ::csv::{IntoInnerError, Terminator, WriterBuilder};
use chrono::SecondsFormat;

use crate::model::foreign::plain;
use crate::model::outage::{Outage, Side};
use crate::model::run::summary::Summary;
use crate::model::seconds;

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
///
/// # Errors
/// It is written to memory: no error is known.
pub fn csv(summary: &Summary) -> Result<String, ::csv::Error> {
    rows_as_csv(&COLUMNS, summary.outages.iter().map(|outage| row(summary, outage)))
}

/// A header and rows, of which every field is text to a spreadsheet and on one line.
///
/// # Errors
/// It is written to memory: no error is known.
pub(super) fn rows_as_csv(
    head: &[&str],
    all: impl Iterator<Item = Vec<String>>,
) -> Result<String, ::csv::Error> {
    let mut rows = WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(Vec::new());
    rows.write_record(head)?;
    for row in all {
        rows.write_record(row.iter().map(|field| inert(field)))?;
    }
    let bytes = rows.into_inner().map_err(IntoInnerError::into_error)?;
    String::from_utf8(bytes).map_err(|error| io::Error::other(error).into())
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
    let errors: Vec<String> =
        outage.errors.iter().map(|(class, count)| format!("{class}={count}")).collect();
    errors.join(" ")
}

fn side(side: Option<&Side>) -> [String; 3] {
    let Some(side) = side else { return [const { String::new() }; 3] };
    [
        side.member.clone().unwrap_or_default(),
        side.address.clone(),
        side.timeline.map(|timeline| timeline.to_string()).unwrap_or_default(),
    ]
}

/// A field on one line. What a spreadsheet would run as a formula gets an apostrophe before it, by
/// which a spreadsheet takes it for text.
fn inert(field: &str) -> String {
    let mut field = plain(field);
    if field.starts_with(['=', '+', '-', '@']) {
        field.insert(0, '\'');
    }
    field
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
        let csv = csv(&summary).unwrap();
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
        let shown = |name: &str| {
            let mut summary = summary();
            summary.name = Some(name.to_owned());
            let csv = csv(&summary).unwrap();
            let row = csv.lines().nth(1).unwrap().to_owned();
            row.split_once(",,").unwrap().1.split_once(",1,failover,").unwrap().0.to_owned()
        };
        for formula in ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)"] {
            assert_eq!(shown(formula), format!("'{formula}"));
        }
        assert_eq!(shown("=1,\"2\""), "\"'=1,\"\"2\"\"\"");
        assert_eq!(shown("patroni-2"), "patroni-2");
        assert_eq!(shown("two\nlines\u{1b}"), "two lines\\u{1b}");
    }

    #[test]
    fn a_run_without_an_outage_has_the_header_alone() {
        let mut summary = summary();
        summary.outages.clear();
        assert_eq!(csv(&summary).unwrap().lines().count(), 1);
    }
}
