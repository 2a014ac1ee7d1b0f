//! Whether one set of values is lower than another, and by how much: the test of Wilcoxon, Mann and
//! Whitney, and Hodges and Lehmann's shift with the interval that belongs to it.
//!
//! The test counts, of all ways to call the same values one set or the other, those that are as far
//! out: exact also where values are equal, such as the zeros of runs without an outage. Of values of
//! two kinds it is Fisher's exact test, of however many. Of sets that are too large to count out all
//! ways ([`are_all_ways_counted`]) as many as [`DRAWN_WAYS`] are drawn at random: no distribution is
//! assumed, as those that are good for lengths are wrong where most values are equal.
//!
//! Where values lie between bounds, which ones are equal is not known: then equal ones are put in the
//! order that speaks against a difference. The interval is of the differences of all pairs; with equal
//! values it is too wide rather than too narrow. Of sets that are too large to count out it is by the
//! normal distribution.

use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::index::sample;

use crate::model::statistics::{Bounds, median};

/// How many additions counting out all ways may take: a tenth of a second, or less. It is enough for
/// any two sets of 60 values together, and for more where one of the sets is small.
const ADDITIONS_MAX: usize = 20_000_000;

/// How many ways are drawn where all are too many to count.
pub const DRAWN_WAYS: u32 = 20_000;

/// What drawing begins with: the same sets always come to the same.
const SEED: u64 = 0x7067_6368_616f_7321;

/// Whether all ways are counted of sets of these sizes, also where their values are of more than two
/// kinds.
#[must_use]
pub fn are_all_ways_counted(a: usize, b: usize) -> bool {
    let all = a + b;
    // As many rows as values, of as many columns as the smaller set has values and the ranks a sum.
    all.saturating_mul(a.min(b)).saturating_mul(all * (all + 1)) <= ADDITIONS_MAX
}

/// How far two sets are apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RanksApart {
    /// The probability that chance alone puts the sets as far apart as they are, in either direction: twice that of
    /// the direction in which they are. Where values lie between bounds, the greatest of all that they may be. 1
    /// where a set is empty.
    pub probability: f64,
    /// The direction: whether `a` is lower.
    pub is_lower: bool,
}

/// How far the sets are apart, and in which direction.
#[must_use]
pub fn apart(a: &[Bounds], b: &[Bounds]) -> RanksApart {
    if a.is_empty() || b.is_empty() {
        return RanksApart { probability: 1.0, is_lower: false };
    }
    let (lower, higher) = tails(a, b);
    let probability = (2.0 * lower.min(higher)).min(1.0);
    RanksApart { probability, is_lower: lower < higher }
}

/// How probable it is that `a` is as low as it is or lower, and as high or higher. The sum of ranks
/// grows with each value of `a`, and falls with each one of `b`.
fn tails(a: &[Bounds], b: &[Bounds]) -> (f64, f64) {
    let equal = equal_values(a, b);
    let lower = as_low(&at_most(a), &at_least(b), equal);
    let higher = as_low(&at_most(b), &at_least(a), equal);
    (lower, higher)
}

/// What becomes of values that are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EqualValues {
    /// They share their middle rank.
    ShareARank,
    /// Those of the set that may be lower rank higher.
    SpeakAgainst,
}

/// Values that are known share ranks. So do those of two kinds, as in Fisher's test, which is the more
/// probable the nearer an unknown value brings the sets together; of more kinds that does not hold.
fn equal_values(a: &[Bounds], b: &[Bounds]) -> EqualValues {
    let both = || a.iter().chain(b);
    let mut kinds: Vec<f64> = both().flat_map(|one| [one.at_least, one.at_most]).collect();
    kinds.sort_by(f64::total_cmp);
    kinds.dedup();
    let is_known = both().all(|one| one.at_least.total_cmp(&one.at_most).is_eq());
    match is_known || kinds.len() <= 2 {
        true => EqualValues::ShareARank,
        false => EqualValues::SpeakAgainst,
    }
}

/// The least probability that sets of these sizes can come to: that of all of one below all of the
/// other.
#[must_use]
pub fn least_probability(a: usize, b: usize) -> f64 {
    // One of all ways to choose the places of a set, in either direction.
    #[allow(clippy::cast_precision_loss, reason = "numbers of runs")]
    let ways = (1..=a).fold(1.0_f64, |ways, n| ways * (b + n) as f64 / n as f64);
    (2.0 / ways).min(1.0)
}

/// By how much `a` is above `b`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// The median of the differences of all pairs, as measured.
    pub estimate: Option<f64>,
    /// The interval; infinite where the values leave it open.
    pub at_least: f64,
    /// The same from above.
    pub at_most: f64,
}

/// The shift between two sets, with its interval of at least this confidence.
#[must_use]
pub fn shift(a: &[Bounds], b: &[Bounds], confidence: f64) -> Shift {
    let measured = |of: &[Bounds]| of.iter().filter_map(|one| one.measured).collect::<Vec<f64>>();
    let estimate = median(differences(&measured(a), &measured(b)));
    let Some(nth) = nth_difference(a.len(), b.len(), (1.0 - confidence) / 2.0) else {
        return Shift { estimate, at_least: f64::NEG_INFINITY, at_most: f64::INFINITY };
    };
    let mut low = differences(&at_least(a), &at_most(b));
    let mut high = differences(&at_most(a), &at_least(b));
    low.sort_by(f64::total_cmp);
    high.sort_by(f64::total_cmp);
    Shift { estimate, at_least: low[nth - 1], at_most: high[high.len() - nth] }
}

fn at_least(of: &[Bounds]) -> Vec<f64> {
    of.iter().map(|one| one.at_least).collect()
}

fn at_most(of: &[Bounds]) -> Vec<f64> {
    of.iter().map(|one| one.at_most).collect()
}

fn differences(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().flat_map(|one| b.iter().map(move |other| one - other)).collect()
}

/// Which of the ordered differences ends the interval, from 1: the last one below which the number of
/// differences that are too low falls with at most this probability. `None` where there are too few
/// values for an interval.
fn nth_difference(a: usize, b: usize, tail: f64) -> Option<usize> {
    if !are_all_ways_counted(a, b) {
        return nth_by_normal(a, b);
    }
    #[allow(clippy::cast_precision_loss, reason = "numbers of runs")]
    let ranks: Vec<f64> = (0..a + b).map(|rank| rank as f64).collect();
    let sums = sums(&doubled_ranks(&ranks), a.min(b));
    let all: f64 = sums.iter().sum();
    // Without equal values every second sum is possible; the lowest is that of no inversion.
    let possible = sums.iter().copied().skip_while(|ways| *ways <= 0.0).step_by(2);
    let mut below = 0.0;
    let fits = |ways: f64| {
        below += ways;
        below <= tail * all
    };
    let nth = possible.map(fits).take_while(|fits| *fits).count();
    (nth > 0).then_some(nth)
}

/// The quantile of the normal distribution at 97.5 %, which the interval of 95 % takes.
const QUANTILE_975: f64 = 1.959_963_984_540_054;

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of runs, and a place among their differences"
)]
fn nth_by_normal(a: usize, b: usize) -> Option<usize> {
    let (pairs, all) = ((a * b) as f64, (a + b) as f64);
    let spread = (pairs * (all + 1.0) / 12.0).sqrt();
    let nth = (pairs / 2.0 - QUANTILE_975 * spread - 0.5).floor();
    (nth >= 1.0).then_some(nth as usize)
}

/// How probable it is that `a` is as low against `b` as it is, or lower, by chance alone.
fn as_low(a: &[f64], b: &[f64], equal: EqualValues) -> f64 {
    let all: Vec<f64> = a.iter().chain(b).copied().collect();
    let ranks = match equal {
        EqualValues::ShareARank => doubled_ranks(&all),
        EqualValues::SpeakAgainst => ranks_against(&all, a.len()),
    };
    // The smaller set takes less to count; one is as low as the other is high.
    let (few, is_a) = match a.len() <= b.len() {
        true => (&ranks[..a.len()], true),
        false => (&ranks[a.len()..], false),
    };
    let seen: usize = few.iter().sum();
    let is_in = |sum: usize| if is_a { sum <= seen } else { sum >= seen };
    if let Some(kinds) = TwoKinds::of(&ranks) {
        return kinds.share(few.len(), is_in);
    }
    match are_all_ways_counted(a.len(), b.len()) {
        true => share(&sums(&ranks, few.len()), is_in),
        false => drawn(&ranks, few.len(), is_in),
    }
}

/// Ranks of two kinds.
struct TwoKinds {
    low: usize,
    high: usize,
    /// How many are low.
    lows: usize,
    /// How many are high.
    highs: usize,
}

impl TwoKinds {
    fn of(ranks: &[usize]) -> Option<Self> {
        let (low, high) = (*ranks.iter().min()?, *ranks.iter().max()?);
        let count = |kind: usize| ranks.iter().filter(|rank| **rank == kind).count();
        let (lows, highs) = (count(low), count(high));
        (low < high && lows + highs == ranks.len()).then_some(Self { low, high, lows, highs })
    }

    /// Of all ways to choose so many ranks, the share of those with such a sum: the hypergeometric
    /// distribution, from its middle outwards. A way that is too improbable for a number is 0.
    #[allow(clippy::cast_precision_loss, reason = "numbers of runs")]
    fn share(&self, chosen: usize, is_in: impl Fn(usize) -> bool) -> f64 {
        let (least, most) = (chosen.saturating_sub(self.lows), chosen.min(self.highs));
        // How much more probable one high rank more is than so many.
        let step = |highs: usize| {
            let (left, free) = (self.highs - highs, chosen - highs);
            (left * free) as f64 / ((highs + 1) * (self.lows + highs + 1 - chosen)) as f64
        };
        let middle = (chosen * self.highs / (self.lows + self.highs)).clamp(least, most);
        let up = (middle..most).scan(1.0, |ways, highs| {
            *ways *= step(highs);
            Some((highs + 1, *ways))
        });
        let down = (least..middle).rev().scan(1.0, |ways, highs| {
            *ways /= step(highs);
            Some((highs, *ways))
        });
        let (mut within, mut all) = (0.0, 0.0);
        for (highs, ways) in down.chain([(middle, 1.0)]).chain(up) {
            all += ways;
            if is_in(highs * self.high + (chosen - highs) * self.low) {
                within += ways;
            }
        }
        (within / all).min(1.0)
    }
}

/// The share of such sums among ways that are drawn at random. What was seen counts as one of them, so
/// that it is no less than it is on average.
fn drawn(ranks: &[usize], chosen: usize, is_in: impl Fn(usize) -> bool) -> f64 {
    let mut ordered = ranks.to_vec();
    ordered.sort_unstable();
    let mut random = SmallRng::seed_from_u64(SEED);
    let mut within = 1_u32;
    for _ in 1..DRAWN_WAYS {
        let ways = sample(&mut random, ordered.len(), chosen);
        within += u32::from(is_in(ways.iter().map(|at| ordered[at]).sum()));
    }
    f64::from(within) / f64::from(DRAWN_WAYS)
}

/// Twice the rank of each value, of which the first `firsts` come after others that are equal.
fn ranks_against(values: &[f64], firsts: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| {
        let by_value = values[*one].total_cmp(&values[*other]);
        by_value.then_with(|| (*one < firsts).cmp(&(*other < firsts)))
    });
    let mut ranks = vec![0; values.len()];
    for (rank, at) in order.into_iter().enumerate() {
        ranks[at] = 2 * (rank + 1);
    }
    ranks
}

fn share(sums: &[f64], is_in: impl Fn(usize) -> bool) -> f64 {
    let all: f64 = sums.iter().sum();
    let within: f64 =
        sums.iter().enumerate().filter(|(sum, _)| is_in(*sum)).map(|(_, ways)| ways).sum();
    (within / all).min(1.0)
}

/// Twice the rank of each value, so that the middle rank of equal values is whole.
fn doubled_ranks(values: &[f64]) -> Vec<usize> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|other| *other < value).count();
        let equal = values.iter().filter(|other| *other == value).count();
        2 * below + equal + 1
    };
    values.iter().map(rank).collect()
}

/// In how many ways so many of these ranks have each sum.
fn sums(ranks: &[usize], chosen: usize) -> Vec<f64> {
    let highest: usize = ranks.iter().sum();
    let mut ways = vec![vec![0.0; highest + 1]; chosen + 1];
    ways[0][0] = 1.0;
    let mut reached = 0;
    for rank in ranks {
        reached += rank;
        for of in (1..=chosen).rev() {
            let (fewer, more) = ways.split_at_mut(of);
            let (fewer, more) = (&fewer[of - 1], &mut more[0]);
            for sum in (*rank..=reached).rev() {
                more[sum] += fewer[sum - rank];
            }
        }
    }
    ways.swap_remove(chosen)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn probability(a: &[Bounds], b: &[Bounds]) -> f64 {
        apart(a, b).probability
    }

    fn exactly(values: &[f64]) -> Vec<Bounds> {
        values.iter().copied().map(Bounds::exactly).collect()
    }

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    struct Known {
        a: &'static [f64],
        b: &'static [f64],
        p: f64,
    }

    /// By scipy 1.17. Without equal values `mannwhitneyu(a, b, method="exact")`; with equal ones
    /// `permutation_test` of the rank sum over all ways.
    #[test]
    fn probabilities_are_those_of_scipy() {
        for Known { a, b, p } in KNOWN {
            let found = probability(&exactly(a), &exactly(b));
            assert!(near(found, *p), "{a:?} {b:?}: {found} for {p}");
        }
    }

    const KNOWN: &[Known] = &[
        Known {
            a: &[12.1, 9.9, 14.2, 11.8, 12.6],
            b: &[31.4, 29.0, 33.3, 30.1, 35.2],
            p: 0.007936507936507936,
        },
        Known { a: &[1.0, 4.0, 7.0, 8.5], b: &[2.0, 3.0, 9.0, 10.0, 11.0], p: 0.4126984126984127 },
        Known {
            a: &[3.1, 2.2, 5.9, 4.4, 1.7, 8.8, 6.3],
            b: &[2.9, 7.1, 9.4, 10.2, 8.1, 12.5, 6.6, 11.0],
            p: 0.020512820512820513,
        },
        Known { a: &[0.0, 0.0, 0.0, 3.2, 1.1], b: &[0.0, 2.4, 3.2, 5.0], p: 0.2698412698412698 },
        Known {
            a: &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
            b: &[1.0, 1.0, 1.0, 0.0, 1.0],
            p: 0.1341991341991342,
        },
    ];

    /// R's documentation of `wilcox.test`: `conf.int = TRUE` gives these for its example of
    /// permeability constants (Hollander & Wolfe, 1973, p. 69 f.); the same by hand from the 50
    /// differences.
    #[test]
    fn a_shift_has_its_interval() {
        let a = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let b = [1.15, 0.88, 0.90, 0.74, 1.21];
        let shift = shift(&exactly(&a), &exactly(&b), 0.95);
        assert!(near(shift.estimate.unwrap(), 0.305), "{shift:?}");
        assert!(near(shift.at_least, -0.15) && near(shift.at_most, 0.76), "{shift:?}");
        assert!(near(probability(&exactly(&a), &exactly(&b)), 0.254_412_254_412), "{shift:?}");
    }

    /// Tables of Mann and Whitney's critical values, two-sided at 5 %: the interval begins one above.
    #[test]
    fn the_interval_ends_where_the_tables_say() {
        let nth = |a, b| nth_difference(a, b, 0.025);
        assert_eq!(
            (nth(3, 3), nth(4, 4), nth(5, 5), nth(10, 10)),
            (None, Some(1), Some(3), Some(24))
        );
        assert_eq!(
            (nth(3, 5), nth(5, 3), nth(20, 20), nth(8, 12)),
            (Some(1), Some(1), Some(128), Some(23))
        );
    }

    /// Runs without a loss and a few with one, in sets that no distribution of large numbers is good
    /// for: twice the lesser tail of the hypergeometric distribution.
    #[test]
    fn few_losses_in_many_runs_are_fishers() {
        let with = |all: usize, losses: usize| -> Vec<Bounds> {
            (0..all).map(|n| Bounds::exactly(f64::from(u8::from(n < losses)))).collect()
        };
        for (a, b, losses, p) in [
            (5, 60, (1, 0), 2.0 * 5.0 / 65.0),
            (3, 97, (1, 0), 2.0 * 3.0 / 100.0),
            (10, 60, (1, 0), 2.0 * 10.0 / 70.0),
            // Two of A's 5 and one of B's 60, or three of A's, of all 43 680 ways.
            (5, 60, (2, 1), 2.0 * (10.0 * 60.0 + 10.0) / 43_680.0),
            (2_500, 2_500, (1, 0), 1.0),
        ] {
            let (of_a, of_b) = (with(a, losses.0), with(b, losses.1));
            let found = probability(&of_a, &of_b);
            assert!(near(found, p), "{a} {b} {losses:?}: {found} for {p}");
            assert!(near(found, probability(&of_b, &of_a)), "{a} {b} {losses:?}");
        }
    }

    /// What is drawn is near what all ways come to, and no probability is 0.
    #[test]
    fn of_large_sets_ways_are_drawn() {
        let (a, b): (Vec<f64>, Vec<f64>) =
            (0..60).map(|n| (f64::from(n), f64::from(n) + 9.5)).unzip();
        assert!(are_all_ways_counted(30, 30) && are_all_ways_counted(5, 150));
        assert!(!are_all_ways_counted(60, 60));
        let p = probability(&exactly(&a), &exactly(&b));
        // scipy: mannwhitneyu(range(60), [n + 9.5 for n in range(60)], method="asymptotic").pvalue
        assert!((p - 0.005_906_794_153).abs() < 0.001, "{p}");
        assert!(near(p, probability(&exactly(&b), &exactly(&a))));
        let shift = shift(&exactly(&a), &exactly(&b), 0.95);
        assert!(near(shift.estimate.unwrap(), -9.5), "{shift:?}");
        assert!(shift.at_least < -9.5 && shift.at_most < 0.0, "{shift:?}");
        let far = exactly(&b.iter().map(|value| value + 1e6).collect::<Vec<f64>>());
        assert!(near(probability(&exactly(&a), &far), 2.0 / f64::from(DRAWN_WAYS)));
    }

    /// A soak in which two of 160 runs have an outage: most values are equal, of three kinds.
    #[test]
    fn rare_outages_in_many_runs_are_no_difference() {
        let mut a = vec![0.0; 60];
        (a[0], a[1]) = (3.0, 4.0);
        let p = probability(&exactly(&a), &exactly(&[0.0; 100]));
        // Both of them in A: 60 × 59 of 160 × 159 ways, in either direction.
        assert!((p - 2.0 * 3_540.0 / 25_440.0).abs() < 0.02, "{p}");
    }

    #[test]
    fn the_least_probability_is_that_of_sets_that_do_not_overlap() {
        for (a, b) in [(1, 1), (3, 4), (5, 5), (10, 9)] {
            let low: Vec<f64> = (0..a).map(f64::from).collect();
            let high: Vec<f64> = (0..b).map(|n| f64::from(n) + 100.0).collect();
            let least = least_probability(low.len(), high.len());
            assert!(near(least, probability(&exactly(&low), &exactly(&high))), "{a} {b}");
        }
        assert!(near(least_probability(5, 5), 2.0 / 252.0));
    }

    /// Over all ways to call ten values one set or the other, by hand.
    fn by_hand(a: &[f64], b: &[f64]) -> f64 {
        let all: Vec<f64> = a.iter().chain(b).copied().collect();
        let ranks = doubled_ranks(&all);
        let seen: usize = ranks[..a.len()].iter().sum();
        let (mut low, mut high, mut ways) = (0.0, 0.0, 0.0);
        for mask in 0_u32..1 << all.len() {
            if mask.count_ones() as usize != a.len() {
                continue;
            }
            let sum: usize =
                (0..all.len()).filter(|n| mask & (1 << n) != 0).map(|n| ranks[n]).sum();
            ways += 1.0;
            low += f64::from(u8::from(sum <= seen));
            high += f64::from(u8::from(sum >= seen));
        }
        f64::min(1.0, 2.0 * f64::min(low, high) / ways)
    }

    fn few() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec((0..6_u8).prop_map(f64::from), 1..6)
    }

    proptest! {
        #[test]
        fn it_is_what_counting_by_hand_gives(a in few(), b in few()) {
            let p = probability(&exactly(&a), &exactly(&b));
            prop_assert!(near(p, by_hand(&a, &b)), "{} {}", p, by_hand(&a, &b));
            prop_assert!(near(p, probability(&exactly(&b), &exactly(&a))));
        }

        /// The claim must hold whatever an open outage came to.
        #[test]
        fn bounds_never_claim_more_than_any_value_within_them(
            a in few(), b in few(), at in 0..5_usize, more in 0..9_u8,
        ) {
            let at = at % a.len();
            let mut bounded = exactly(&a);
            bounded[at].at_most = f64::INFINITY;
            let mut truth = a.clone();
            truth[at] += f64::from(more);
            let against = |one: &[f64], other: &[f64]| as_low(one, other, EqualValues::SpeakAgainst);
            let of_truth = 2.0 * against(&truth, &b).min(against(&b, &truth));
            let (b, truth) = (exactly(&b), exactly(&truth));
            prop_assert!(probability(&bounded, &b) >= of_truth.min(1.0) - 1e-12);
            let (wide, narrow) = (shift(&bounded, &b, 0.95), shift(&truth, &b, 0.95));
            prop_assert!(wide.at_least <= narrow.at_least && narrow.at_most <= wide.at_most);
        }

        /// Losses of runs that were not verified: either way.
        #[test]
        fn unknown_ones_of_two_kinds_claim_no_more_than_either(
            a in prop::collection::vec(0..3_u8, 1..7), b in prop::collection::vec(0..3_u8, 1..7),
            truth in any::<u16>(),
        ) {
            let bounds = |kind: u8| Bounds {
                measured: None,
                at_least: f64::from(kind % 2),
                at_most: f64::from(kind.min(1)),
            };
            // 0 is 0, 1 is 1, and 2 is unknown.
            let bounded = |of: &[u8]| of.iter().map(|kind| bounds(*kind)).collect::<Vec<Bounds>>();
            let known = |of: &[u8], bits: u16| {
                let value = |(n, kind): (usize, &u8)| match kind {
                    2 => f64::from(u8::from(bits & (1 << n) != 0)),
                    kind => f64::from(*kind),
                };
                exactly(&of.iter().enumerate().map(value).collect::<Vec<f64>>())
            };
            let p = probability(&known(&a, truth), &known(&b, truth >> 8));
            prop_assert!(probability(&bounded(&a), &bounded(&b)) >= p - 1e-12);
        }

        /// The same as below, where the longest were still open.
        #[test]
        fn equal_sets_of_bounds_are_rarely_told_apart(
            all in prop::collection::vec(0..8_u8, 8), cap in 0..8_u8,
        ) {
            let bounds = |value: u8| Bounds {
                measured: Some(f64::from(value.min(cap))),
                at_least: f64::from(value.min(cap)),
                at_most: if value > cap { f64::INFINITY } else { f64::from(value) },
            };
            let (mut told, mut ways) = (0_u32, 0_u32);
            for mask in (0_u32..256).filter(|mask| mask.count_ones() == 4) {
                let side = |of_a: bool| -> Vec<Bounds> {
                    let is_in = |n: &usize| (mask & (1 << n) != 0) == of_a;
                    (0..8).filter(is_in).map(|n| bounds(all[n])).collect()
                };
                ways += 1;
                told += u32::from(probability(&side(true), &side(false)) <= 0.05);
            }
            prop_assert!(f64::from(told) <= 0.05 * f64::from(ways), "{} of {}", told, ways);
        }

        /// Equal settings: over all ways to deal the same values out, few are called different.
        #[test]
        fn equal_sets_are_rarely_told_apart(all in prop::collection::vec(0..8_u8, 8)) {
            let all: Vec<f64> = all.into_iter().map(f64::from).collect();
            let (mut told, mut missed, mut ways) = (0_u32, 0_u32, 0_u32);
            for mask in (0_u32..256).filter(|mask| mask.count_ones() == 4) {
                let side = |of_a: bool| {
                    let is_in = |n: &usize| (mask & (1 << n) != 0) == of_a;
                    exactly(&(0..8).filter(is_in).map(|n| all[n]).collect::<Vec<f64>>())
                };
                let (a, b) = (side(true), side(false));
                let shift = shift(&a, &b, 0.95);
                ways += 1;
                told += u32::from(probability(&a, &b) <= 0.05);
                missed += u32::from(shift.at_least > 0.0 || shift.at_most < 0.0);
            }
            prop_assert!(f64::from(told) <= 0.05 * f64::from(ways), "{} of {}", told, ways);
            prop_assert!(f64::from(missed) <= 0.05 * f64::from(ways), "{} of {}", missed, ways);
        }
    }
}
