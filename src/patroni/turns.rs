//! How many connections a member's API has from this process at a time, for all that asks there: looks, the search for
//! members, the verification, a drill.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Semaphore;

/// The backlog of Patroni's API is 5, and HAProxy's checks and `patronictl` ask there too: a connect that does not fit is
/// sent again after a second, and a check that waits for it takes a healthy primary out.
const AT_ONCE: usize = 2;

/// By `host:port`. It is this process that the limit holds for, so it is kept once a process.
static MEMBERS: Mutex<BTreeMap<String, Weak<Semaphore>>> = Mutex::new(BTreeMap::new());

/// The turns at the API at this `host:port`: each call there has one of them meanwhile. They are given in the order in
/// which they were asked for.
pub(super) fn turns(host_and_port: &str) -> Arc<Semaphore> {
    let mut members = MEMBERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(turns) = members.get(host_and_port).and_then(Weak::upgrade) {
        return turns;
    }
    members.retain(|_, turns| turns.strong_count() > 0);
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    members.insert(host_and_port.to_owned(), Arc::downgrade(&turns));
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_who_ask_one_api_share_its_turns_and_others_have_their_own() {
        let (one, again, other) = (turns("a:1"), turns("a:1"), turns("b:1"));
        assert!(Arc::ptr_eq(&one, &again));
        assert!(!Arc::ptr_eq(&one, &other));
        assert_eq!(one.available_permits(), AT_ONCE);
    }
}
