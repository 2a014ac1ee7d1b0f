//! How many connections an API has from this process at a time: one for the looks of a watch, and one for all else, the
//! search for members, the verification, a drill. A look that waited for another question's turn would be told as the
//! member's silence.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Semaphore;

/// The backlog of Patroni's API is 5, and HAProxy's checks and `patronictl` ask there too: a connect that does not fit is
/// sent again after a second, and a check that waits for it takes a healthy primary out.
const AT_ONCE: usize = 1;

/// What an API is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AskedFor {
    /// The looks of a watch, which come all the time.
    Looks,
    /// Anything else.
    Questions,
}

/// By `host:port`, as it is written: two names of one machine are two. It is this process that the limit holds for, so it is kept once a process.
static MEMBERS: Mutex<BTreeMap<(String, AskedFor), Weak<Semaphore>>> = Mutex::new(BTreeMap::new());

/// The turns at the API at this `host:port`: each call there has one of them meanwhile. They are given in the order in
/// which they were asked for.
pub(super) fn turns(host_and_port: &str, asked_for: AskedFor) -> Arc<Semaphore> {
    let mut members = MEMBERS.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (host_and_port.to_owned(), asked_for);
    if let Some(turns) = members.get(&key).and_then(Weak::upgrade) {
        return turns;
    }
    members.retain(|_, turns| turns.strong_count() > 0);
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    members.insert(key, Arc::downgrade(&turns));
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_at_one_api_share_its_turn_and_looks_and_others_have_their_own() {
        let questions = |api| turns(api, AskedFor::Questions);
        let (one, again) = (questions("a:1"), questions("a:1"));
        assert!(Arc::ptr_eq(&one, &again));
        assert!(!Arc::ptr_eq(&one, &questions("b:1")));
        assert!(!Arc::ptr_eq(&one, &turns("a:1", AskedFor::Looks)));
        assert_eq!(one.available_permits(), AT_ONCE);
    }
}
