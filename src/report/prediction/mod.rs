//! What settings let expect, for people and for programs.
//!
//! - [`text`]: the page of `pgchaos predict`. [`json`]: the same as JSON. [`span_words`]: a best and a worst case in words.

pub mod json;
pub mod span_words;
pub mod text;
