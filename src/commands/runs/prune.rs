//! `pgchaos runs prune`: removes old records.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::super::output::print;
use super::super::problem::Problem;
use super::super::terminal::{Terminal, local_offset};
use super::overviews::{ids, overviews, short_id, why};
use crate::cli::exit::Exit;
use crate::cli::runs_args::PruneArgs;
use crate::engine::record::file::RecordFileError;
use crate::engine::record::overview::Overview;
use crate::engine::record::removal::{may_be_removed, remove};
use crate::model::event::Header;
use crate::model::foreign::{plain, shortened};
use crate::model::load::target::PLACES_CHARS_MAX;
use crate::report::layout::fitted;
use crate::report::numbers::counted;
use crate::report::runs::table::{minute, size};

/// Removes them, and says what it removed, and what it left and why.
pub(super) fn run(args: &PruneArgs) -> Result<Exit, Problem> {
    let (folder, overviews) = overviews()?;
    let ids = ids(&overviews);
    let (mut text, mut removed, mut bytes, mut kept) = (String::new(), 0, 0, 0);
    let mut failed = false;
    let mut newer = 0;
    let done = if args.dry_run { "would remove" } else { "removed" };
    for one in &overviews {
        let header = match &one.header {
            Ok(header) => header,
            Err(error) => {
                let _ = writeln!(text, "left {}", why(&one.path, error));
                continue;
            }
        };
        let is_old = is_old(args, header, newer, Utc::now());
        newer += 1;
        if !is_old {
            kept += 1;
            continue;
        }
        let tried = match args.dry_run {
            true => may_be_removed(&one.path, header.run_id),
            false => remove(&one.path, header.run_id),
        };
        match tried {
            Ok(()) => {
                removed += 1;
                bytes += one.bytes;
                let _ =
                    writeln!(text, "{done} {}", named(one, header, &short_id(header.run_id, &ids)));
            }
            Err(error) => {
                failed |= is_failure(&error);
                let _ = writeln!(text, "left {}", why(&one.path, &error));
            }
        }
    }
    let all = counted(removed, "record");
    let _ = match args.dry_run {
        true => write!(text, "{all} would be removed, {}", size(bytes)),
        false => write!(text, "{all} removed, {}", size(bytes)),
    };
    let _ = writeln!(text, "; {kept} kept in {}", plain(&folder.to_string_lossy()));
    print(&fitted(&text, Terminal::stdout().width))?;
    Ok(if failed { Exit::CouldNotRun } else { Exit::Pass })
}

/// Whether a record is to be removed, before which so many newer ones stand.
fn is_old(args: &PruneArgs, header: &Header, newer: usize, now: DateTime<Utc>) -> bool {
    let is_beyond = args.keep.is_some_and(|keep| newer >= keep);
    let is_older = args.older_than.is_some_and(|age| {
        let since = now.signed_duration_since(header.started_at);
        // A run of the future is younger than anything.
        since.to_std().is_ok_and(|since| since > age)
    });
    is_beyond || is_older
}

fn named(one: &Overview, header: &Header, id: &str) -> String {
    let of = header.part_of.as_ref().map(|of| format!(" · {of}")).unwrap_or_default();
    plain(&format!(
        "{id} · {} · {}{} · {}: {}",
        minute(header.started_at, local_offset()),
        shortened(&header.target.endpoints, PLACES_CHARS_MAX),
        shortened(&of, PLACES_CHARS_MAX),
        size(one.bytes),
        one.path.display()
    ))
}

/// Whether the file system refused, and not pgchaos.
fn is_failure(error: &RecordFileError) -> bool {
    matches!(error, RecordFileError::Io { error, .. } if error.raw_os_error().is_some())
}
