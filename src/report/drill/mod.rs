//! Drills in words: what one will do, what it came to, and the reports of them.

mod files;
mod plan;
mod result;
mod table;

pub use files::{DrillFormat, UnknownDrillFormat};
pub use plan::plan;
pub use result::result;
pub use table::table;
