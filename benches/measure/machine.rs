//! What was measured on: numbers mean little without it.

use std::fs;
use std::num::NonZero;
use std::thread;

use serde_json::{Value, json};

use super::server::Server;

/// The facts, as they go into the JSON.
pub(crate) fn facts(server: &Server) -> Value {
    let show = |setting: &str| server.postgres.psql(&format!("SHOW {setting}"));
    json!({
        "cores": thread::available_parallelism().map_or(1, NonZero::get),
        "processor": processor(),
        "kernel": read("/proc/sys/kernel/osrelease"),
        "load_average": read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
        "postgresql": show("server_version"),
        "fsync": show("fsync"),
        "wal_sync_method": show("wal_sync_method"),
        "shared_buffers": show("shared_buffers"),
        "pgchaos": env!("CARGO_PKG_VERSION"),
        "optimised": !cfg!(debug_assertions),
    })
}

/// The same for people.
pub(crate) fn in_words(facts: &Value) -> String {
    let fact = |name: &str| facts[name].as_str().map_or(facts[name].to_string(), str::to_owned);
    let mut words = format!(
        "{} cores ({}), Linux {}, load average {}\n\
         PostgreSQL {} on the same machine\n\
         fsync {} by {}, shared_buffers {}; pgchaos {}",
        fact("cores"),
        fact("processor"),
        fact("kernel"),
        fact("load_average"),
        fact("postgresql"),
        fact("fsync"),
        fact("wal_sync_method"),
        fact("shared_buffers"),
        fact("pgchaos"),
    );
    if facts["optimised"] == false {
        words += "\nNOT OPTIMISED: a build of this profile says nothing about pgchaos";
    }
    words
}

fn processor() -> String {
    let text = read("/proc/cpuinfo");
    let line = text.lines().find_map(|line| line.strip_prefix("model name"));
    line.map_or("unknown", |line| line.trim_start_matches([' ', '\t', ':'])).to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}
