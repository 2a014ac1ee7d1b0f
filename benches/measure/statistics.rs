//! Medians and the like, of few numbers.

/// The middle one, or the mean of the two in the middle.
#[track_caller]
pub(crate) fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) }
}

/// The smallest value that at least this share of all does not exceed: as histograms count it.
#[track_caller]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a rank is between 1 and the count"
)]
pub(crate) fn quantile(values: &[f64], quantile: f64) -> f64 {
    let sorted = sorted(values);
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// The one that is furthest from zero, with its sign.
pub(crate) fn worst(values: &[f64]) -> f64 {
    values.iter().copied().fold(
        0.0,
        |worst: f64, value| {
            if value.abs() > worst.abs() { value } else { worst }
        },
    )
}

/// What each is, without its sign.
pub(crate) fn sizes(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| value.abs()).collect()
}

#[track_caller]
fn sorted(values: &[f64]) -> Vec<f64> {
    assert!(!values.is_empty(), "of nothing");
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}
