//! What few runs can tell: exact tests and intervals for small samples.
//!
//! Nothing here assumes a distribution of lengths, rates or latencies. A value that was not seen
//! whole comes in as [`Bounds`], and what is said holds wherever between them the truth is.
//!
//! - [`rank_sum`]: whether one set of values is lower than another, and by how much (Mann and
//!   Whitney's test, Hodges and Lehmann's shift with its interval).
//! - [`proportion`]: a share of few runs, with Clopper and Pearson's interval.
//! - [`holm`]: several tests at once.
//!
//! Own code, as no crate was found that has them: statrs tests ranks without ties alone, gives no
//! interval of a shift, and brings nalgebra into the lock file.

pub mod holm;
pub mod proportion;
pub mod rank_sum;

/// A value as it was measured, and between which bounds the truth lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// As it was measured; `None` where nothing was.
    pub measured: Option<f64>,
    /// Finite.
    pub at_least: f64,
    /// May be infinite.
    pub at_most: f64,
}

impl Bounds {
    /// A value that was seen whole.
    #[must_use]
    pub fn exactly(value: f64) -> Self {
        Self { measured: Some(value), at_least: value, at_most: value }
    }
}

/// The median of some values: of an even number the middle between the two in the middle. `None` of
/// none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let low = *values.get(values.len().checked_sub(1)? / 2)?;
    let high = *values.get(values.len() / 2)?;
    // The middle of two infinities is one of them, not their difference.
    Some(if low.total_cmp(&high).is_eq() { low } else { f64::midpoint(low, high) })
}
