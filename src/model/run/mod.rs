//! A run: its state, folded from its events, and what it comes to.
//!
//! - [`state`]: the run itself, live event by event and again from its record.
//! - [`record_format`]: events as lines; [`replay`]: the lines read back.
//! - [`timeline`]: what happened when, in a bounded number of buckets; [`timeline_columns`]: the
//!   same in the summary.
//! - [`lanes`]: which server acknowledged, and what each member was, over time.
//! - [`software`]: the versions of the servers, and Patroni's settings over time.
//! - [`expectation`]: what its settings let expect of its outages' parts.
//! - [`totals`]: what it has come to so far, published as a whole.
//! - [`availability`], [`replica_lag`]: what was measured over the whole run;
//!   [`limits`]: what a limit on it comes to; [`two_primaries_account`]: what became of writes on the losing side.
//! - [`summary`]: what remains of a run, the public JSON; [`summarize`]: how it comes about;
//!   [`verdict`]: how it is judged.

pub mod availability;
pub mod expectation;
pub mod lanes;
pub mod limits;
pub mod record_format;
pub mod replay;
pub mod replica_lag;
pub mod software;
pub mod state;
pub mod summarize;
pub mod summary;
pub mod timeline;
pub mod timeline_columns;
pub mod totals;
pub mod two_primaries_account;
pub mod verdict;

pub use state::Run;
