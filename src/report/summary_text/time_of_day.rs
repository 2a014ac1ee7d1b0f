//! Times as the reader's clock has them.

use chrono::{DateTime, FixedOffset, Utc};

/// A time of day, with its date unless the run began on it.
pub(super) fn time(at: DateTime<Utc>, started_at: DateTime<Utc>, offset: FixedOffset) -> String {
    let (at, started_at) = (at.with_timezone(&offset), started_at.with_timezone(&offset));
    let same_day = at.date_naive() == started_at.date_naive();
    at.format(if same_day { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" }).to_string()
}
