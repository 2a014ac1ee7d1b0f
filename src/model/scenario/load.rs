//! The load of a drill: gen's options, by gen's names.

use std::time::Duration;

use super::definition::Through;
use super::error::ScenarioError;
use super::fields::Fields;
use crate::model::load::options::{Backlog, LoadOptions, Protocol, Rate};
use crate::model::load::values;

const KEYS: [&str; 13] = [
    "through",
    "rate",
    "writers",
    "pipeline",
    "read-every",
    "backlog",
    "connect-timeout",
    "write-timeout",
    "threads",
    "stall-after",
    "backoff-min",
    "backoff-max",
    "verify-timeout",
];

const WAYS: [(&str, Through); 2] = [("proxy", Through::Proxy), ("members", Through::Members)];

const BACKLOGS: [(&str, Backlog); 2] = [("skip", Backlog::Skip), ("catch-up", Backlog::CatchUp)];

/// More writers than this are no drill.
const WRITERS_MAX: u32 = 10_000;

/// What a drill does when it does not say otherwise: fast enough to measure to some ten
/// milliseconds, slow enough for any machine.
fn default_load() -> LoadOptions {
    LoadOptions {
        rate: Rate::PerSecond(50.0),
        writers: 4,
        pipeline: 1,
        threads: 1,
        protocol: Protocol::Prepared,
        duration: None,
        writes: None,
        read_every: 0,
        backlog: Backlog::Skip,
        connect_timeout: Duration::from_secs(3),
        write_timeout: Duration::from_secs(5),
        stall_after: Duration::from_secs(1),
        backoff_min: Duration::from_millis(50),
        backoff_max: Duration::from_millis(500),
        verify_timeout: Duration::from_secs(120),
    }
}

/// The way to the cluster; the proxy when it is not said.
pub(super) fn through(fields: Option<&Fields<'_>>) -> Result<Through, ScenarioError> {
    let value = fields.and_then(|fields| fields.get("through"));
    value.map_or(Ok(Through::Proxy), |value| value.one_of("way", &WAYS))
}

pub(super) fn load(fields: Option<&Fields<'_>>) -> Result<LoadOptions, ScenarioError> {
    let mut load = default_load();
    let Some(fields) = fields else { return Ok(load) };
    fields.only("[load]", &KEYS)?;
    if let Some(value) = fields.get("rate") {
        load.rate = values::rate(&value.written()?).map_err(|words| value.wrong(words))?;
    }
    for (key, field) in [
        ("writers", &mut load.writers),
        ("pipeline", &mut load.pipeline),
        ("threads", &mut load.threads),
    ] {
        if let Some(value) = fields.get(key) {
            *field = value.small_number()?;
            if !(1..=WRITERS_MAX).contains(field) {
                return Err(value.wrong(format!("{key} must be from 1 to {WRITERS_MAX}")));
            }
        }
    }
    if let Some(value) = fields.get("read-every") {
        load.read_every = value.small_number()?;
    }
    if let Some(value) = fields.get("backlog") {
        load.backlog = value.one_of("backlog", &BACKLOGS)?;
    }
    for (key, field) in [
        ("connect-timeout", &mut load.connect_timeout),
        ("write-timeout", &mut load.write_timeout),
        ("stall-after", &mut load.stall_after),
        ("backoff-min", &mut load.backoff_min),
        ("backoff-max", &mut load.backoff_max),
        ("verify-timeout", &mut load.verify_timeout),
    ] {
        if let Some(value) = fields.get(key) {
            *field = value.duration()?;
        }
    }
    if load.backoff_min > load.backoff_max {
        return Err(fields.wrong("backoff-min is longer than backoff-max"));
    }
    Ok(load)
}
