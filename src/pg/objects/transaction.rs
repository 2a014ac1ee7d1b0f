//! The transaction of everything that is done with the objects before the load.

use tokio_postgres::Error;

use crate::pg::sessions::session::Session;
use crate::pg::sessions::statements::each;

/// Begins a transaction in which each statement sees what others have committed. The server's limits on
/// sessions are meant for the load, not for what is done before it; this timeout is longer than any of
/// the client's deadlines, and ends what the client has given up.
pub(super) const BEGIN: [&str; 5] = [
    "BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET LOCAL statement_timeout = 60000",
    "SET LOCAL lock_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SELECT set_config(name, '0', true) FROM pg_catalog.pg_settings \
     WHERE name = 'transaction_timeout'",
];

impl Session {
    /// Runs statements in a transaction that is rolled back.
    pub(super) async fn in_transaction<T>(
        &self,
        statements: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        each(&self.client, &BEGIN).await?;
        let done = statements.await;
        if !self.client.is_closed() {
            let ended = self.client.batch_execute("ROLLBACK").await;
            // The first error is what matters.
            return done.and_then(|done| ended.map(|()| done));
        }
        done
    }
}
