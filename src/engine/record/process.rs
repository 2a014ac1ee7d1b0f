//! The process that writes a record: pgchaos itself, started once more with a hidden command.
//!
//! A write to a disk that hangs cannot be interrupted, and a process with a thread in such a write
//! cannot end: not after a second Ctrl-C, not even by `kill -9`. So the file is opened, written and
//! closed by a process of its own, which alone waits for the disk. It also writes what it was told
//! before its parent was killed.
//!
//! It reads lines on standard input; an empty one asks for what came before it to be written, and
//! is answered on standard output by the line `done`, or by the reason why that failed.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::engine::record::file::{RecordFileError, RecordWriter};

/// The hidden command.
pub const COMMAND: &str = "write-record";

/// The answer when all went well.
const DONE: &str = "done";

/// The line that has the record removed: its run never began.
pub(super) const DISCARD: &[u8] = b"discard\n";

/// How many bytes are gathered before they are written without being asked for.
const AT_ONCE: usize = 1024 * 1024;

/// Starts the process. What it says first is whether the file could be made.
pub(super) fn start(path: &Path) -> io::Result<Child> {
    let arguments = [OsString::from(COMMAND), OsString::from("--"), path.as_os_str().to_owned()];
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    // A Ctrl-C in the terminal is for the run; the record is written to its end.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn()
}

/// The process's work: makes the record at `path` and writes what it reads, until there is no
/// more. Failures are answered and not returned: the parent may be gone.
pub fn write_record(path: &Path, input: impl Read, mut replies: impl Write) {
    let mut record = match RecordWriter::create(path) {
        Ok(record) => record,
        Err(error) => return reply(&mut replies, Err(error)),
    };
    reply(&mut replies, Ok(()));
    let mut input = BufReader::new(input);
    let mut written = Ok(());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        match line.as_slice() {
            b"\n" => {
                let flushed = record.flush();
                reply(&mut replies, std::mem::replace(&mut written, Ok(())).and(flushed));
            }
            DISCARD => {
                RecordWriter::discard(path);
                return reply(&mut replies, Ok(()));
            }
            // A line without its end was cut off with its sender.
            whole if whole.ends_with(b"\n") => {
                record.add_line(whole);
                if record.waiting() > AT_ONCE {
                    written = written.and(record.flush());
                }
            }
            _ => {}
        }
        line.clear();
    }
    // The lines that a killed parent had sent.
    let _ = record.flush();
}

fn reply(replies: &mut impl Write, result: Result<(), RecordFileError>) {
    let line = match result {
        Ok(()) => DONE.to_owned(),
        Err(RecordFileError::Io { error, .. }) => match error.raw_os_error() {
            Some(number) => number.to_string(),
            None => error.to_string().replace('\n', " "),
        },
        Err(other) => other.to_string().replace('\n', " "),
    };
    // The parent may be gone; ignore the error.
    let _ = writeln!(replies, "{line}").and_then(|()| replies.flush());
}

/// Waits for the next answer of the process.
pub(super) fn answer(replies: &mut impl BufRead) -> io::Result<()> {
    let mut line = String::new();
    if replies.read_line(&mut line)? == 0 {
        return Err(io::Error::other("the process that writes it has ended"));
    }
    match line.trim_end() {
        DONE => Ok(()),
        reason => Err(reason
            .parse()
            .map_or_else(|_| io::Error::other(reason.to_owned()), io::Error::from_raw_os_error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &Path, input: &str) -> String {
        let mut replies = Vec::new();
        write_record(path, input.as_bytes(), &mut replies);
        String::from_utf8(replies).unwrap()
    }

    #[test]
    fn whole_lines_are_written_also_when_their_sender_was_killed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("run.jsonl");
        assert_eq!(told(&path, "one\ntwo\n\nthree\nfou"), "done\ndone\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
    }

    #[test]
    fn a_record_is_never_overwritten_and_the_reason_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        std::fs::write(&path, "precious").unwrap();
        let replies = told(&path, "one\n\n");
        let error = answer(&mut replies.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn a_run_that_never_began_leaves_no_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        assert_eq!(told(&path, "one\n\ndiscard\n"), "done\ndone\ndone\n");
        assert!(!path.exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_disk_that_is_full_is_told_once() {
        // `/dev/full` is there already, so that it is opened as a record never is.
        let mut record = RecordWriter::open(Path::new("/dev/full")).unwrap();
        record.add_line(b"one\n");
        let error = record.flush().unwrap_err().to_string();
        assert!(error.contains("/dev/full cannot be written"), "{error}");
        record.add_line(b"two\n");
        assert!(record.flush().is_ok() && record.waiting() == 0);
    }
}
