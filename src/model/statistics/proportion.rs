//! A share of few runs: Clopper and Pearson's exact interval.

/// The interval of a probability, of which `seen` of `all` trials tell, as shares from 0 to 1: in at
/// least `confidence` of the cases the truth is within. Of no trials it is anything.
///
/// Each end is the probability at which as many or more, or as few or fewer, would be seen in half of
/// the rest of the cases. It is found by halving: the tails of the binomial distribution are
/// monotonic.
#[must_use]
pub fn interval(seen: u64, all: u64, confidence: f64) -> (f64, f64) {
    let tail = (1.0 - confidence) / 2.0;
    let low = match seen {
        0 => 0.0,
        _ => where_it_crosses(|p| as_many(all, seen, p) >= tail),
    };
    let high = match seen {
        _ if seen >= all => 1.0,
        _ => where_it_crosses(|p| 1.0 - as_many(all, seen + 1, p) < tail),
    };
    (low, high)
}

/// Halvings until two neighbours among floating-point numbers near 1 cannot be told apart.
const HALVINGS: u32 = 60;

/// The least probability at which this holds; it holds from there on.
fn where_it_crosses(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    f64::midpoint(low, high)
}

/// How probable `least` or more of `all` trials are, each of probability `p`.
#[allow(clippy::cast_precision_loss, reason = "numbers of runs")]
fn as_many(all: u64, least: u64, p: f64) -> f64 {
    if p <= 0.0 {
        return if least == 0 { 1.0 } else { 0.0 };
    }
    if p >= 1.0 {
        return 1.0;
    }
    let (mut ln_choose, mut sum) = (0.0_f64, 0.0);
    for k in 0..=all {
        if k > 0 {
            ln_choose += ((all - k + 1) as f64).ln() - (k as f64).ln();
        }
        if k >= least {
            sum += (ln_choose + k as f64 * p.ln() + (all - k) as f64 * (-p).ln_1p()).exp();
        }
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By scipy 1.17: `binomtest(k, n).proportion_ci(0.95, "exact")`.
    #[test]
    fn intervals_are_those_of_scipy() {
        for (seen, all, low, high) in PROPORTIONS {
            let (l, h) = interval(seen, all, 0.95);
            assert!((l - low).abs() < 1e-9 && (h - high).abs() < 1e-9, "{seen}/{all}: {l} {h}");
        }
        assert_eq!(interval(0, 0, 0.95), (0.0, 1.0));
    }

    const PROPORTIONS: [(u64, u64, f64, f64); 6] = [
        (0, 10, 0.0, 0.30849710781876294),
        (9, 10, 0.5549838829718047, 0.9974714214555375),
        (10, 10, 0.6915028921812371, 1.0),
        (1, 73, 0.0003467591524173196, 0.07397632317834403),
        (0, 73, 0.0, 0.04927706089586603),
        (37, 200, 0.13372866018013796, 0.24586346244867838),
    ];

    proptest! {
        #[test]
        fn the_share_is_within_and_complements_mirror(all in 1_u64..80, seen in 0_u64..80) {
            let seen = seen.min(all);
            let (low, high) = interval(seen, all, 0.95);
            #[allow(clippy::cast_precision_loss)]
            let share = seen as f64 / all as f64;
            prop_assert!(low <= share && share <= high, "{} {} {}", low, share, high);
            let (other_low, other_high) = interval(all - seen, all, 0.95);
            prop_assert!((low + other_high - 1.0).abs() < 1e-9);
            prop_assert!((high + other_low - 1.0).abs() < 1e-9);
        }

        /// The definition: over all outcomes of a truth the interval holds it often enough.
        #[test]
        fn the_truth_is_within_as_often_as_said(all in 1_u64..25, p in 0.001..0.999_f64) {
            let holds = |seen: &u64| {
                let (low, high) = interval(*seen, all, 0.95);
                low <= p && p <= high
            };
            let of = |seen: u64| as_many(all, seen, p) - if seen < all { as_many(all, seen + 1, p) } else { 0.0 };
            let often: f64 = (0..=all).filter(holds).map(of).sum();
            prop_assert!(often >= 0.95 - 1e-9, "{}", often);
        }
    }
}
