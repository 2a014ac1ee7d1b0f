//! A load that is broken and mended, and what must be true of each such run.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Finished, Gen, Postgres};

/// For what must happen: far more than it takes.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Its first write at once, and no other for long: what breaks meanwhile breaks an idle session.
pub(crate) const QUIET: [&str; 4] = ["--rate", "0.02", "--read-every", "0"];

/// Some writes a second, each told by the log.
pub(crate) const STEADY: [&str; 4] = ["--rate", "5", "--read-every", "0"];

/// For a case in which every write is refused or silent: that is an outage after this time.
pub(crate) const SOON_OUT: [&str; 2] = ["--stall-after", "1s"];

/// What may come too, for a moment, from a server that goes down or comes up: an attempt that the kernel has accepted
/// when its postmaster dies looks like a proxy without a server.
pub(crate) const PASSING: [&str; 2] = ["no_backend", "starting"];

/// `pgchaos gen`, writing.
pub(crate) struct Load {
    program: Gen,
}

impl Load {
    /// Starts it, and waits for nothing.
    pub(crate) fn begin(url: &str, args: &[&str]) -> Self {
        let args = [&[url], args].concat();
        let program = Gen::start_with(args, |_, command| {
            // Long enough that a busy machine makes no timeouts and no silence of its own, unless `args` say otherwise.
            command.env("PGCHAOS_CONNECT_TIMEOUT", "20s").env("PGCHAOS_WRITE_TIMEOUT", "20s");
            command.env("PGCHAOS_BACKOFF_MAX", "100ms").env("PGCHAOS_STALL_AFTER", "20s");
        });
        Self { program }
    }

    /// Starts it, and waits for its first acknowledged write.
    #[track_caller]
    pub(crate) fn start(url: &str, args: &[&str]) -> Self {
        let load = Self::begin(url, args);
        load.writes();
        load
    }

    /// Waits for the first acknowledged write.
    #[track_caller]
    pub(crate) fn writes(&self) {
        self.program.wait_for_event(SOON, "a write", |event| event["event"] == "written");
    }

    /// The first fault of this class, waited for.
    #[track_caller]
    pub(crate) fn fault(&self, class: &str) -> Value {
        self.faults(class, 1)
    }

    /// The `count`th fault of this class, waited for.
    #[track_caller]
    pub(crate) fn faults(&self, class: &str, count: usize) -> Value {
        let mut left = count;
        self.program.wait_for_event(SOON, &format!("{count} × {class}"), |event| {
            left -= usize::from(is_fault(event, class));
            left == 0
        })
    }

    /// Waits for an acknowledged write after now.
    #[track_caller]
    pub(crate) fn writes_on(&self) {
        let now = self.program.now();
        let is_write = |event: &Value| event["event"] == "written";
        self.program.wait_for_event_after(now, SOON, "another write", is_write);
    }

    /// Waits for the end of the outage, by an acknowledged write, and for what was looked up after it.
    #[track_caller]
    pub(crate) fn recovers(&self) -> Value {
        self.recovers_from(0)
    }

    /// The same of the first outage that ended from the `from`th event on.
    #[track_caller]
    pub(crate) fn recovers_from(&self, from: usize) -> Value {
        let is_end =
            |event: &Value| event["event"] == "outage_ended" && !event["first_ack_s"].is_null();
        let outage = self.program.wait_for_event_after(from, SOON, "the end of an outage", is_end);
        let is_check = |event: &Value| event["event"] == "checked" && event["error"].is_null();
        self.program.wait_for_event_after(from, SOON, "the look after it", is_check);
        outage
    }

    /// A place in its log to look from.
    pub(crate) fn now(&self) -> usize {
        self.program.now()
    }

    /// The server's process for its last session.
    pub(crate) fn backend(&self) -> i32 {
        let events = self.program.events();
        let last = events.iter().rev().find(|event| event["event"] == "connected");
        last.expect("a session")["backend"]["pid"].as_i64().unwrap().try_into().unwrap()
    }

    /// Ends its session as an administrator does.
    #[track_caller]
    pub(crate) fn terminate(&self, server: &Postgres) {
        let sql = format!("SELECT pg_terminate_backend({}, 60000)", self.backend());
        assert_eq!(server.psql(&sql), "t", "the session is ended");
    }

    /// The first event of this name. Panics when there is none yet.
    #[track_caller]
    pub(crate) fn event(&self, name: &str) -> Value {
        self.event_from(0, name)
    }

    /// The same from the `from`th event on.
    #[track_caller]
    pub(crate) fn event_from(&self, from: usize, name: &str) -> Value {
        let events = self.program.events();
        events.into_iter().skip(from).find(|event| event["event"] == name).expect(name)
    }

    /// The run's id, as SQL takes it.
    pub(crate) fn run_id(&self) -> String {
        self.event("run")["run_id"].as_str().unwrap().to_owned()
    }

    /// Stops it by Ctrl-C, and checks that it passed with exactly these classes, and that log, record and summary
    /// tell the same of them.
    #[track_caller]
    pub(crate) fn ends_with(self, classes: &[&str]) -> Finished {
        self.ends_with_some_of(classes, &[])
    }

    /// The same, where how fast a server starts or ends decides whether the `possible` ones come too.
    #[track_caller]
    pub(crate) fn ends_with_some_of(self, classes: &[&str], possible: &[&str]) -> Finished {
        let finished = self.program.interrupt_and_finish();
        let told = counts(&finished.events);
        let mut names: Vec<_> = told.keys().map(String::as_str).collect();
        names.retain(|name| !possible.contains(name));
        assert_eq!(names, classes, "the classes, {possible:?} aside\n{}", finished.stderr);
        assert_eq!(finished.summary["errors"], json!(told), "the summary's errors");
        assert_eq!(counts(&finished.recorded()), told, "the record's errors");
        assert_eq!(finished.summary["verdict"], "pass", "{}", finished.summary);
        assert_eq!(finished.code, 0, "{}", finished.summary);
        let verification = &finished.summary["verification"];
        let account: Vec<_> =
            ["state", "lost", "duplicated", "unexpected"].map(|name| &verification[name]).into();
        assert_eq!(account, [&json!("complete"), &json!(0), &json!(0), &json!(0)]);
        finished
    }
}

/// Whether it is a fault of this class.
pub(crate) fn is_fault(event: &Value, class: &str) -> bool {
    event["event"] == "fault" && event["fault"]["class"] == class
}

/// Class, phase and SQLSTATE of a fault.
pub(crate) fn signs(fault: &Value) -> [&str; 3] {
    ["class", "phase", "sqlstate"].map(|name| fault["fault"][name].as_str().unwrap_or("-"))
}

fn counts(events: &[Value]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let mut count = |fault: &Value, count| {
        *counts.entry(fault["class"].as_str().unwrap().to_owned()).or_default() += count;
    };
    for event in events {
        match event["event"].as_str().unwrap() {
            "fault" => count(&event["fault"], 1),
            // Refusals that no line of their own tells.
            "interval" => {
                for refused in event["rejections"].as_array().into_iter().flatten() {
                    count(&refused["fault"], refused["count"].as_u64().unwrap());
                }
            }
            _ => {}
        }
    }
    counts
}
