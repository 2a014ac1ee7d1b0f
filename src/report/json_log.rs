//! An event as one line of JSON, for programs that read the log.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;

use crate::model::event::Event;
use crate::model::foreign::inert_json;

#[derive(Serialize)]
struct StampedEvent<'a> {
    time: String,
    #[serde(flatten)]
    event: &'a Event,
}

/// The event as one JSON object on one line, `time` (RFC 3339, UTC) first.
#[must_use]
pub fn json_line(started_at: DateTime<Utc>, event: &Event) -> String {
    let since = TimeDelta::from_std(event.at).unwrap_or(TimeDelta::MAX);
    let time = started_at.checked_add_signed(since).unwrap_or(started_at);
    let line = StampedEvent { time: time.to_rfc3339_opts(SecondsFormat::Millis, true), event };
    let json = serde_json::to_string(&line).unwrap_or_else(|error| {
        // No event of the model fails; if one did, the log would say so.
        serde_json::json!({"time": line.time, "event": "warning", "message": error.to_string()})
            .to_string()
    });
    inert_json(json)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::event::What;

    #[test]
    fn time_comes_first_and_nothing_steers_the_terminal() {
        let event = Event {
            at: Duration::from_millis(81_300),
            what: What::Warning { message: "a\u{1b}[2J\u{9b}\n".to_owned() },
        };
        let started_at = "2026-11-22T20:56:21Z".parse().unwrap();
        let line = json_line(started_at, &event);
        assert_eq!(
            line,
            r#"{"time":"2026-11-22T20:57:42.300Z","at_s":81.3,"event":"warning","message":"a\u001b[2J\u009b\n"}"#
        );
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }
}
