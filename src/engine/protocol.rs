//! How writes are put to the server, by all writers of a run: as it was asked for, until a pooler
//! shows that it shares out server sessions between clients.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::load::options::Protocol;

/// What is said, once, when a pooler makes it extended.
pub(super) const SHARED_SESSIONS: &str = "\
a pooler shares out server sessions between clients, where prepared statements do not keep: each \
write brings its statement along, as with --protocol extended";

/// The protocol in use.
#[derive(Debug)]
pub(crate) struct ProtocolInUse {
    is_extended: AtomicBool,
}

impl ProtocolInUse {
    /// As it was asked for, or found to be.
    pub(crate) fn new(protocol: Protocol) -> Self {
        Self { is_extended: AtomicBool::new(protocol == Protocol::Extended) }
    }

    /// How the next session is to write.
    pub(crate) fn get(&self) -> Protocol {
        if self.is_extended.load(Ordering::Relaxed) {
            Protocol::Extended
        } else {
            Protocol::Prepared
        }
    }

    /// A session found that it can only write so. Whether that is news.
    pub(crate) fn found(&self, protocol: Protocol) -> bool {
        protocol == Protocol::Extended && !self.is_extended.swap(true, Ordering::Relaxed)
    }
}
