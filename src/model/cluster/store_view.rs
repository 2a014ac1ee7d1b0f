//! Whether a member that says the leader's key is free knows so.
//!
//! Patroni says it (`cluster_unlocked`) also while it knows nothing: where it could not read the cluster from its store,
//! or has not for its `ttl`. When it last could (`dcs_last_seen`, in whole seconds) stands still meanwhile. An etcd without
//! a majority is no such store while a connection to it is open: Patroni reads on from what it was told by it before, and
//! says that the key is held. Nor has a leader that gives its key back read its store since: others say first that it is
//! free.

use std::time::Duration;

use crate::model::cluster::leadership::{KeyWord, Status};

/// A member that reads its store twice within a second tells the same second for both.
const SAME_SECOND: Duration = Duration::from_secs(1);

/// What one member's looks told of its store.
#[derive(Debug, Default)]
pub struct StoreView {
    /// The last second of the store that it told, and when a look first found that.
    last: Option<(u64, Duration)>,
    /// What it was when the key was last said to be held.
    held: Option<u64>,
    /// The key was free by the last look.
    free: bool,
}

impl StoreView {
    /// Takes in a look that was asked at `asked`: what the member knows of the key. `reads_every` is how long it may take to
    /// read its store again.
    pub fn known(&mut self, asked: Duration, status: &Status, reads_every: Duration) -> KeyWord {
        // An old Patroni does not tell it.
        let Some(last_seen) = status.store_seen else { return status.key };
        let since = match self.last {
            Some((last, since)) if last == last_seen => since,
            _ => asked,
        };
        self.last = Some((last_seen, since));
        if status.key != KeyWord::Free {
            self.held = Some(last_seen);
            self.free = false;
            return status.key;
        }
        let is_news = self.held.is_some_and(|held| held != last_seen);
        let stood = asked.saturating_sub(since);
        let may_know = is_news || self.free || stood <= SAME_SECOND;
        self.free = may_know && stood <= reads_every;
        if self.free { KeyWord::Free } else { KeyWord::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::KeyWord::{Free, Held, Unknown};
    use super::*;
    use crate::model::cluster::leadership::MemberRole;

    /// What is known at each look: when it was asked, whether the member says that the key is free, and the second it last
    /// read its store.
    fn known(looks: &[(u64, bool, Option<u64>)]) -> Vec<KeyWord> {
        let mut view = StoreView::default();
        let look = |(asked_ms, unlocked, store_seen): (u64, bool, Option<u64>)| {
            let status = Status {
                leads: false,
                state: "running".to_owned(),
                role: MemberRole::Replica,
                timeline: Some(1),
                key: if unlocked { Free } else { Held },
                store_seen,
            };
            view.known(Duration::from_millis(asked_ms), &status, Duration::from_secs(20))
        };
        looks.iter().copied().map(look).collect()
    }

    #[test]
    fn a_member_that_cannot_read_its_store_knows_nothing() {
        // As it was measured on a lab of which each etcd was killed, and started again.
        let looks = [
            (104_800, false, Some(104)),
            (107_300, false, Some(104)),
            (107_600, true, Some(104)),
            (121_000, true, Some(104)),
            (121_900, true, Some(121)),
            (122_400, false, Some(122)),
        ];
        assert_eq!(known(&looks), [Held, Held, Unknown, Unknown, Free, Held]);
    }

    #[test]
    fn a_key_that_is_found_free_is_free_at_once() {
        let looks = [(1_000, false, Some(7)), (1_100, true, Some(8)), (1_900, true, Some(8))];
        assert_eq!(known(&looks), [Held, Free, Free]);
        let in_one_second =
            [(1_000, false, Some(7)), (1_100, true, Some(7)), (9_000, true, Some(7))];
        assert_eq!(known(&in_one_second), [Held, Free, Free], "it reads no more often");
    }

    #[test]
    fn a_store_that_is_lost_while_the_key_is_free_tells_nothing_more() {
        let looks = [(1_000, false, Some(7)), (2_000, true, Some(8)), (22_100, true, Some(8))];
        assert_eq!(known(&looks), [Held, Free, Unknown]);
    }

    #[test]
    fn a_patroni_that_does_not_tell_is_believed() {
        assert_eq!(known(&[(0, false, None), (100, true, None)]), [Held, Free]);
    }
}
