//! Parts of a run to build histories and records from. Used by tests that need no server.

use std::time::Duration;

use chrono::{DateTime, Utc};
use pgchaos::model::event::{Beside, Event, Header, What};
use pgchaos::model::load::options::{Backlog, LoadOptions, Protocol, Rate, Thresholds};
use pgchaos::model::load::target::Target;
use pgchaos::model::run::record_format::FORMAT;
use uuid::Uuid;

pub fn started_at() -> DateTime<Utc> {
    "2026-11-22T20:56:21.000001Z".parse().unwrap()
}

/// A run of this many writers, the first of them being number 1.
pub fn header(writers: u32) -> Header {
    Header {
        format: FORMAT,
        pgchaos: "0.1.0".to_owned(),
        run_id: Uuid::from_u128(0x0d6f),
        group: None,
        name: None,
        part_of: None,
        started_at: started_at(),
        patroni: Vec::new(),
        haproxy: None,
        proxy_checks: None,
        beside: Beside::default(),
        witness: None,
        target: Target {
            host: "localhost".to_owned(),
            hostaddr: None,
            port: 5500,
            endpoints: "localhost:5500".to_owned(),
            dbname: "postgres".to_owned(),
            user: "postgres".to_owned(),
            ..Target::default()
        },
        options: LoadOptions {
            rate: Rate::PerSecond(100.0),
            writers,
            pipeline: 1,
            duration: None,
            writes: None,
            read_every: 2,
            backlog: Backlog::Skip,
            connect_timeout: Duration::from_secs(3),
            write_timeout: Duration::from_secs(5),
            threads: 1,
            protocol: Protocol::Prepared,
            stall_after: Duration::from_secs(1),
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_millis(500),
            verify_timeout: Duration::from_secs(120),
        },
        thresholds: Thresholds::default(),
    }
}

pub fn event(at_ms: u64, what: What) -> Event {
    Event { at: Duration::from_millis(at_ms), what }
}
