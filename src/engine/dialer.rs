//! One connect attempt: through every host in turn, until one serves.

use std::sync::Arc;
use std::time::Duration;

use rand::seq::SliceRandom;
use tokio_postgres::config::LoadBalanceHosts;

use crate::pg::connect::{NotOpened, Opened, Wanted, open};
use crate::pg::settings::ConnectSettings;

/// Connects to the target.
#[derive(Debug, Clone)]
pub struct Dialer {
    settings: Arc<ConnectSettings>,
    /// Deadline of the connect to each host, as in libpq.
    connect_timeout: Duration,
    wanted: Wanted,
}

impl Dialer {
    /// Connects with these settings, to a server that takes writes.
    #[must_use]
    pub fn new(settings: Arc<ConnectSettings>, connect_timeout: Duration) -> Self {
        Self { settings, connect_timeout, wanted: Wanted::Writable }
    }

    /// Connects to any server that answers.
    #[must_use]
    pub fn any_server(self) -> Self {
        Self { wanted: Wanted::Any, ..self }
    }

    /// Deadline of the connect to each host.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// Tries every host once, in the order given, or in a random one when the settings say so.
    ///
    /// # Errors
    /// Each host's failure, in the order tried. A host that fails is no error as long as another
    /// one serves.
    pub async fn dial(&self) -> Result<Opened, Vec<NotOpened>> {
        let mut hosts: Vec<_> = self.settings.hosts.iter().collect();
        if self.settings.load_balance_hosts == LoadBalanceHosts::Random {
            hosts.shuffle(&mut rand::rng());
        }
        let mut failures = Vec::new();
        for host in hosts {
            match open(&self.settings, host, self.wanted, self.connect_timeout).await {
                Ok(opened) => return Ok(opened),
                Err(failure) => failures.push(*failure),
            }
        }
        Err(failures)
    }
}
