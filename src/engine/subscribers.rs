//! How events leave a run: to any number of subscribers, each at its own pace.
//!
//! A subscriber that falls behind loses the oldest events that wait for it, and learns how many; it
//! never holds the run up. What must not be wrong by that is published as a whole: the [`Totals`].

use std::sync::Arc;

use tokio::sync::{broadcast, watch};

use crate::model::event::Event;
use crate::model::run::totals::Totals;

/// Events that wait for the slowest subscriber, at most. A log of single writes has some thousands a
/// second at most.
const EVENTS_WAITING: usize = 8192;

/// An event on its way to subscribers, or how many of them this one has missed:
/// [`broadcast::error::RecvError::Lagged`].
pub type Events = broadcast::Receiver<Arc<Event>>;

/// Where the events of one run go.
#[derive(Debug)]
pub struct Subscribers {
    events: broadcast::Sender<Arc<Event>>,
    totals: watch::Sender<Totals>,
}

impl Default for Subscribers {
    fn default() -> Self {
        Self::with_room_for(EVENTS_WAITING)
    }
}

impl Subscribers {
    /// For subscribers that may fall behind by so many events.
    #[must_use]
    pub fn with_room_for(events: usize) -> Self {
        Self { events: broadcast::Sender::new(events), totals: watch::Sender::default() }
    }

    /// One more subscriber, from the next one on.
    #[must_use]
    pub fn events(&self) -> Events {
        self.events.subscribe()
    }

    /// The totals, always those after the last event.
    #[must_use]
    pub fn totals(&self) -> watch::Receiver<Totals> {
        self.totals.subscribe()
    }

    /// Hands an event to every subscriber. Waits for none.
    pub(crate) fn publish(&self, event: Event) {
        self.totals.send_if_modified(|totals| totals.apply(&event.what));
        // Without a subscriber there is nothing to hand over.
        let _ = self.events.send(Arc::new(event));
    }
}
