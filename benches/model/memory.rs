//! How much memory a value takes, by what the process takes more when it has many of them.

use std::fs;
use std::hint::black_box;

/// Enough that the pages of the copies are far more than those of anything else.
const COPIES: usize = 1_000;
/// Linux's own, on every machine that this is run on so far; `getconf PAGESIZE` tells.
const PAGE_BYTES: usize = 4_096;

/// Prints it, to the standard error as criterion's results go to the other.
pub(crate) fn tell<T: Clone>(what: &str, value: &T) {
    let Some(before) = resident_bytes() else {
        return eprintln!("{what}: not measured, there is no /proc/self/statm here");
    };
    let copies: Vec<T> = (0..COPIES).map(|_| value.clone()).collect();
    let more = resident_bytes().unwrap_or(before).saturating_sub(before);
    black_box(&copies);
    eprintln!("{what}: {} bytes of memory (one of {COPIES} copies)", more / COPIES);
}

fn resident_bytes() -> Option<usize> {
    let sizes = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = sizes.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}
