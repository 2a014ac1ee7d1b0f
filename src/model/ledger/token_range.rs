//! How a run's tokens are cut into stretches, so that a look at all of them is made in steps.
//!
//! Tokens are in the order of their index: by writer, then by seq. The cuts follow the ledger, so
//! that a stretch holds about as many writes as it should; but together the stretches hold every
//! token that there can be, also those that the ledger does not know: a run's id is its own, so that
//! no row under it belongs to another process.

use crate::model::ledger::books::Ledger;

/// Tokens from one to another, as `(writer, seq)`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRange {
    /// The first token.
    pub first: (i32, i64),
    /// The last token.
    pub last: (i32, i64),
    /// How many writes in it were sent.
    pub attempted: u64,
}

/// More stretches than this are not cut: those of 50,000 writes reach to 50 billion.
const STRETCHES_MAX: i64 = 1_000_000;

/// Every token, in stretches of at most `writes` that were sent, unless that were too many
/// stretches. There is at least one stretch.
#[must_use]
pub fn token_ranges(ledger: &Ledger, writes: u32) -> Vec<TokenRange> {
    // A damaged record may tell of more writes than can ever be: no more stretches for that.
    let all: i128 = ledger.books().map(|(_, book)| i128::from(book.attempted.max(0))).sum();
    let widest = i64::try_from(all / i128::from(STRETCHES_MAX)).unwrap_or(i64::MAX);
    let writes = i64::from(writes.max(1)).max(widest);
    let mut stretches = Vec::new();
    let mut first = (i32::MIN, i64::MIN);
    let mut filled = 0;
    for (writer, book) in ledger.books() {
        let mut cut = 0;
        let sent = book.attempted.max(0);
        while sent - cut > writes - filled {
            cut += writes - filled;
            let attempted = writes.unsigned_abs();
            stretches.push(TokenRange { first, last: (writer, cut), attempted });
            first = (writer, cut.saturating_add(1));
            filled = 0;
        }
        filled += sent - cut;
    }
    let attempted = filled.unsigned_abs();
    stretches.push(TokenRange { first, last: (i32::MAX, i64::MAX), attempted });
    stretches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::ledger::progress::Progress;

    fn ledger(attempted: &[i64]) -> Ledger {
        let mut ledger = Ledger::default();
        for (writer, attempted) in (1..).zip(attempted) {
            ledger.progress(Progress { writer, attempted: *attempted, resolved: 0 });
        }
        ledger
    }

    #[test]
    fn stretches_are_as_long_as_they_should_be_and_the_last_takes_the_rest() {
        assert_eq!(
            token_ranges(&ledger(&[5, 2, 3]), 4),
            [
                TokenRange { first: (i32::MIN, i64::MIN), last: (1, 4), attempted: 4 },
                TokenRange { first: (1, 5), last: (3, 1), attempted: 4 },
                TokenRange { first: (3, 2), last: (i32::MAX, i64::MAX), attempted: 2 },
            ]
        );
    }

    #[test]
    fn what_fits_into_one_is_one() {
        let (first, last) = ((i32::MIN, i64::MIN), (i32::MAX, i64::MAX));
        let everything = TokenRange { first, last, attempted: 7 };
        assert_eq!(token_ranges(&ledger(&[5, 2]), 7), [everything]);
        let nothing = TokenRange { attempted: 0, ..everything };
        assert_eq!(token_ranges(&Ledger::default(), 7), [nothing]);
    }

    proptest! {
        #[test]
        fn no_token_is_left_out_or_looked_at_twice(
            attempted in prop::collection::vec(0..200_i64, 0..8),
            writes in 1..50_u32,
        ) {
            let cut = token_ranges(&ledger(&attempted), writes);
            prop_assert_eq!(cut[0].first, (i32::MIN, i64::MIN));
            prop_assert_eq!(cut[cut.len() - 1].last, (i32::MAX, i64::MAX));
            for pair in cut.windows(2) {
                prop_assert!(pair[0].first <= pair[0].last);
                prop_assert_eq!(pair[1].first, (pair[0].last.0, pair[0].last.1 + 1));
            }
            prop_assert!(cut.iter().all(|stretch| stretch.attempted <= u64::from(writes)));
            let sum: u64 = cut.iter().map(|stretch| stretch.attempted).sum();
            prop_assert_eq!(sum, attempted.iter().sum::<i64>().unsigned_abs());
        }
    }
}
