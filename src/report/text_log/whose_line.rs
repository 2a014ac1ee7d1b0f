//! The owners of an outage's seconds: one line an outage.

use crate::model::outage::whose::{PartName, WhoseSeconds};
use crate::report::layout::{Line, Tone};
use crate::report::numbers::duration;
use crate::report::whose_words;

/// The parts of an outage in their order, the longest with what was expected of it, and the change that would save most.
pub(super) fn whose(whose: &WhoseSeconds) -> Line {
    let lengths = || whose.parts.iter().map(|part| part.lasted);
    let mut parts = whose_words::parts(whose, lengths().max().unwrap_or_default());
    let first = parts.next().unwrap_or_default();
    let line = Line::new(Tone::Plain, "WHOSE SECONDS");
    let line = line.rest(format!(": {} = {first}", duration(lengths().sum())));
    let unseen = whose.parts.iter().all(|part| part.part == PartName::Unsplit);
    let watchers = unseen.then(|| "--patroni, --haproxy and --members would split it".to_owned());
    let line = parts.fold(line, Line::part).part_if(watchers);
    line.part_if(whose.shorter.first().map(whose_words::shorter))
}
