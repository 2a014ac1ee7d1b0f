//! A session of the test's own, for what one call of psql cannot hold: locks, and a place among the connections.

use std::time::Duration;

use tokio::runtime::{self, Runtime};
use tokio::time::timeout;
use tokio_postgres::{Client, Error, NoTls};

const DEADLINE: Duration = Duration::from_secs(60);

/// An open session. Its drop ends it.
pub struct Session {
    client: Option<Client>,
    runtime: Runtime,
}

impl Session {
    /// Connects. Panics when it cannot.
    #[track_caller]
    pub fn open(url: &str) -> Self {
        Self::try_open(url).unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// Connects, or says what the server said.
    pub fn try_open(url: &str) -> Result<Self, Error> {
        let runtime =
            runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let connecting = async { timeout(DEADLINE, tokio_postgres::connect(url, NoTls)).await };
        let (client, connection) = runtime.block_on(connecting).expect("connected in time")?;
        runtime.spawn(connection);
        Ok(Self { client: Some(client), runtime })
    }

    /// Runs statements. Panics when they fail or take longer than a minute.
    #[track_caller]
    pub fn run(&self, sql: &str) {
        let client = self.client.as_ref().unwrap();
        let running = async { timeout(DEADLINE, client.batch_execute(sql)).await };
        let ran = self.runtime.block_on(running).expect("ran in time");
        ran.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The goodbye is sent by the runtime, which must not go first.
        drop(self.client.take());
    }
}
