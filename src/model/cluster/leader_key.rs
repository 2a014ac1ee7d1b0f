//! Whether the leader's key in Patroni's store is free, by the members' own words (`cluster_unlocked`).
//!
//! While the store cannot be read, members go on with what they knew last, or know nothing: the key is then free by no
//! word that counts, though no leader renews it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::cluster::leadership::{KeyWord, Look, LookAnswer};
use crate::model::seconds;

/// The leader's key was found free, or held again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderKey {
    /// Some member says that it is free. Else: none does any more.
    pub free: bool,
    /// When the last look was asked that found it otherwise; `None` where none was.
    #[serde(rename = "not_before_s", with = "seconds::option")]
    pub not_before: Option<Duration>,
}

/// What a member says of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SaidOfKey {
    /// It has it itself.
    IsMine,
    By(KeyWord),
}

/// The key, by the last look at each member.
#[derive(Debug, Default)]
pub struct LeaderKeyWatch {
    /// The last answer of each member that answers.
    answers: BTreeMap<String, SaidOfKey>,
    free: bool,
    /// When the last look was asked of which the answer was as the key is told now.
    asked: Option<Duration>,
}

impl LeaderKeyWatch {
    /// Takes a look in; what the key is now, when that has changed.
    pub fn look(&mut self, member: &str, look: &Look) -> Option<LeaderKey> {
        let before = self.asked;
        match &look.answer {
            LookAnswer::Status(status) => {
                let word = match status.leads {
                    true => SaidOfKey::IsMine,
                    false => SaidOfKey::By(status.key),
                };
                self.answers.insert(member.to_owned(), word);
            }
            LookAnswer::Gone | LookAnswer::Silent => {
                self.answers.remove(member);
            }
        }
        let says = |said: SaidOfKey| self.answers.values().any(|one| *one == said);
        // A member that leads has the key: others go on saying that it is free until their next loop.
        let free = match says(SaidOfKey::IsMine) {
            true => false,
            false if says(SaidOfKey::By(KeyWord::Free)) => true,
            // Those that cannot read the store have seen no member take it.
            false => self.free && !says(SaidOfKey::By(KeyWord::Held)),
        };
        if matches!(look.answer, LookAnswer::Status(_)) {
            self.asked = Some(look.asked);
        }
        // Without a member that answers nothing is known to have changed.
        if free == self.free || self.answers.is_empty() {
            return None;
        }
        self.free = free;
        Some(LeaderKey { free, not_before: before })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cluster::leadership::{MemberRole, Status};

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn status(leads: bool, unlocked: bool) -> LookAnswer {
        let key = if unlocked { KeyWord::Free } else { KeyWord::Held };
        let role = if leads { MemberRole::Primary } else { MemberRole::Replica };
        let state = "running".to_owned();
        LookAnswer::Status(Status { leads, state, role, timeline: Some(1), key, store_seen: None })
    }

    #[test]
    fn the_key_is_free_from_the_first_word_to_the_next_leader() {
        let mut key = LeaderKeyWatch::default();
        let looks = [
            ("a", 0, status(true, false)),
            ("b", 30, status(false, false)),
            ("a", 100, LookAnswer::Gone),
            ("b", 130, status(false, true)),
            ("c", 160, status(false, true)),
            ("b", 230, status(true, false)),
            // It still believes that the key is free: the leader's own word is newer.
            ("c", 260, status(false, true)),
            ("b", 330, status(true, false)),
        ];
        let told: Vec<_> = looks
            .into_iter()
            .filter_map(|(member, asked, answer)| {
                key.look(member, &Look { asked: ms(asked), at: ms(asked + 2), answer })
            })
            .collect();
        let free = |free, not_before| LeaderKey { free, not_before: Some(ms(not_before)) };
        assert_eq!(told, [free(true, 30), free(false, 160)]);
    }

    #[test]
    fn a_store_that_is_lost_takes_no_free_key() {
        let mut key = LeaderKeyWatch::default();
        let mut look = |asked, answer| {
            key.look("b", &Look { asked: ms(asked), at: ms(asked + 2), answer }).map(|key| key.free)
        };
        let LookAnswer::Status(unknown) = status(false, false) else { unreachable!() };
        let unknown = LookAnswer::Status(Status { key: KeyWord::Unknown, ..unknown });
        assert_eq!(look(0, unknown.clone()), None, "nor frees one");
        assert_eq!(look(100, status(false, true)), Some(true));
        assert_eq!(look(200, unknown), None);
        assert_eq!(look(300, status(false, false)), Some(false));
    }

    #[test]
    fn silence_of_all_frees_no_key() {
        let mut key = LeaderKeyWatch::default();
        for answer in [status(true, false), LookAnswer::Silent, LookAnswer::Gone] {
            assert_eq!(key.look("a", &Look { asked: ms(1), at: ms(2), answer }), None);
        }
    }
}
