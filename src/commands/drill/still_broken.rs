//! The words for damage that could not be mended.

use crate::drill::damage::healing::NotHealed;

/// Says loudly what is still broken, and what to type.
pub(super) fn still_broken(not_healed: &NotHealed) -> String {
    format!("pgchaos: STILL BROKEN: {}\n  by hand: {}", not_healed.what, not_healed.by_hand)
}
