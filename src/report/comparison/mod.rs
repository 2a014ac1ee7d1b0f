//! Several runs side by side, and two sets of them against each other, in every format.
//!
//! - [`values`]: numbers with their units; [`words`]: measures, differences and the sentence at the top;
//!   [`cells`]: what tables show.
//! - [`losses`]: what is said before that where writes were lost.
//! - [`text`], [`comparison_markdown`], [`comparison_csv`]: for people, for a ticket, a row a run for
//!   a spreadsheet. The page is [`html`](crate::report::html)'s.

pub mod cells;
pub mod comparison_csv;
pub mod comparison_markdown;
pub mod losses;
pub mod text;
pub mod values;
pub mod words;
