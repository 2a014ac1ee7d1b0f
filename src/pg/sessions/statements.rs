//! Statements that are sent one after the other.
//!
//! Each is a message of its own. Pgpool-II parses only the first statement of a message: it would send
//! all of them to the primary, miss a transaction that they begin, and send what follows to a standby
//! too, which has no such transaction.

use futures_util::future::join_all;
use tokio_postgres::{Client, Error};

/// Sends them without waiting in between, and waits for all answers.
///
/// # Errors
/// The first one's that failed.
pub(in crate::pg) async fn each(client: &Client, statements: &[&str]) -> Result<(), Error> {
    let answers = join_all(statements.iter().map(|sql| client.batch_execute(sql))).await;
    answers.into_iter().collect()
}
