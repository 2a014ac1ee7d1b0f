//! Whether a member that says the leader's key is free knows so.
//!
//! Patroni says it (`cluster_unlocked`) also while it knows nothing: where it could not read the cluster from its store,
//! or has not for its `ttl`. When it last could (`dcs_last_seen`, in whole seconds) stands still meanwhile.

use std::time::Duration;

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
    /// Takes in a look that was asked at `asked`: whether the member knows that the key is free. `unlocked` is its word,
    /// `last_seen` when it last read its store, which an old Patroni does not tell, and `reads_every` how long it may take
    /// to read it again.
    pub fn knows_free(
        &mut self,
        asked: Duration,
        unlocked: bool,
        last_seen: Option<u64>,
        reads_every: Duration,
    ) -> bool {
        let Some(last_seen) = last_seen else { return unlocked };
        let since = match self.last {
            Some((last, since)) if last == last_seen => since,
            _ => asked,
        };
        self.last = Some((last_seen, since));
        if !unlocked {
            self.held = Some(last_seen);
        }
        let is_news = self.held.is_some_and(|held| held != last_seen);
        let stood = asked.saturating_sub(since);
        let may_know = is_news || self.free || stood <= SAME_SECOND;
        self.free = unlocked && may_know && stood <= reads_every;
        self.free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is known at each look: when it was asked, the member's word, and the second it last read its store.
    fn known(looks: &[(u64, bool, Option<u64>)]) -> Vec<bool> {
        let mut view = StoreView::default();
        let look = |(asked_ms, unlocked, last_seen)| {
            let asked = Duration::from_millis(asked_ms);
            view.knows_free(asked, unlocked, last_seen, Duration::from_secs(20))
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
        assert_eq!(known(&looks), [false, false, false, false, true, false]);
    }

    #[test]
    fn a_key_that_is_given_back_is_free_at_once() {
        let looks = [(1_000, false, Some(7)), (1_100, true, Some(8)), (1_900, true, Some(8))];
        assert_eq!(known(&looks), [false, true, true]);
        let in_one_second =
            [(1_000, false, Some(7)), (1_100, true, Some(7)), (9_000, true, Some(7))];
        assert_eq!(known(&in_one_second), [false, true, true], "it reads no more often");
    }

    #[test]
    fn a_store_that_is_lost_while_the_key_is_free_tells_nothing_more() {
        let looks = [(1_000, false, Some(7)), (2_000, true, Some(8)), (22_100, true, Some(8))];
        assert_eq!(known(&looks), [false, true, false]);
    }

    #[test]
    fn a_patroni_that_does_not_tell_is_believed() {
        assert_eq!(known(&[(0, false, None), (100, true, None)]), [false, true]);
    }
}
