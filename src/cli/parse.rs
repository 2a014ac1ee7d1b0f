//! Reading the command line of this process.

use std::ffi::OsString;
use std::io::Write as _;

use clap::FromArgMatches;
use console::Term;

use super::arguments::own_arguments;
use super::command_line::{Cli, Command, WriteRecordArgs, command};
use super::exit::Exit;
use super::help::COLUMNS_MAX;
use super::redaction::without_secrets;
use super::usage_hints::explained;
use crate::engine::record::process;
use crate::model::foreign::printable;
use crate::report::layout::fitted;

impl Cli {
    /// Reads the command line; a wrong one, and help, end the program here, as clap does it.
    #[must_use]
    pub fn read() -> Self {
        let said: Vec<OsString> = own_arguments().collect();
        // What pgchaos starts for itself is no command of a person's: no help or completion has it.
        if let [_, command, dashes, record] = said.as_slice()
            && command == process::COMMAND
            && dashes == "--"
        {
            let args = WriteRecordArgs { record: record.into() };
            return Self { command: Command::WriteRecord(args) };
        }
        let read = command()
            .try_get_matches_from(asking_for_help(said))
            .and_then(|said| Self::from_arg_matches(&said));
        read.unwrap_or_else(|error| refuse(error))
    }
}

/// `pgchaos help lab up` and `pgchaos lab help up` ask for the same as `pgchaos lab up --help`.
fn asking_for_help(mut said: Vec<OsString>) -> Vec<OsString> {
    let is = |at: usize, words: &[&str]| {
        said.get(at).is_some_and(|said: &OsString| words.iter().any(|word| said == word))
    };
    let at = match (is(1, &["help"]), is(1, &["lab", "drill", "runs"]) && is(2, &["help"])) {
        (true, _) => 1,
        (_, true) => 2,
        _ => return said,
    };
    said.remove(at);
    said.push("--help".into());
    said
}

/// As clap does it, in colours where they are seen, unless that would show a password, or steer the
/// terminal by what was said.
#[allow(clippy::exit, reason = "as clap does")]
fn refuse(error: clap::Error) -> ! {
    let arguments = own_arguments().skip(1).map(|said| said.to_string_lossy().into_owned());
    let error = explained(&error, &arguments.collect::<Vec<_>>()).unwrap_or(error);
    let message = error.render().to_string();
    let concealed = printable(&without_secrets(&message)).into_owned();
    // clap breaks all but headings: the terminal would break these within a word.
    let shown = match error.use_stderr() {
        true => concealed,
        false => fitted(&concealed, narrow(&Term::stdout())),
    };
    if shown == message {
        // Help goes to standard output, where a full disk keeps it from being there.
        let printed = error.print().and_then(|()| std::io::stdout().flush());
        match printed {
            Err(full) if !error.use_stderr() && full.kind() != std::io::ErrorKind::BrokenPipe => {
                eprintln!("pgchaos: standard output cannot be written: {full}");
                std::process::exit(i32::from(Exit::CouldNotRun.code()));
            }
            _ => std::process::exit(error.exit_code()),
        }
    }
    if error.use_stderr() {
        eprint!("{shown}");
    } else {
        // A reader that is gone is no error.
        let _ = std::io::stdout().write_all(shown.as_bytes());
    }
    std::process::exit(error.exit_code())
}

/// The columns of a terminal that is narrower than a help page.
fn narrow(terminal: &Term) -> Option<usize> {
    let (_, columns) = terminal.is_term().then(|| terminal.size_checked()).flatten()?;
    Some(usize::from(columns)).filter(|columns| *columns < COLUMNS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::settings::{ConnectSettings, Environment, SettingsError, resolve};

    /// What a load would connect to, with these words on its command line.
    fn target(words: &[&str]) -> Result<ConnectSettings, SettingsError> {
        let words = ["pgchaos", "gen"].iter().chain(words);
        let said = command().try_get_matches_from(words).unwrap();
        let Command::Gen(args) = Cli::from_arg_matches(&said).unwrap().command else {
            unreachable!("it is gen");
        };
        let explicit = args.target.explicit();
        resolve(&explicit, &Environment::empty()).map(|resolved| resolved.settings)
    }

    #[test]
    fn what_was_probably_meant_can_be_typed_and_does_it() {
        for (slip, meant) in [
            (&["localhost:5500"][..], "localhost:5500"),
            (&["5500"], "localhost:5500"),
            (&["10.0.0.3:5500/app"], "10.0.0.3:5500"),
            (&["-h", "localhost:5500"], "localhost:5500"),
            (&["-h", "a:5500,[::1]:5501"], "a:5500,[::1]:5501"),
        ] {
            let words = target(slip).unwrap_err().to_string();
            let (_, remedy) = words.split_once("did you mean ").expect("a remedy");
            let (remedy, _) = remedy.split_once('?').unwrap();
            let typed: Vec<&str> = remedy.split(' ').collect();
            assert_eq!(target(&typed).unwrap().display_target(), meant, "{words}");
        }
        let words = target(&["host=localhost:5500"]).unwrap_err().to_string();
        assert!(words.ends_with("did you mean host=localhost port=5500?"), "{words}");
        let typed = target(&["host=localhost port=5500"]).unwrap();
        assert_eq!(typed.display_target(), "localhost:5500");
        // A database may be called so.
        assert_eq!(target(&["-d", "5500"]).unwrap().dbname, "5500");
    }

    #[test]
    fn help_is_asked_for_in_several_ways() {
        for (said, asked) in [
            (&["help"][..], &["--help"][..]),
            (&["help", "gen"], &["gen", "--help"]),
            (&["help", "lab", "up"], &["lab", "up", "--help"]),
            (&["lab", "help", "up"], &["lab", "up", "--help"]),
            (&["drill", "help"], &["drill", "--help"]),
            (&["help", "help"], &["help", "--help"]),
            (&["gen", "help"], &["gen", "help"]),
            (&["gen"], &["gen"]),
            (&[], &[]),
        ] {
            let with_program = |words: &[&str]| -> Vec<OsString> {
                ["pgchaos"].iter().chain(words).map(OsString::from).collect()
            };
            assert_eq!(asking_for_help(with_program(said)), with_program(asked), "{said:?}");
        }
    }
}
