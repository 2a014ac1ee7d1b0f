//! The hint that is told again, ever more rarely, while no server is there.

use std::time::Duration;

use crate::model::fault::Class;

/// After so long it is told for the first time, and then each time after twice as long.
const FIRST: Duration = Duration::from_secs(30);

/// A hint, and when it is told next.
#[derive(Debug)]
pub struct WaitingHint {
    hint: Option<String>,
    next: Duration,
}

impl WaitingHint {
    /// Says this where no server is there for long, if anything.
    #[must_use]
    pub fn new(hint: Option<String>) -> Self {
        Self { hint, next: FIRST }
    }

    /// An attempt failed. Where anything answered the way is right: a hint to another would lead away.
    pub fn failed(&mut self, class: Class) {
        let is_silent =
            matches!(class, Class::Refused | Class::Unreachable | Class::Resolve | Class::Timeout);
        if !is_silent {
            self.hint = None;
        }
    }

    /// What is to be told now, so long after the start; often nothing.
    pub fn due(&mut self, since_start: Duration) -> Option<String> {
        let hint = self.hint.as_ref()?;
        let mut reached = None;
        // Of several that passed meanwhile one is told.
        while self.next <= since_start {
            reached = Some(self.next.as_secs());
            self.next = self.next.saturating_mul(2);
        }
        let waited = match reached? {
            seconds @ ..60 => format!("{seconds} s"),
            seconds => format!("{} min", seconds / 60),
        };
        Some(format!("no server for {waited} now: {hint}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(hint: &mut WaitingHint, seconds: &[u64]) -> Vec<Option<String>> {
        seconds.iter().map(|seconds| hint.due(Duration::from_secs(*seconds))).collect()
    }

    #[test]
    fn a_hint_is_told_again_after_ever_longer() {
        let mut hint = WaitingHint::new(Some("try -p".to_owned()));
        let said = |waited: &str| Some(format!("no server for {waited} now: try -p"));
        assert_eq!(
            told(&mut hint, &[0, 29, 30, 31, 59, 61, 62, 119, 123, 300, 481]),
            [
                None,
                None,
                said("30 s"),
                None,
                None,
                said("1 min"),
                None,
                None,
                said("2 min"),
                said("4 min"),
                said("8 min")
            ]
        );
        assert_eq!(told(&mut hint, &[100_000, 100_001]), [said("1024 min"), None]);
        assert_eq!(WaitingHint::new(None).due(FIRST), None);
    }

    #[test]
    fn where_anything_answers_there_is_no_hint_to_another_place() {
        for (class, is_told) in [
            (Class::Refused, true),
            (Class::Resolve, true),
            (Class::Unreachable, true),
            (Class::Timeout, true),
            (Class::NoBackend, false),
            (Class::Starting, false),
            (Class::ReadOnly, false),
        ] {
            let mut hint = WaitingHint::new(Some("try -p".to_owned()));
            hint.failed(class);
            assert_eq!(hint.due(FIRST).is_some(), is_told, "{class:?}");
        }
    }
}
