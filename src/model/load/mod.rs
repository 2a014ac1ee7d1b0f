//! The load: what it is asked to do, when it does it, and what happens on its own side.
//!
//! - [`options`]: the options of `gen`, checked and in plain units; [`values`]: durations, rates and
//!   percentages as people write them.
//! - [`target`]: where writes go, without any secret.
//! - [`schedule`]: when writes are due; [`backoff`]: when to connect again.
//! - [`open_sessions`]: how many sessions a writer may have on one server.
//! - [`waiting_hint`]: what is told again while no server is there.
//! - [`rejection`]: writes that the server refuses, and when that is more than one write's fate.
//! - [`passed_over`]: hosts that were tried in vain before another one served.
//! - [`latency`]: latencies of acknowledged writes.
//! - [`descriptors`]: how many file descriptors the load needs.
//! - [`own_pause`]: times in which pgchaos itself did not run.
//! - [`writer`]: one writer, as a state and a step.

pub mod backoff;
pub mod descriptors;
pub mod latency;
pub mod open_sessions;
pub mod options;
pub mod own_pause;
pub mod passed_over;
pub mod rejection;
pub mod schedule;
pub mod target;
pub mod values;
pub mod waiting_hint;
pub mod writer;
