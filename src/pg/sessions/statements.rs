//! Statements that are sent one after the other.
//!
//! Each is a message of its own. Of one message with several statements Pgpool-II looks at the first
//! alone: it sends all of them to the primary, does not know of a transaction that they begin, and
//! sends what follows to a standby too, which knows of none.

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
