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
//! engine               writers, watchers, recording, verification: all that waits and sends
//! pg   lab   report    sessions and SQL · clusters · rendering; none imports another
//! patroni  haproxy     Patroni's API · HAProxy's page and configuration; for all floors above
//! http                 one bounded exchange, for all that asks pages and APIs
//! tls                  what is trusted, and handshakes, for all that connects
//! model                pure: no socket, clock, file, environment or global randomness
//! ```
//!
//! `cargo test --test house` holds it: no arrow up, no circle between files. It prints what imports
//! what with `cargo test --test house listing -- --nocapture`.
//!
//! # The way of a write
//!
//! [`cli`] turns arguments into checked options. [`commands::generate`] adds the settings of the
//! connection ([`pg::settings`], as libpq finds them) and hands a plan to [`engine::run`], the place
//! to start reading: a run starts, waits for the cluster and makes the tables ([`engine::setup`]),
//! writes until it is time to stop, has everything verified ([`engine::verification`]), and closes.
//!
//! A writer is a pure step ([`model::load::writer`]): what comes to it, and what it does then, in
//! which order. `engine/writer/` waits and does it: opens a session through [`pg::sessions::connect`],
//! sends through [`pg::wire`] what the [`model::load::schedule`] says is due, and tells the recorder.
//!
//! The recorder (`engine/recorder/`) is the one task that owns the books: it turns what it is told
//! into [`model::event`]s. The same event goes three ways: into [`model::run`], where the ledger
//! ([`model::ledger`]) and the counts are; into the record ([`engine::record`]), by a queue that
//! never waits, behind which a process waits for the disk; and to any number of
//! [`engine::subscribers`], such as the log ([`report::text_log`], [`report::json_log`]). So a run is
//! rebuilt from its record by the code that summed it up live: `pgchaos verify` and `pgchaos report`
//! do nothing else. `pgchaos runs` reads the two ends of each record ([`engine::record::overview`]):
//! the last line says what the run comes to.
//!
//! [`engine::watch`] looks on beside the load: Patroni's API, HAProxy's page, members'
//! servers and witnesses that write to them, replicas, what silent writes wait for, pgchaos itself. What it sees is told as events too. The load is measured the same without it.
//!
//! # What is hard to get right
//!
//! It is in [`model`], as functions that are tested with literal histories: the class of an error, and
//! whether it proves a rejection ([`model::fault`]); the measure of an outage ([`model::outage::clock`]) and its kind
//! ([`model::outage::kind`]); its parts and their owners ([`model::outage::whose`]); the server that decides ([`model::cluster::decision`]) and the account
//! of the ledger against it ([`model::ledger::account`]); two primaries
//! ([`model::cluster::two_primaries`]); the verdict ([`model::run::verdict`]). [`pg::presence_query`] asks
//! the server what is there: it compares sets in the server and loads no rows. A
//! [`model::run::summary`] is what remains of a run, and every format of [`report::export`] is a
//! function of it. Several are compared in [`model::comparison`], by what [`model::statistics`] can tell
//! from few runs. `docs/architecture/` has a page for each hard part.
//!
//! Bytes are secured ([`tls`]) in one place, `pg/wire/transport.rs`, below all that reads them: limits,
//! classes, the load and the driver see plain text.
//!
//! What others say (a server, an API, a file, another program) passes [`model::foreign`] where it
//! comes in and where it is printed: shortened, and without anything that a terminal obeys. How much
//! a server can say is limited below all sessions, in `pg/wire/frames.rs`. Secrets are kept out of
//! messages by `cli/redaction.rs`, and out of the process's title by `cli/process_title.rs`. What to do
//! about an error is in `commands/remedies.rs`.
//!
//! # Clusters and drills
//!
//! [`lab`] runs a real cluster of plain processes on this machine, from the templates in `cluster/`;
//! it knows nothing of a load. Read [`lab::Lab::up`] first.
//!
//! `pgchaos drill` reads a scenario ([`model::scenario`]), plays it ([`drill::play`]) while the
//! engine writes, mends what it broke whatever happened, and judges what was seen
//! ([`model::scenario::judging`]). What it does to the cluster is told to the recorder
//! ([`engine::drill_notes`]), so that record and summary have the injection's own time.
//!
//! # What to expect
//!
//! [`model::prediction`] says from Patroni's and HAProxy's settings how long an outage takes after each
//! fault, part by part, and what would shorten it: `pgchaos predict`, and a lab's status.
//! [`haproxy::configuration`] reads the proxy's.
//!
//! # Rooms that are still empty
//!
//! The live view and Prometheus subscribe as the log does. `docs/architecture.md` has the files of each.

pub mod cli;
pub mod commands;
#[cfg(unix)]
pub mod drill;
pub mod engine;
pub mod haproxy;
pub mod http;
#[cfg(unix)]
pub mod lab;
pub mod model;
pub mod patroni;
pub mod pg;
pub mod report;
pub mod tls;
