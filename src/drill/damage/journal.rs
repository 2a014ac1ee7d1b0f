//! The damage of a drill, on disk: after pgchaos itself was killed, the next drill mends it.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Damage;

/// The format of the file.
const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct JournalLine {
    format: u32,
    #[serde(flatten)]
    damage: Damage,
}

/// The journal of the drills on one cluster. It is locked: one drill at a time has it.
#[derive(Debug)]
pub struct DamageJournal {
    path: PathBuf,
    file: File,
    /// What is broken.
    pub damage: Damage,
}

/// Why there is no journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another drill runs on this cluster.
    #[error("another drill runs on this cluster (it holds {})", .0.display())]
    Busy(PathBuf),
    /// The file could not be used.
    #[error("the drill's journal {} cannot be kept: {error}", path.display())]
    Io {
        /// Where it is.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file says something that this version does not understand.
    #[error(
        "the journal {} of an earlier drill cannot be read ({why}): look at it, mend what it \
         names, and remove it",
        path.display()
    )]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl DamageJournal {
    /// Opens the journal `name` in `folder`, with what an earlier drill left in it.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(folder: &Path, name: &str) -> Result<Self, JournalError> {
        let path = folder.join(format!("{name}.json"));
        let io = |error| JournalError::Io { path: path.clone(), error };
        fs::create_dir_all(folder).map_err(io)?;
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(JournalError::Busy(path)),
            Err(fs::TryLockError::Error(error)) => return Err(io(error)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(io)?;
        // A line that was cut off was never acted on.
        text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
        file.set_len(text.len() as u64).map_err(io)?;
        let damage = text
            .lines()
            .next_back()
            .map_or(Ok(Damage::default()), read)
            .map_err(|why| JournalError::Unreadable { path: path.clone(), why })?;
        Ok(Self { path, file, damage })
    }

    /// Writes down what is broken now: a line a change, so that one that is cut off takes nothing
    /// with it.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn keep(&mut self) -> Result<(), JournalError> {
        let line = JournalLine { format: FORMAT, damage: self.damage.clone() };
        let written =
            serde_json::to_string(&line).map_err(std::io::Error::other).and_then(|line| {
                self.file.seek(std::io::SeekFrom::End(0))?;
                self.file.write_all(format!("{line}\n").as_bytes())?;
                self.file.sync_data()
            });
        written.map_err(|error| JournalError::Io { path: self.path.clone(), error })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the journal of a drill that is over. The file stays while it names damage.
    pub fn close(self) {
        if self.damage.undo.is_empty() {
            // Should the file stay, it says that nothing is broken.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The last line holds: it names all damage.
fn read(line: &str) -> Result<Damage, String> {
    let line: JournalLine = serde_json::from_str(line).map_err(|error| error.to_string())?;
    match line.format {
        FORMAT => Ok(line.damage),
        other => Err(format!("it is of format {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::scenario::step::Action;

    #[test]
    fn what_was_broken_is_found_by_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = DamageJournal::open(folder.path(), "lab-a").unwrap();
        assert!(matches!(DamageJournal::open(folder.path(), "lab-a"), Err(JournalError::Busy(_))));
        journal.damage.before(Action::Kill, "patroni1", "leader");
        journal.keep().unwrap();
        let damage = journal.damage.clone();
        // As a kill -9 leaves it, in the middle of a line.
        journal.file.write_all(b"{\"form").unwrap();
        drop(journal);

        let mut journal = DamageJournal::open(folder.path(), "lab-a").unwrap();
        assert_eq!(journal.damage, damage);
        journal.damage.after(Action::Start, "patroni1");
        journal.close();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
