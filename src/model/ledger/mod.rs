//! The ledger: what became of every write, as the client knows it, and the account of it against
//! what a server holds.
//!
//! - [`seq_set`], [`by_writer`]: sets of sequence numbers, and their JSON by writer.
//! - [`progress`]: how far one writer is.
//! - [`books`]: the ledger itself, one book a writer; its memory grows with exceptions.
//! - [`account`]: the ledger against what is present on the server that decides.
//! - [`token_range`]: in which steps what is present is looked at.
//! - [`loss_times`]: when the lost writes were acknowledged.

pub mod account;
pub mod books;
pub mod by_writer;
pub mod loss_times;
pub mod progress;
pub mod seq_set;
pub mod token_range;
