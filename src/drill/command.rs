//! Running a command to its end, within a deadline, with all that belongs to it.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::model::foreign;
use crate::model::scenario::command_line::CommandLine;

/// The deadline of a command of the scenario's that breaks or mends: a cloud's take minutes.
pub const HOOK_DEADLINE: Duration = Duration::from_secs(600);

/// How much of a command's output is kept.
const OUTPUT_BYTES_MAX: u64 = 64 * 1024;

/// How long output is waited for when the command has ended: a server that it started holds its
/// pipes open.
const OUTPUT_GRACE: Duration = Duration::from_millis(300);

/// Variables for a command.
pub type Variables = Vec<(String, String)>;

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// It could not be started.
    #[error("{0} cannot be run: {1}")]
    NotStarted(String, String),
    /// It ended with another status than 0.
    #[error("{command} ended with {status}{}", said(.output))]
    Failed {
        /// The command.
        command: String,
        /// `exit status: 1`.
        status: String,
        /// What it printed on standard error, else on standard output.
        output: String,
    },
    /// It was killed at its deadline.
    #[error("{command} did not end within {} s and was killed", within.as_secs_f64())]
    TimedOut {
        /// The command.
        command: String,
        /// Its deadline.
        within: Duration,
    },
}

fn said(output: &str) -> String {
    // The last lines say why.
    let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(6)..];
    let last: Vec<String> = last.iter().map(|line| foreign::said(line)).collect();
    if last.is_empty() { String::new() } else { format!(":\n  {}", last.join("\n  ")) }
}

/// Runs a command as it stands in a scenario; returns what it printed on standard output, trimmed.
///
/// # Errors
/// [`CommandError`].
pub async fn run_line(
    line: &CommandLine,
    variables: &Variables,
    within: Duration,
) -> Result<String, CommandError> {
    let mut command = match line {
        CommandLine::Shell(text) => {
            let mut command = Command::new("sh");
            command.args(["-c", text]);
            command
        }
        CommandLine::Program(words) => {
            let mut command = Command::new(words.first().map_or("", String::as_str));
            command.args(words.iter().skip(1));
            command
        }
    };
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    run(command, &line.to_string(), within).await
}

/// Runs a program with arguments.
///
/// # Errors
/// [`CommandError`].
pub async fn run_program(words: &[&str], within: Duration) -> Result<String, CommandError> {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    run_line(&CommandLine::Program(words), &Variables::new(), within).await
}

/// Runs a program that is too long to be shown as it is: `shown` says what it does.
///
/// # Errors
/// [`CommandError`].
pub async fn run_shown(
    words: &[&str],
    shown: &str,
    within: Duration,
) -> Result<String, CommandError> {
    let mut command = Command::new(words.first().copied().unwrap_or_default());
    command.args(words.iter().skip(1));
    run(command, shown, within).await
}

async fn run(mut command: Command, shown: &str, within: Duration) -> Result<String, CommandError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // A group of its own: a Ctrl-C is for pgchaos, and a deadline is for all that it started.
    #[cfg(unix)]
    command.process_group(0);
    let not_started =
        |error: std::io::Error| CommandError::NotStarted(shown.to_owned(), error.to_string());
    let mut group = ProcessGroup(command.spawn().map_err(not_started)?);
    let child = &mut group.0;
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let Ok(ended) = timeout(within, child.wait()).await else {
        return Err(CommandError::TimedOut { command: shown.to_owned(), within });
    };
    let status = ended.map_err(not_started)?;
    let (stdout, stderr) = (finish(stdout).await, finish(stderr).await);
    if status.success() {
        return Ok(stdout.trim().to_owned());
    }
    let output = if stderr.trim().is_empty() { stdout } else { stderr };
    Err(CommandError::Failed { command: shown.to_owned(), status: status.to_string(), output })
}

/// Collects output. It reads on after the limit too, so that the command can write on.
fn collect<R: AsyncRead + Unpin + Send + 'static>(
    pipe: Option<R>,
) -> (JoinHandle<()>, std::sync::Arc<std::sync::Mutex<Vec<u8>>>) {
    let kept = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let keep = std::sync::Arc::clone(&kept);
    let reading = tokio::spawn(async move {
        let Some(mut pipe) = pipe else { return };
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut chunk).await {
            let mut kept = keep.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if (kept.len() as u64) < OUTPUT_BYTES_MAX {
                kept.extend_from_slice(&chunk[..count]);
            }
        }
    });
    (reading, kept)
}

async fn finish(
    (reading, kept): (JoinHandle<()>, std::sync::Arc<std::sync::Mutex<Vec<u8>>>),
) -> String {
    let stop = reading.abort_handle();
    // A server that the command started may still hold the pipe, and goes on without a reader.
    if timeout(OUTPUT_GRACE, reading).await.is_err() {
        stop.abort();
    }
    let kept = kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    String::from_utf8_lossy(&kept).into_owned()
}

/// A command with all that it started. When it is given up, at its deadline or by a Ctrl-C, all of
/// it is killed, so that it does not break what is being mended. After a command that has ended, a
/// server that it started runs on.
struct ProcessGroup(Child);

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        kill_all(&mut self.0);
    }
}

/// The command and whatever it started in its group, unless it has ended.
fn kill_all(child: &mut Child) {
    #[cfg(target_os = "linux")]
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok())
        && let Some(group) = rustix::process::Pid::from_raw(pid)
    {
        // Not waited for yet, so that the id is still its own.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.start_kill();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str) -> CommandLine {
        CommandLine::Shell(line.to_owned())
    }

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn what_a_command_prints_comes_back() {
        let variables = vec![("NAME".to_owned(), "pg1".to_owned())];
        let printed = run_line(&shell("echo $NAME; echo noise >&2"), &variables, LONG).await;
        assert_eq!(printed, Ok("pg1".to_owned()));
    }

    #[tokio::test]
    async fn a_command_that_fails_says_why() {
        let error = run_line(&shell("echo no such host >&2; exit 3"), &vec![], LONG).await;
        let words = error.unwrap_err().to_string();
        assert_eq!(
            words,
            "echo no such host >&2; exit 3 ended with exit status: 3:\n  no such host"
        );
        let error = run_program(&["/no/such/program"], LONG).await.unwrap_err().to_string();
        assert!(error.starts_with("/no/such/program cannot be run: "), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_holds_the_pipe_does_not_hold_the_drill() {
        let began = std::time::Instant::now();
        let printed = run_line(&shell("sleep 60 & echo $!"), &vec![], LONG).await.unwrap();
        assert!(began.elapsed() < LONG);
        run_program(&["kill", &printed], LONG).await.unwrap();
    }

    /// Waits until a process is gone, or a zombie.
    async fn gone(pid: &str) {
        let state = format!("/proc/{}/stat", pid.trim());
        let deadline = tokio::time::Instant::now() + LONG;
        while std::fs::read_to_string(&state).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(tokio::time::Instant::now() < deadline, "the sleep lives on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test]
    async fn a_command_that_is_given_up_ends_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let line = shell(&format!("sleep 60 & echo $! > {}; wait", file.display()));
        let pid = {
            let variables = vec![];
            let mut running = std::pin::pin!(run_line(&line, &variables, LONG));
            loop {
                let moment = Duration::from_millis(20);
                assert!(timeout(moment, &mut running).await.is_err(), "it waits");
                match std::fs::read_to_string(&file) {
                    Ok(pid) if pid.ends_with('\n') => break pid,
                    _ => {}
                }
            }
        };
        gone(&pid).await;
    }

    #[tokio::test]
    async fn a_deadline_ends_all_that_the_command_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let line = format!("sleep 60 & echo $! > {}; wait", file.display());
        // Far longer than a shell takes to its first line.
        let limit = Duration::from_secs(10);
        let error = run_line(&shell(&line), &vec![], limit).await.unwrap_err();
        assert!(matches!(error, CommandError::TimedOut { .. }), "{error}");
        let pid = std::fs::read_to_string(file).unwrap();
        gone(&pid).await;
    }
}
