//! Completions and manual pages, made from the definition of the command line, so that neither can
//! be stale.

use std::io;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use super::command_line::command;

/// What a shell sources to complete pgchaos's command lines.
#[must_use]
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "pgchaos", &mut script);
    script
}

/// The page of a command by its path, in roff; of an empty path the whole manual, which has a page
/// for each command. `None` where there is no such command.
///
/// # Errors
/// It is written to memory: no error is known.
pub fn page(path: &[String]) -> io::Result<Option<Vec<u8>>> {
    let mut command = built();
    let mut page = Vec::new();
    if path.is_empty() {
        for command in all(&command) {
            Man::new(command).render(&mut page)?;
        }
        return Ok(Some(page));
    }
    for name in path {
        let Some(below) = command.find_subcommand(name) else { return Ok(None) };
        command = below.clone();
    }
    Man::new(command).render(&mut page)?;
    Ok(Some(page))
}

/// Writes a page for each command, `pgchaos.1`, `pgchaos-gen.1` and so on, and says how many.
///
/// # Errors
/// The system's.
pub fn write_pages(folder: &Path) -> io::Result<usize> {
    let commands = all(&built());
    for command in &commands {
        Man::new(command.clone()).generate_to(folder)?;
    }
    Ok(commands.len())
}

/// The command line with all that a command inherits from the one above, such as its full name.
fn built() -> Command {
    let mut command = command();
    command.build();
    command
}

fn all(command: &Command) -> Vec<Command> {
    let below = command.get_subcommands().flat_map(all);
    [command.clone()].into_iter().chain(below).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command as Process, Stdio};

    use super::*;

    /// Runs a program with this on its standard input; `None` where it is not installed.
    fn said_by(program: &str, args: &[&str], input: &[u8]) -> Option<(bool, String, String)> {
        let mut child = Process::new(program)
            .args(args)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // It may answer before it has read everything.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some((output.status.success(), text(&output.stdout), text(&output.stderr)))
    }

    /// What bash would offer for the last of these words.
    fn completed(words: &[&str]) -> Option<Vec<String>> {
        let mut script = completions(Shell::Bash);
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let (last, before) = (words[words.len() - 1], words[words.len() - 2]);
        let ask = format!(
            "\nCOMP_WORDS=({}); COMP_CWORD={}; _pgchaos pgchaos '{last}' '{before}'\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
            quoted.join(" "),
            words.len() - 1
        );
        script.extend(ask.into_bytes());
        let (works, offered, errors) = said_by("bash", &["--norc", "-s"], &script)?;
        assert!(works && errors.is_empty(), "{errors}");
        Some(offered.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    #[test]
    fn bash_completes_commands_and_options() {
        let Some(gen_alone) = completed(&["pgchaos", "ge"]) else { return };
        assert_eq!(gen_alone, ["gen"]);
        assert_eq!(completed(&["pgchaos", "gen", "--max-l"]).unwrap(), ["--max-lost", "--max-lag"]);
        assert_eq!(completed(&["pgchaos", "lab", "sta"]).unwrap(), ["status", "start"]);
        assert_eq!(completed(&["pgchaos", "drill", "run", "--dry"]).unwrap(), ["--dry-run"]);
        assert_eq!(completed(&["pgchaos", "completions", "ba"]).unwrap(), ["bash"]);
        let values = completed(&["pgchaos", "gen", "--backlog", ""]).unwrap();
        assert_eq!(values, ["skip", "catch-up"]);
        let all = completed(&["pgchaos", ""]).unwrap();
        assert!(all.iter().any(|word| word == "demo"), "{all:?}");
        assert!(!all.iter().any(|word| word.contains("write-record")), "{all:?}");
    }

    #[test]
    fn every_shell_can_read_its_completions() {
        for (shell, check) in [
            (Shell::Bash, Some(("bash", &["-n"][..]))),
            (Shell::Zsh, Some(("zsh", &["-n"][..]))),
            (Shell::Fish, Some(("fish", &["--no-execute"][..]))),
            (Shell::PowerShell, None),
            (Shell::Elvish, None),
        ] {
            let script = completions(shell);
            let text = String::from_utf8(script.clone()).unwrap();
            assert!(text.contains("max-outage") && text.contains("install-deps"), "{shell}");
            // Where it is installed.
            let checked = check.and_then(|(program, args)| said_by(program, args, &script));
            if let Some((works, _, errors)) = checked {
                assert!(works && errors.is_empty(), "{shell}: {errors}");
            }
        }
    }

    #[test]
    fn the_manual_renders_without_a_warning() {
        let whole = page(&[]).unwrap().unwrap();
        let Some((works, text, warnings)) =
            said_by("groff", &["-man", "-Tutf8", "-ww", "-K", "utf8", "-P", "-cbou"], &whole)
        else {
            return;
        };
        assert!(works && warnings.is_empty(), "{warnings}");
        for words in ["pgchaos-gen", "pgchaos-lab-up", "--max-outage", "Examples:"] {
            assert!(text.contains(words), "{words}");
        }
        assert!(!text.contains("write-record"));
    }

    #[test]
    fn each_command_has_its_page() {
        let path = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let up = String::from_utf8(page(&path("lab up")).unwrap().unwrap()).unwrap();
        assert!(up.contains(".TH") && up.contains("pgchaos\\-lab\\-up") && up.contains("profile"));
        assert_eq!(page(&path("lab nowhere")).unwrap(), None);
        let folder = tempfile::tempdir().unwrap();
        let written = write_pages(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), written);
        for name in ["pgchaos.1", "pgchaos-gen.1", "pgchaos-lab-up.1", "pgchaos-man.1"] {
            assert!(folder.path().join(name).exists(), "{name}");
        }
        assert!(write_pages(&folder.path().join("nowhere")).is_err());
    }
}
