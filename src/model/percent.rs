//! Shares in percent, for people: cut and never rounded up, so that what is not all is never 100 %.

/// From here on the digits behind the point are what one reads.
const NEARLY_ALL: f64 = 99.0;

/// A share with as many digits as tell something: `63.2 %`, `99.983 %`, `100 %`.
#[must_use]
pub fn percent(percent: f64) -> String {
    cut(percent, if percent < NEARLY_ALL { 1 } else { 3 })
}

/// A share beside the least that is asked for, with as many digits as show on which side it is.
#[must_use]
pub fn beside(percent: f64, least: f64) -> String {
    let is_below = percent < least;
    let shows = |text: &str| {
        let shown: Option<f64> = text.trim_end_matches(" %").parse().ok();
        shown.is_some_and(|shown| (shown < least) == is_below)
    };
    let first = self::percent(percent);
    let more = (1..=12).map(|digits| cut(percent, digits));
    std::iter::once(first.clone()).chain(more).find(|text| shows(text)).unwrap_or(first)
}

fn cut(percent: f64, digits: i32) -> String {
    let scale = 10_f64.powi(digits);
    // The small addend makes up for what binary fractions lack: 63.2 * 1000 is 63199.99….
    let cut = (percent * scale + 1e-6).floor() / scale;
    format!("{cut} %")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_share_has_the_digits_that_tell_something() {
        assert_eq!(
            [0.0, 55.111, 63.2, 98.99, 99.983, 99.999_96, 100.0].map(percent),
            ["0 %", "55.1 %", "63.2 %", "98.9 %", "99.983 %", "99.999 %", "100 %"]
        );
        assert_eq!(beside(95.06, 95.05), "95.06 %");
        assert_eq!(beside(94.999_99, 95.0), "94.9 %");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_on_the_same_side_of_the_limit(
            share in 0..=1_000_000u32, least in 0..=1_000_000u32,
        ) {
            let (share, least) = (f64::from(share) / 1e4, f64::from(least) / 1e4);
            let shown: f64 = beside(share, least).trim_end_matches(" %").parse().unwrap();
            prop_assert_eq!(shown < least, share < least);
            prop_assert!(shown <= share + 1e-6);
        }
    }
}
