//! What is known of a lab while no command of it runs: `lab.json` in its folder.
//!
//! It names no process. Which of them are the lab's is asked from the system each time
//! ([`super::processes`]), so that a crash leaves nothing unknown, and no number of a process that
//! ended long ago is believed.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::error::{LabError, io};
use super::ports::Ports;
use super::spec::{Profile, Timing};

const FORMAT: u32 = 1;

/// What is known of a lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    format: u32,
    pub(super) profile: Profile,
    pub(super) synchronous: bool,
    pub(super) timing: Timing,
    pub(super) ports: Ports,
    /// Who its members run as, when that is not who started them.
    pub(super) account: Option<Account>,
    /// Its removal has begun: what is left of its data is of no use.
    #[serde(default)]
    pub(super) is_removed_in_part: bool,
    /// It has worked once. Before that nothing in it is worth keeping.
    pub(super) is_complete: bool,
}

impl State {
    pub(super) fn new(
        (profile, synchronous): (Profile, bool),
        timing: Timing,
        ports: Ports,
        account: Option<Account>,
    ) -> Self {
        Self {
            format: FORMAT,
            profile,
            synchronous,
            timing,
            ports,
            account,
            is_removed_in_part: false,
            is_complete: false,
        }
    }

    /// The same, when its removal begins.
    pub(super) fn removed_in_part(self) -> Self {
        Self { is_complete: false, is_removed_in_part: true, ..self }
    }

    /// What the file says; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read, or another version of pgchaos wrote it.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, LabError> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io("read", path)(error)),
        };
        let unreadable = |reason: String| LabError::State { path: path.to_owned(), reason };
        let state: serde_json::Value =
            serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        if state["format"] != FORMAT {
            return Err(unreadable(format!("format {}, not {FORMAT}", state["format"])));
        }
        serde_json::from_value(state).map(Some).map_err(|error| unreadable(error.to_string()))
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, path: &Path) -> Result<(), LabError> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| LabError::State {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let new = path.with_extension("json.new");
        let mut file = fs::File::create(&new).map_err(io("made", &new))?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(io("written", &new))?;
        fs::rename(&new, path).map_err(io("written", path))
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::PatroniVersion;
    use super::*;

    fn state() -> State {
        let timing = Timing::of(Profile::Quick, &PatroniVersion("3.0.2".to_owned()));
        State::new((Profile::Quick, true), timing, Ports::new(None), None)
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lab.json");
        assert_eq!(State::read(&path).unwrap(), None);
        state().write(&path).unwrap();
        assert_eq!(State::read(&path).unwrap(), Some(state()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing beside it");
    }

    #[test]
    fn another_format_is_not_guessed_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lab.json");
        for (text, words) in
            [("{\"format\":2}", "format 2"), ("{", "EOF"), ("{\"format\":1}", "missing")]
        {
            fs::write(&path, text).unwrap();
            let error = State::read(&path).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
