//! Drills by name, or by file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::super::problem::Problem;
use crate::drill::builtin;
use crate::model::scenario::error::ScenarioError;
use crate::model::scenario::{Scenario, instead};

/// The ending of a scenario's file.
const ENDING: &str = "toml";

/// More than this is no scenario.
const BYTES_MAX: u64 = 1024 * 1024;

/// The drill of this name, or in this file.
pub(super) fn find(said: &str) -> Result<Scenario, Problem> {
    if let Some((name, text)) = builtin::ALL.iter().find(|(name, _)| *name == said) {
        return Scenario::read(name, &format!("built-in {name}"), text)
            .map_err(|error| wrong(&error));
    }
    let path = Path::new(said);
    let is_path = path.extension().is_some_and(|ending| ending == ENDING) || path.exists();
    if !is_path {
        let names = builtin::ALL.iter().map(|(name, _)| *name);
        return Err(Problem::usage(format!(
            "no drill is called {said:?}; {}",
            instead(said, names)
        ))
        .try_this("pgchaos drill list; or name a file that ends with .toml"));
    }
    let unread = |why: String| Problem::usage(format!("the drill {said} cannot be read: {why}"));
    if path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        return Err(unread("it is not a plain file".to_owned()));
    }
    let text = File::open(path).and_then(begin_of).map_err(|error| unread(error.to_string()))?;
    if text.len() as u64 > BYTES_MAX {
        return Err(unread(format!("it has more than {BYTES_MAX} bytes, which no drill needs")));
    }
    let name = path.file_stem().map_or(said.into(), |name| name.to_string_lossy());
    Scenario::read(&name, said, &text).map_err(|error| wrong(&error))
}

/// All of it, or more than any scenario has: not every file has a size, or an end.
fn begin_of(file: File) -> std::io::Result<String> {
    let mut text = String::new();
    file.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// A mistake in a drill's file.
pub(super) fn wrong(error: &ScenarioError) -> Problem {
    Problem::usage(error.to_string())
}
