//! Sets of sequence numbers, kept as ranges.
//!
//! A run of a hundred million writes has few exceptions, and these come in runs of neighbours:
//! memory goes by ranges, not by writes.

use std::ops::{BitAnd, BitOr, RangeInclusive, Sub};

use range_set_blaze::RangeSetBlaze;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A set of sequence numbers of one writer. In JSON a list of `[first, last]` pairs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeqSet(RangeSetBlaze<i64>);

impl SeqSet {
    /// The set of no sequence number.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every sequence number from `first` to `last`, both included; none when `last < first`.
    #[must_use]
    pub fn range(first: i64, last: i64) -> Self {
        let mut set = Self::new();
        set.insert(first..=last);
        set
    }

    /// Adds a range; an empty range adds nothing.
    pub fn insert(&mut self, range: RangeInclusive<i64>) {
        if !range.is_empty() {
            self.0.ranges_insert(range);
        }
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: &Self) {
        for range in other.ranges() {
            self.insert(range);
        }
    }

    /// Whether `seq` is in the set.
    #[must_use]
    pub fn contains(&self, seq: i64) -> bool {
        self.0.contains(seq)
    }

    /// How many sequence numbers are in the set.
    #[must_use]
    pub fn len(&self) -> u64 {
        // The crate counts in 128 bits, as the whole range of i64 has one more than u64 holds;
        // sequence numbers start at 1.
        u64::try_from(self.0.len()).unwrap_or(u64::MAX)
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The largest sequence number in the set.
    #[must_use]
    pub fn last(&self) -> Option<i64> {
        self.0.last()
    }

    /// The ranges, ascending, disjoint and never adjacent.
    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<i64>> + '_ {
        self.0.ranges()
    }
}

impl BitAnd for &SeqSet {
    type Output = SeqSet;
    fn bitand(self, other: Self) -> SeqSet {
        SeqSet(&self.0 & &other.0)
    }
}

impl BitOr for &SeqSet {
    type Output = SeqSet;
    fn bitor(self, other: Self) -> SeqSet {
        SeqSet(&self.0 | &other.0)
    }
}

impl Sub for &SeqSet {
    type Output = SeqSet;
    fn sub(self, other: Self) -> SeqSet {
        SeqSet(&self.0 - &other.0)
    }
}

impl FromIterator<RangeInclusive<i64>> for SeqSet {
    fn from_iter<I: IntoIterator<Item = RangeInclusive<i64>>>(ranges: I) -> Self {
        let mut set = Self::new();
        for range in ranges {
            set.insert(range);
        }
        set
    }
}

impl Serialize for SeqSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.ranges().map(|range| [*range.start(), *range.end()]))
    }
}

impl<'de> Deserialize<'de> for SeqSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = Vec::<[i64; 2]>::deserialize(deserializer)?;
        pairs
            .into_iter()
            .map(|[first, last]| {
                if 1 <= first && first <= last {
                    Ok(first..=last)
                } else {
                    Err(D::Error::custom(format!("[{first}, {last}] is no range")))
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_range() {
        let set: SeqSet = [1..=3, 7..=7, 4..=6].into_iter().collect();
        assert_eq!(set.ranges().collect::<Vec<_>>(), [1..=7]);
        assert_eq!(set.len(), 7);
    }

    #[test]
    fn sequence_numbers_start_at_1() {
        assert!(serde_json::from_str::<SeqSet>("[[0,1]]").is_err());
        assert!(serde_json::from_str::<SeqSet>("[[-9223372036854775808,1]]").is_err());
    }

    #[test]
    fn json_is_a_list_of_pairs() {
        let set: SeqSet = [1..=3, 7..=7].into_iter().collect();
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(json, "[[1,3],[7,7]]");
        assert_eq!(serde_json::from_str::<SeqSet>(&json).unwrap(), set);
        assert!(serde_json::from_str::<SeqSet>("[[3,1]]").is_err());
    }
}
