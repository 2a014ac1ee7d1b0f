//! What a drill does, in the log of the load that it is done to.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::outage::injection::Injected;
use crate::report::layout::{Line, Tone};
use crate::report::numbers::duration;

/// An action that takes longer is told with its time.
const NOTABLY: Duration = Duration::from_secs(1);

/// Actions that mend are no alarm.
const MENDING: [&str; 4] = ["start", "resume", "heal", "exec"];

/// Actions of which the end is waited for, at most: a drill waits for each.
const OPEN_MAX: usize = 64;

/// What is done and not over yet: other lines may come between its beginning and its end.
#[derive(Debug, Default)]
pub(super) struct OpenActions {
    by_step: BTreeMap<u32, String>,
}

impl OpenActions {
    /// Something is done to the cluster.
    pub(super) fn begins(&mut self, injected: &Injected) -> Line {
        let words = format!("{} {}", injected.action, injected.target_words());
        self.by_step.insert(injected.step, words);
        if self.by_step.len() > OPEN_MAX {
            self.by_step.pop_first();
        }
        begun(injected)
    }

    /// It is done: what took so long, where it did.
    pub(super) fn ended(&mut self, step: u32, took: Duration) -> Option<Line> {
        let what = self.by_step.remove(&step).unwrap_or_else(|| format!("step {step}"));
        let words = format!("{what} took {}", duration(took));
        (took >= NOTABLY).then(|| Line::new(Tone::Plain, "").rest(words))
    }
}

/// A loud line, unless it mends.
fn begun(injected: &Injected) -> Line {
    let tone = if MENDING.contains(&&*injected.action) { Tone::Wary } else { Tone::Loud };
    let action = injected.action.to_uppercase();
    Line::new(tone, format!(">>> {action}")).rest(format!(" {}", injected.target_words()))
}

/// What the drill says.
pub(super) fn said(message: &str) -> Line {
    Line::new(Tone::Plain, "").rest(format!("drill: {message}"))
}
