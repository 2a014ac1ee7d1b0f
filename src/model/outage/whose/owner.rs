//! The owners of an outage's seconds.

use serde::{Deserialize, Serialize};

/// Where seconds of an outage were spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// pgchaos itself, as every client: noticing, its backoff and its deadlines.
    Client,
    /// Patroni: its lock, its election, its loop.
    Patroni,
    /// The server: shutdown, recovery, promotion, and what it refuses.
    Postgresql,
    /// Patroni's store: etcd, or another one.
    Etcd,
    /// What stands between client and servers and chooses one.
    Proxy,
    /// The way there.
    Network,
}

impl Owner {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Client, Self::Patroni, Self::Postgresql, Self::Etcd, Self::Proxy, Self::Network];
}
