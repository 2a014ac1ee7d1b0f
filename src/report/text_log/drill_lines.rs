//! What a drill does, in the log of the load that it is done to.

use std::time::Duration;

use crate::model::outage::injection::Injected;
use crate::report::layout::{Line, Tone};
use crate::report::numbers::duration;

/// An action that takes longer is told with its time.
const NOTABLY: Duration = Duration::from_secs(1);

/// Actions that mend are no alarm.
const MENDING: [&str; 4] = ["start", "resume", "heal", "exec"];

/// Something is done to the cluster: a loud line, unless it mends.
pub(super) fn injected(injected: &Injected) -> Line {
    let tone = if MENDING.contains(&&*injected.action) { Tone::Wary } else { Tone::Loud };
    let action = injected.action.to_uppercase();
    Line::new(tone, format!(">>> {action}")).rest(format!(" {}", injected.target_words()))
}

/// It is done.
pub(super) fn ended(took: Duration) -> Option<Line> {
    (took >= NOTABLY)
        .then(|| Line::new(Tone::Plain, "").rest(format!("that took {}", duration(took))))
}

/// What the drill says.
pub(super) fn said(message: &str) -> Line {
    Line::new(Tone::Plain, "").rest(format!("drill: {message}"))
}
