//! A run that never was: its rows put into the table by the server, and its record by the library.

use std::fs;
use std::path::Path;

use pgchaos::model::cluster::server::Server as Identity;
use pgchaos::model::event::{Event, Interval, Ready, What};
use pgchaos::model::ledger::progress::Progress;
use pgchaos::model::run::record_format::encode;

use super::samples;
use super::server::Server;

pub(crate) const WRITERS: u32 = 8;

/// The server has a minute for each statement of psql.
const ROWS_PER_STATEMENT: u64 = 800_000;

/// The run's id, as it stands in every row.
pub(crate) fn run_id() -> String {
    samples::header(WRITERS).run_id.to_string()
}

/// Puts so many rows there, in the order in which writers that take turns would have put them.
pub(crate) fn insert_rows(server: &Server, rows: u64) {
    let (each, run_id) = (rows / u64::from(WRITERS), run_id());
    let step = ROWS_PER_STATEMENT / u64::from(WRITERS);
    let mut first = 1;
    while first <= each {
        let last = each.min(first + step - 1);
        server.postgres.psql(&format!(
            "INSERT INTO pgchaos.user_events (run_id, writer, seq, user_id, event_type)
             SELECT '{run_id}', writer, seq, 1 + seq % 10, 'click'
               FROM generate_series({first}, {last}) AS seq, generate_series(1, {WRITERS}) AS writer
              ORDER BY seq, writer"
        ));
        first = last + 1;
    }
}

/// The record of a run that wrote them, all acknowledged, and was closed.
pub(crate) fn write_record(server: &Server, rows: u64, path: &Path) {
    let mut header = samples::header(WRITERS);
    header.target.host = "127.0.0.1".to_owned();
    header.target.port = server.postgres.port();
    header.target.endpoints = format!("127.0.0.1:{}", server.postgres.port());
    let identity = server.postgres.psql("SELECT system_identifier FROM pg_control_system()");
    let answered = Identity { system_identifier: Some(identity), ..Identity::default() };
    let each = i64::try_from(rows / u64::from(WRITERS)).unwrap();
    let writers = (1..=WRITERS.try_into().unwrap())
        .map(|writer| Progress { writer, attempted: each, resolved: each })
        .collect();
    let interval = Interval { due: rows, acknowledged: rows, writers, ..Interval::default() };
    let history = [
        What::Run(Box::new(header)),
        What::Ready(Ready { server: answered, created: false }),
        What::Interval(Box::new(interval)),
        What::Closed,
        What::Ended { complete: true },
    ];
    let lines: String = history
        .into_iter()
        .zip(0..)
        .map(|(what, at_s)| {
            let at = std::time::Duration::from_secs(at_s);
            encode(&Event { at, what }).unwrap() + "\n"
        })
        .collect();
    fs::write(path, lines).unwrap();
}
