//! The owners of an outage's seconds: one line an outage.

use crate::model::outage::whose::WhoseSeconds;
use crate::report::layout::{Line, Tone};
use crate::report::numbers::duration;
use crate::report::whose_words;

/// The parts of an outage in their order.
pub(super) fn whose(whose: &WhoseSeconds) -> Line {
    let length = whose.parts.iter().map(|part| part.lasted).sum();
    let mut parts = whose_words::parts(whose);
    let first = parts.next().unwrap_or_default();
    parts.fold(
        Line::new(Tone::Plain, "WHOSE SECONDS")
            .rest(format!(": {} =", duration(length)))
            .rest(format!(" {first}")),
        Line::part,
    )
}
