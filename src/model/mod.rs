//! The pure floor: what is true about a run, and nothing that touches the world.
//!
//! No socket, clock, file, environment or global randomness is used here. Time comes in as a
//! [`Duration`](std::time::Duration) since the start of the run, randomness as a generator that
//! the caller seeded. So every rule of truth can be tested with a literal history.
//!
//! Its rooms, by floors; each imports only what is below it:
//!
//! ```text
//! scenario  comparison   a drill as its file has it, its judgement and its report · several runs
//! run                    a run folded from its events, live or from its record, and its summary
//! event     prediction   everything that a run can report, one variant a fact · what settings let expect
//! outage    load         no write was possible, and why · what the load is asked, and its pace
//! cluster   ledger       servers and members · what became of every write
//! statistics             what few runs can tell
//! fault own_limit connect_cause tls_cause outcome foreign seconds percent span
//! ```
//!
//! - [`fault`]: what can go wrong between client and cluster, and its class; [`own_limit`]: what
//!   pgchaos itself can run out of; [`connect_cause`], [`tls_cause`]: why a connect or TLS failed.
//! - [`outcome`]: pass, fail or inconclusive.
//! - [`foreign`]: what others say, made safe to keep and to print.
//! - [`seconds`], [`percent`]: how times and shares are written; [`span`]: a best and a worst case.

pub mod cluster;
pub mod comparison;
pub mod connect_cause;
pub mod event;
pub mod fault;
pub mod foreign;
pub mod ledger;
pub mod load;
pub mod outage;
pub mod outcome;
pub mod own_limit;
pub mod percent;
pub mod prediction;
pub mod run;
pub mod scenario;
pub mod seconds;
pub mod span;
pub mod statistics;
pub mod tls_cause;
