//! What is known of a lab while no command of it runs: `lab.json` in its folder.
//!
//! It names no process. Which of them are the lab's is asked from the system each time
//! ([`crate::lab::processes::scan`]), so that a crash leaves nothing unknown, and no number of a
//! process that ended long ago is believed.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::lab::error::{LabError, io};
use crate::lab::files::os_user::OsUser;
use crate::lab::ports::Ports;
use crate::lab::spec::{LabSpec, Profile, Timing};

const FORMAT: u32 = 1;

/// What is known of a lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::lab) struct LabState {
    format: u32,
    pub(in crate::lab) profile: Profile,
    pub(in crate::lab) synchronous: bool,
    /// Labs of the first versions have none.
    #[serde(default)]
    pub(in crate::lab) tls: bool,
    pub(in crate::lab) timing: Timing,
    pub(in crate::lab) ports: Ports,
    /// The user that its members run as, where that is not the user of pgchaos.
    #[serde(rename = "account")]
    pub(in crate::lab) os_user: Option<OsUser>,
    /// Its removal has begun: what is left of its data is of no use.
    #[serde(default)]
    pub(in crate::lab) is_removed_in_part: bool,
    /// It has worked once. Before that nothing in it is worth keeping.
    pub(in crate::lab) is_complete: bool,
}

impl LabState {
    pub(in crate::lab) fn new(spec: &LabSpec, timing: Timing, os_user: Option<OsUser>) -> Self {
        Self {
            format: FORMAT,
            profile: spec.profile,
            synchronous: spec.synchronous,
            tls: spec.tls,
            timing,
            ports: spec.ports(),
            os_user,
            is_removed_in_part: false,
            is_complete: false,
        }
    }

    /// The same, when its removal begins.
    pub(in crate::lab) fn removed_in_part(self) -> Self {
        Self { is_complete: false, is_removed_in_part: true, ..self }
    }

    /// What the file says; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read, or another version of pgchaos wrote it.
    pub(in crate::lab) fn read(path: &Path) -> Result<Option<Self>, LabError> {
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
    pub(in crate::lab) fn write(&self, path: &Path) -> Result<(), LabError> {
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
    use super::*;
    use crate::lab::spec::PatroniVersion;

    fn state() -> LabState {
        let timing = Timing::of(Profile::Quick, &PatroniVersion("3.0.2".to_owned()));
        LabState::new(&LabSpec::new("a", Profile::Quick), timing, None)
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lab.json");
        assert_eq!(LabState::read(&path).unwrap(), None);
        state().write(&path).unwrap();
        assert_eq!(LabState::read(&path).unwrap(), Some(state()));
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
            let error = LabState::read(&path).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
