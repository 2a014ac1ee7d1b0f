//! The time of a step, and where its actions go.

use std::time::Duration;

use super::action::WriterAction;

/// The time of a step, and where its actions go.
#[derive(Debug)]
pub(super) struct StepContext<'a> {
    pub(super) now: Duration,
    actions: &'a mut Vec<WriterAction>,
}

impl<'a> StepContext<'a> {
    pub(super) fn new(now: Duration, actions: &'a mut Vec<WriterAction>) -> Self {
        Self { now, actions }
    }

    /// The next action.
    pub(super) fn does(&mut self, action: WriterAction) {
        self.actions.push(action);
    }
}
