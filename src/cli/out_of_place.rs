//! A connection string at a place where none belongs: what complains about it must not repeat its password.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::{env, io};

use clap::builder::{OsStringValueParser, TypedValueParser};

use super::own_arguments::own_arguments;
use crate::pg::settings::may_hold_a_secret;

/// What is shown in its place.
const HIDDEN: &str = "(a connection string, not shown)";

/// A part of a connection string that is shorter may be a word of the message: it is found only where it is quoted.
const BYTES_TELLING: usize = 12;

/// A file's name, which is shown and recorded.
pub(super) fn file() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|said| match may_hold_a_secret(&said.to_string_lossy()) {
        true => Err(io::Error::other("a file is due here, and this is a connection string")),
        false => Ok(PathBuf::from(said)),
    })
}

/// A message about the command line or the environment, with the connection strings in it not shown.
///
/// They are found by what was said, not by their form: a message repeats it as it was, in part, or quoted.
#[must_use]
pub fn without_secrets(message: &str) -> String {
    let arguments: Vec<String> = own_arguments().skip(1).map(|said| lossy(&said)).collect();
    let variables: Vec<String> = env::vars_os()
        .filter(|(name, _)| name.to_string_lossy().starts_with("PG"))
        .map(|(_, value)| lossy(&value))
        .collect();
    conceal(message, &arguments, &variables)
}

fn lossy(said: &OsStr) -> String {
    said.to_string_lossy().into_owned()
}

fn conceal(message: &str, arguments: &[String], variables: &[String]) -> String {
    let mut hidden: Vec<&str> = Vec::new();
    // `gen password=two words`, its quotes forgotten: what follows may be the rest of the password.
    let mut goes_on = false;
    for argument in arguments {
        let value = value_of(argument);
        goes_on = may_hold_a_secret(value) || (goes_on && !argument.starts_with('-'));
        if goes_on {
            hidden.extend([argument.as_str(), value]);
            hidden.extend(value.split(','));
        }
    }
    for value in variables.iter().filter(|value| may_hold_a_secret(value)) {
        hidden.push(value);
        hidden.extend(value.split(','));
    }
    // A whole one before its parts.
    hidden.sort_by_key(|text| std::cmp::Reverse(text.len()));
    hidden.iter().fold(message.to_owned(), |message, text| hide(message, text))
}

fn hide(message: String, text: &str) -> String {
    let escaped = text.escape_debug().to_string();
    if text.len() >= BYTES_TELLING {
        return message.replace(text, HIDDEN).replace(&escaped, HIDDEN);
    }
    if text.is_empty() {
        return message;
    }
    let quoted = |quote: char, text: &str| format!("{quote}{text}{quote}");
    ['\'', '"'].into_iter().fold(message, |message, quote| {
        let message = message.replace(&quoted(quote, text), HIDDEN);
        message.replace(&quoted(quote, &escaped), HIDDEN)
    })
}

/// Without the name of an option before it: `--name=VALUE`, `-nVALUE` or `-n=VALUE`.
fn value_of(said: &str) -> &str {
    if let Some(long) = said.strip_prefix("--") {
        return long.split_once('=').map_or(said, |(_, value)| value);
    }
    let mut short = said.strip_prefix('-').unwrap_or_default().chars();
    match short.next() {
        Some(_) => short.as_str().strip_prefix('=').unwrap_or(short.as_str()),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concealed(message: &str, said: &[&str]) -> String {
        let said: Vec<String> = said.iter().map(|said| (*said).to_owned()).collect();
        let by_variable = conceal(message, &[], &said);
        let by_argument = conceal(message, &said, &[]);
        if said.iter().all(|said| !said.starts_with('-')) && said.len() == 1 {
            assert_eq!(by_variable, by_argument);
        }
        by_argument
    }

    #[test]
    fn a_word_is_no_secret() {
        for said in ["password", "--password=", "password="] {
            assert_eq!(
                concealed("a message about a password", &[said]),
                "a message about a password"
            );
        }
    }

    #[test]
    fn connection_strings_are_not_repeated() {
        for (said, repeated) in [
            ("postgresql://u:pw@h/x", "postgresql://u:pw@h/x"),
            ("--rate=postgresql://u:pw@h/x", "postgresql://u:pw@h/x"),
            ("-ppostgresql://u:pw@h/x", "postgresql://u:pw@h/x"),
            ("-p=postgresql://u:pw@h/x", "postgresql://u:pw@h/x"),
            ("-ж=postgresql://u:pw@h/x", "postgresql://u:pw@h/x"),
            ("host=h password='p\\'w'", "host=h password='p\\'w'"),
            ("host=h PASSWORD=\"pw", "host=h PASSWORD=\\\"pw"),
            ("u:pw@h:5432/database", "u:pw@h:5432/database"),
        ] {
            let message = concealed(&format!("{repeated} is no rate"), &[said]);
            assert_eq!(message, "(a connection string, not shown) is no rate");
        }
    }

    /// Values are taken apart at commas, and a shell takes them apart at spaces.
    #[test]
    fn nor_is_a_part_of_one() {
        for said in [
            &["--report=r.md,password=p,w"][..],
            &["--report", "r.md,password=p,w"],
            &["password=my", "w"],
            &["gen", "host=h", "password=my", "own", "w"],
        ] {
            let message = concealed("unexpected argument 'w' found", said);
            assert_eq!(message, "unexpected argument (a connection string, not shown) found");
        }
        let unharmed = "unexpected argument '--rat' found; a similar one exists: '--rate'";
        assert_eq!(concealed(unharmed, &["password=my", "--rat", "w"]), unharmed);
    }

    #[test]
    fn everything_else_is() {
        let message = "\"fast\" is no rate";
        assert_eq!(concealed(message, &["fast"]), message);
        assert_eq!(concealed(message, &["--rate=fast"]), message);
        let message = "https://patroni1:8008: no TLS yet";
        assert_eq!(concealed(message, &["--patroni=https://patroni1:8008"]), message);
        assert!(!concealed("http://u:pw@h: no", &["http://u:pw@h"]).contains("pw"));
    }

    #[test]
    fn a_file_is_no_connection_string() {
        let command = clap::Command::new("x").arg(clap::Arg::new("f").value_parser(file()));
        let read = |said: &str| command.clone().try_get_matches_from(["x", said]);
        assert!(read("reports/me@home.md").is_ok());
        for said in ["postgresql://u:pw@h/x", "host=h password=pw", "u:pw@h"] {
            assert!(read(said).unwrap_err().to_string().contains("a file is due here"), "{said}");
        }
    }
}
