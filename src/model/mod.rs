//! The pure floor: what is true about a run, and nothing that touches the world.
//!
//! No socket, clock, file, environment or global randomness is used here. Time comes in as a
//! [`Duration`](std::time::Duration) since the start of the run, randomness as a generator that
//! the caller seeded. So every rule of truth can be tested with a literal history.
//!
//! From the small to the whole:
//!
//! - [`seconds`], [`seq_set`]: how times and sets of sequence numbers are kept and written.
//! - [`fault`]: what can go wrong, and the class it belongs to; [`rejection`]: writes that the server
//!   refuses, and when that is more than one write's fate; [`own_limit`]: what pgchaos itself can run
//!   out of.
//! - [`foreign`]: what others say, made safe to keep and to print.
//! - [`server`]: the server that answers, [`member_names`]: what it is called, [`clock_offset`]: how
//!   its clock differs from ours.
//! - [`options`]: what the load is asked to do; [`schedule`] and [`backoff`]: when to do it.
//! - [`outage`]: an outage, its anatomy and the clock that measures it; [`kind`]: why it happened,
//!   also by what a server said ([`server_word`]).
//!   [`ack_gaps`]: stretches without an acknowledgement, with an outage or without one.
//!   [`stall_cause`]: what a write waits for on the server that has no answer.
//! - [`open_sessions`]: how many sessions a writer may have on one server.
//! - [`replica_lag`]: how far replicas were behind, and the limit on it.
//! - [`leadership`]: who leads, by Patroni's API; [`leader_changes`]: which change belongs to which
//!   outage; [`fall`]: how a leader stopped being one.
//! - [`selector`]: which part of a cluster is meant; [`values`]: durations, rates and percentages
//!   as people write them.
//! - [`scenario`]: a drill as its file has it; [`injection`]: what a drill did to the cluster.
//! - [`judging`]: what was expected of a drill against what was seen; [`drill_report`]: what one or
//!   several come to.
//! - [`passed_over`]: hosts that were tried in vain before another one served.
//! - [`two_primaries`]: two servers that acknowledge at the same time.
//! - [`event`]: everything that a run can report, one variant a fact.
//! - [`ledger`]: what became of every write; [`account`]: the ledger against what is present;
//!   [`stretch`]: in which steps what is present is looked at.
//! - [`decision`]: which server decides what is present.
//! - [`run`]: a run rebuilt from its events, live or from a record; [`record`]: events as lines.
//! - [`own_pause`]: when pgchaos itself did not run; [`limits`]: limits of time over outages that
//!   were open and pauses of its own.
//! - [`verdict`] and [`summary`]: what a run comes to.

pub mod account;
pub mod ack_gaps;
pub mod ack_trail;
pub mod availability;
pub mod backoff;
pub mod by_writer;
pub mod clock_offset;
pub mod decision;
pub mod drill_report;
pub mod event;
pub mod fall;
pub mod fault;
pub mod foreign;
pub mod injection;
pub mod judging;
pub mod kind;
pub mod latency;
pub mod leader_changes;
pub mod leadership;
pub mod ledger;
pub mod limits;
pub mod loss_times;
pub mod member_names;
mod open_outage;
pub mod open_sessions;
pub mod options;
pub mod outage;
pub mod outage_clock;
pub mod own_limit;
pub mod own_pause;
pub mod passed_over;
pub mod percent;
pub mod rate_trail;
pub mod record;
pub mod rejection;
pub mod replay;
pub mod replica_lag;
pub mod run;
pub mod scenario;
pub mod schedule;
pub mod seconds;
pub mod selector;
pub mod seq_set;
pub mod server;
pub mod server_word;
pub mod stall_cause;
pub mod stretch;
pub mod summary;
pub mod summing_up;
pub mod two_primaries;
pub mod values;
pub mod verdict;
