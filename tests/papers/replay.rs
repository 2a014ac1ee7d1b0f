//! Logs of recorded runs: the events that `--log-format json` wrote, told again by the log for people.

use std::fs;
use std::time::Duration;

use chrono::{Offset, Utc};
use pgchaos::model::event::{Event, What};
use pgchaos::report::text_log::{TextLog, TextLogOptions, Verbosity};

use super::console::as_shown;
use super::pages::top;

/// Wide enough for most lines, and narrow enough for a page.
const COLUMNS: usize = 100;

/// As often as the program lets out what it holds back.
const TICK: Duration = Duration::from_millis(100);

/// What is shown, where the run's log has it but for what is left out; else the whole log.
pub(crate) fn made_anew(shown: &[&str], file: &str) -> Vec<String> {
    as_shown(shown, log(&events(file)))
}

fn events(file: &str) -> Vec<Event> {
    let path = top().join("tests/papers/runs").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let events = text.lines().filter(|line| line.starts_with('{'));
    events.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The log of these events, the first of which is the run's header.
pub(crate) fn log(events: &[Event]) -> Vec<String> {
    let Some(Event { what: What::Run(header), .. }) = events.first() else {
        panic!("it begins with no run");
    };
    let mut log = TextLog::new(TextLogOptions {
        started_at: header.started_at,
        offset: Utc.fix(),
        colour: false,
        verbosity: Verbosity::Normal,
        one_by_one: header.options.is_told_one_by_one(),
        writers: header.options.writers,
        width: Some(COLUMNS),
    });
    let (mut rows, mut now) = (Vec::new(), Duration::ZERO);
    for event in events {
        while now + TICK < event.at {
            now += TICK;
            rows.extend(log.tick(now));
        }
        rows.extend(log.event(event));
    }
    rows.extend(log.finish(now + TICK));
    rows
}
