//! Several tests at once: Holm's step-down procedure, whatever the tests have to do with each other.

/// Each probability corrected for the number of them, so that a claim wherever one is at most α is
/// false in at most α of the cases in which all is equal.
#[must_use]
pub fn corrected(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|one, other| probabilities[*one].total_cmp(&probabilities[*other]));
    let mut corrected = vec![1.0; probabilities.len()];
    let mut highest: f64 = 0.0;
    for (rank, at) in order.into_iter().enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "a few tests")]
        let left = (probabilities.len() - rank) as f64;
        highest = highest.max((probabilities[at] * left).min(1.0));
        corrected[at] = highest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// R 4: `p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")`, also in Holm's paper of 1979 by its rule.
    #[test]
    fn probabilities_are_corrected_as_r_does() {
        let corrected = corrected(&[0.01, 0.04, 0.03, 0.005]);
        let expected = [0.03, 0.06, 0.06, 0.02];
        for (one, other) in corrected.iter().zip(expected) {
            assert!((one - other).abs() < 1e-12, "{corrected:?}");
        }
    }

    proptest! {
        #[test]
        fn a_correction_never_helps_and_keeps_the_order(
            all in prop::collection::vec(0.0..=1.0_f64, 0..8),
        ) {
            let corrected = corrected(&all);
            for (at, one) in all.iter().enumerate() {
                prop_assert!(corrected[at] >= *one && corrected[at] <= 1.0);
                for (other_at, other) in all.iter().enumerate() {
                    prop_assert!(one > other || corrected[at] <= corrected[other_at]);
                }
            }
        }
    }
}
