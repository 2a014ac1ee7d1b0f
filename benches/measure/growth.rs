//! What a run costs as it grows: memory goes by exceptions, so that it must not.

use serde_json::json;

use super::arguments::Arguments;
use super::child::as_float;
use super::results::{Column, Table};
use super::server::{Load, Server};

const COLUMNS: [Column; 5] = [
    Column { key: "writes", title: "acknowledged", decimals: 0 },
    Column { key: "peak_mb", title: "peak MB", decimals: 1 },
    Column { key: "cpu_us_per_write", title: "CPU µs a write", decimals: 2 },
    Column { key: "writes_per_s", title: "writes/s", decimals: 0 },
    Column { key: "record_bytes", title: "record bytes", decimals: 0 },
];

const NOTES: [&str; 2] = [
    "8 connections, pipeline 16, synchronous_commit off; start and verification are included.",
    "aims: under 20 MB at 10 million writes (--full), and within 10 % of that at 1 million.",
];

pub(crate) fn measure(server: &Server, arguments: &Arguments) -> Table {
    let mut table = Table::new("growth", &NOTES, &COLUMNS);
    let sizes: &[u64] =
        if arguments.full { &[100_000, 1_000_000, 10_000_000] } else { &[100_000, 1_000_000] };
    for writes in sizes {
        server.reset(false);
        let load = Load::run(
            &server.url(),
            &["--rate=max", "--read-every=0", "-w8", "--pipeline=16", "-n", &writes.to_string()],
        );
        assert_eq!(load.writes("acknowledged"), *writes, "{}", load.summary);
        table.row(json!({
            "writes": writes,
            "peak_mb": load.ended.peak_mb(),
            "cpu_us_per_write": load.ended.cpu_us_each(*writes),
            "writes_per_s": as_float(*writes) / load.wrote_for().as_secs_f64(),
            "record_bytes": load.record_bytes,
        }));
    }
    table
}
