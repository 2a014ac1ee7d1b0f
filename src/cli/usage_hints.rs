//! Known mistakes on the command line, and what to type instead: pgbench's letters, `gen -h`, a
//! value below zero.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Error, ValueEnum};
use clap_complete::Shell;

/// pgbench's letters that gen does not have, and what to use in their place.
const OF_PGBENCH: [(&str, &str); 13] = [
    ("-S", "the load only writes; --read-port PORT reads from replicas beside it"),
    ("-N", "the load only inserts"),
    ("-f", "the load is pgchaos's own INSERT, which can be accounted for; it runs no script"),
    ("-b", "the load is pgchaos's own INSERT, which can be accounted for; it runs no script"),
    ("-i", "gen makes its tables by itself when they are missing; pgchaos init only makes them"),
    ("-s", "the tables have no scale; -R is the rate, -c the number of writers"),
    ("-P", "gen tells its progress by itself; -q leaves it out"),
    ("-t", "-n is the number of writes, of all writers together"),
    ("-l", "the record has every interval: --record FILE; --log-format json logs every event"),
    ("-L", "--max-p99 D limits the 99th percentile of latency"),
    ("-C", "a writer keeps its session until that is lost"),
    ("-D", "pgchaos runs no script, so that there are no variables"),
    ("-F", "the tables have no fill factor of pgchaos's"),
];

/// The same error with words that say what to type, for a mistake that is known.
pub(super) fn explained(error: &Error, arguments: &[String]) -> Option<Error> {
    let words = match error.kind() {
        ErrorKind::InvalidValue if context(error, ContextKind::InvalidValue).is_empty() => {
            below_zero(arguments).or_else(|| host_without_value(error, arguments))
        }
        ErrorKind::UnknownArgument => {
            below_zero(arguments).or_else(|| of_pgbench(error, arguments))
        }
        ErrorKind::MissingRequiredArgument => of_clean(arguments)
            .or_else(|| of_prune(arguments))
            .or_else(|| of_completions(arguments)),
        ErrorKind::ArgumentConflict => writers_twice(error, arguments),
        _ => None,
    }?;
    Some(Error::raw(error.kind(), format!("{words}\n\nFor more information, try '--help'.\n")))
}

fn context(error: &Error, kind: ContextKind) -> &str {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text,
        _ => "",
    }
}

/// `gen -h`, where elsewhere `-h` is help.
fn host_without_value(error: &Error, arguments: &[String]) -> Option<String> {
    let is_short = arguments.iter().any(|argument| argument == "-h");
    let is_host = context(error, ContextKind::InvalidArg).starts_with("--host");
    (is_short && is_host).then(|| {
        "-h is the host here, as in psql, and needs a value\n\n  tip: help is --help or -?"
            .to_owned()
    })
}

fn of_pgbench(error: &Error, arguments: &[String]) -> Option<String> {
    let argument = context(error, ContextKind::InvalidArg);
    let of_gen = arguments.first().is_some_and(|command| command == "gen");
    let (letter, words) = OF_PGBENCH.iter().find(|(letter, _)| of_gen && *letter == argument)?;
    Some(format!("{letter} is a pgbench option that gen does not have\n\n  tip: {words}"))
}

/// `clean` without a word about what to remove.
fn of_clean(arguments: &[String]) -> Option<String> {
    (arguments.first()? == "clean").then(|| {
        "what to remove is not said\n\n  tip: --run-id UUID removes the rows of one run, --schema \
         the schema pgchaos with the rows of every run"
            .to_owned()
    })
}

/// `runs prune` without a word about what to remove: clap names one of two options.
fn of_prune(arguments: &[String]) -> Option<String> {
    let is_prune = arguments.first()? == "runs" && arguments.get(1)? == "prune";
    is_prune.then(|| {
        "what to remove is not said\n\n  tip: --keep N leaves the N newest records, --older-than D (30d, \
         12h) removes those of runs that began longer ago; with --dry-run nothing is removed"
            .to_owned()
    })
}

/// `completions` without a shell.
fn of_completions(arguments: &[String]) -> Option<String> {
    let shells: Vec<String> = Shell::value_variants().iter().map(Shell::to_string).collect();
    (arguments.first()? == "completions").then(|| {
        format!(
            "which shell is not said\n\n  tip: pgchaos completions SHELL, one of {}",
            shells.join(", ")
        )
    })
}

/// pgbench's letter and pgchaos's own for one option.
fn writers_twice(error: &Error, arguments: &[String]) -> Option<String> {
    let has = |letter: &str| arguments.iter().any(|argument| argument.starts_with(letter));
    let is_writers = context(error, ContextKind::InvalidArg).starts_with("--writers");
    (is_writers && has("-c") && has("-w"))
        .then(|| "-c and -w are one option, the number of writers: give one of them".to_owned())
}

/// Options that take names: a name may begin with a dash.
const NAMED: [&str; 9] =
    ["-d", "-h", "-U", "--dbname", "--host", "--username", "--report", "--record", "--name"];

/// A duration such as `-5s`: no number, so that it is taken for an option.
fn below_zero(arguments: &[String]) -> Option<String> {
    let options = arguments.windows(2).map(|pair| (&pair[0], &pair[1]));
    let (option, value) =
        options.take_while(|(option, _)| *option != "--").find(|(option, value)| {
            let number = value.strip_prefix('-').unwrap_or_default();
            option.starts_with('-') && number.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        })?;
    if NAMED.contains(&option.as_str()) {
        let between = if option.starts_with("--") { "=" } else { "" };
        return Some(format!(
            "'{value}' is taken for an option\n\n  tip: a value that begins with a dash is \
             written {option}{between}{value}"
        ));
    }
    Some(format!("invalid value '{value}' for '{option}': it cannot be below zero"))
}
