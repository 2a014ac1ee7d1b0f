//! How exact a length is that pgchaos says.

use serde_json::Value;

use crate::harness::exact_or_again;

/// What a length may be off where nothing else runs: a write's period, and an answer's way.
const EXACT_S: f64 = 0.1;

/// What is said is as long as the truth, or the case is told again: a client, a server or a proxy that got no processor
/// just then is late with its part.
pub(super) fn assert_exact(said_s: f64, true_s: f64, outage: &Value) {
    assert_exact_within(0.0, said_s, true_s, outage);
}

/// The same where the truth itself is known only within so many seconds.
pub(super) fn assert_exact_within(more_s: f64, said_s: f64, true_s: f64, outage: &Value) {
    exact_or_again((said_s - true_s).abs() <= EXACT_S + more_s, || {
        format!("{said_s:.3} s said, {true_s:.3} s by the rows: {outage}")
    });
}
