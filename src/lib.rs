//! pgchaos loads a PostgreSQL high-availability cluster with writes while faults hit it. Then it
//! says how long no write was possible and why, and what became of every write.
//!
//! # The map
//!
//! The code has floors, and an arrow between them goes down only:
//!
//! ```text
//! main.rs              parses, runs, maps the outcome to an exit code
//! cli  commands        what can be said · one file a command, wiring only
//! drill                plays a scenario against a cluster and the engine, then judges
//! engine               writers, pacing, recording, verification; knows no reporter
//! pg   lab   report    sessions and SQL · clusters · rendering; none imports another
//! patroni              Patroni's API, for all floors above
//! model                pure: no socket, clock, file, environment or global randomness
//! ```
//!
//! Follow one `pgchaos gen` from the top. [`cli`] turns arguments into checked options.
//! [`commands::generate`] adds the settings of the connection ([`pg::settings`], as libpq finds
//! them) and hands a plan to [`engine::run`], the place to start reading: it waits for the
//! cluster and makes the tables ([`engine::setup`]), starts the writers, waits until it is time to
//! stop, and has everything verified ([`engine::verification`]).
//!
//! A writer (`engine/writer/`) opens a session through [`pg::sessions::connect`], sends what its
//! [`model::load::schedule`] says is due, and reports to the recorder. The recorder
//! (`engine/recorder/`) is the one task that owns the books: it turns what it hears into
//! [`model::event`]s. The same event goes three ways: into [`model::run`], where the ledger
//! ([`model::ledger`]) and the counts are; into the record ([`engine::record::file`]), by
//! a queue that never waits (`engine/record_queue.rs`) to a process that alone waits for the disk
//! ([`engine::record::process`]); and to the log ([`report::text_log`], [`report::json_log`]). So a
//! run is rebuilt from its record by the code that summed it up live: `pgchaos verify` and
//! `pgchaos report` do nothing else.
//!
//! With `--patroni`, [`engine::watch::patroni`] looks at each member's API beside the load. What it
//! sees is told as events too: the leader ([`model::cluster::leadership`]), the outage that a
//! change of leader belongs to ([`model::outage::leader_changes`]), and whether the old primary
//! handed over ([`model::outage::old_primary`]). The load is measured the same without it.
//!
//! What is hard to get right is in [`model`], as functions that can be tested with a literal
//! history: the class of an error ([`model::fault`]), the measure of an outage
//! ([`model::outage::clock`]) and its kind ([`model::outage::kind`], by what servers are, [`model::cluster::server`], and what they
//! said, [`model::outage::server_word`]), the account of the ledger against
//! what is there ([`model::ledger::account`]) on the server that decides ([`model::cluster::decision`], which takes
//! the word of Patroni's APIs from `engine/patroni_word.rs`), the verdict ([`model::run::verdict`]); and
//! what the record has beside that, of two primaries ([`model::cluster::two_primaries`]) and, for a comparison
//! of runs, of stretches without an acknowledgement ([`model::outage::ack_gaps`]) and of the servers' clocks
//! ([`model::cluster::clock_offset`]). [`pg::presence`] asks the server what is there; it compares sets in the
//! server and loads no rows. A [`model::run::summary`] is what remains of a run, and every format of [`report::export`] is a
//! function of it.
//!
//! What others say (a server, an API, a file, another program) passes [`model::foreign`] where it
//! comes in and where it is printed: shortened, and without anything that a terminal obeys. How much
//! a server can say is limited below all sessions, in `pg/wire/frames.rs`.
//!
//! Beside all that, [`lab`] runs a real cluster of plain processes on this machine, from the
//! templates in `cluster/`; it knows nothing of a load. Read [`lab::Lab::up`] first.
//!
//! `pgchaos drill` reads a scenario ([`model::scenario`]), plays it ([`drill::play`]) while the
//! engine writes, mends what it broke whatever happened, and judges what was seen
//! ([`model::scenario::judging`]). What it does to the cluster is told to the recorder ([`engine::notes`]),
//! so that record and summary have the fault's own time.
//!
//! # Rooms that are still empty
//!
//! Connections by TLS, Prometheus, the HTML report, and several records compared have their places
//! in this plan and are not written yet.

pub mod cli;
pub mod commands;
#[cfg(unix)]
pub mod drill;
pub mod engine;
#[cfg(unix)]
pub mod lab;
pub mod model;
pub mod patroni;
pub mod pg;
pub mod report;
