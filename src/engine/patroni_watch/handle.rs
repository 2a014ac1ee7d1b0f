//! What others see of the watch.

use tokio::sync::watch;
use tokio::time::timeout;

use super::DEADLINE;
use crate::model::fall::{Falls, OldPrimary};
use crate::model::server::Server;

/// What others see of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Watched {
    pub(super) falls: Falls,
    /// It was asked once who the members are.
    pub(super) begun: bool,
}

/// A handle to what is known.
#[derive(Debug, Clone)]
pub(crate) struct PatroniWatch(pub(super) watch::Receiver<Watched>);

impl PatroniWatch {
    /// What the API of the primary before an outage tells of its end as one.
    pub(crate) fn old_primary(&self, before: Option<&Server>) -> OldPrimary {
        let Some(name) = before.and_then(|server| server.member.as_deref()) else {
            return OldPrimary::Unknown;
        };
        self.0.borrow().falls.of(name)
    }

    /// Waits until the members are known, or could not be: not longer than [`DEADLINE`].
    pub(crate) async fn begun(&self) {
        let mut watched = self.0.clone();
        // Both errors say the same: there is nothing to wait for any longer.
        let _ = timeout(DEADLINE, watched.wait_for(|watched| watched.begun)).await;
    }
}
