//! A connection string at a place where none belongs: what complains about it must not repeat its password.

use std::env;

/// What is shown in its place.
const HIDDEN: &str = "(a connection string, not shown)";

/// A message about the command line or the environment, with the connection strings in it not shown.
///
/// They are found by what was said, not by their form: a message repeats it as it was, or quoted.
#[must_use]
pub fn without_secrets(message: &str) -> String {
    let arguments = env::args_os().skip(1).map(|said| said.to_string_lossy().into_owned());
    let variables = env::vars_os()
        .filter(|(name, _)| name.to_string_lossy().starts_with("PG"))
        .map(|(_, value)| value.to_string_lossy().into_owned());
    conceal(message, arguments.chain(variables))
}

fn conceal(message: &str, said: impl Iterator<Item = String>) -> String {
    said.filter(|said| may_hold_a_secret(said)).fold(message.to_owned(), |message, said| {
        let value = value_of(&said);
        if value.is_empty() {
            return message;
        }
        let quoted = value.escape_debug().to_string();
        message.replace(value, HIDDEN).replace(&quoted, HIDDEN)
    })
}

/// Connection strings by their forms; the bare word is no secret.
fn may_hold_a_secret(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    let names_a_password = said
        .split("password")
        .skip(1)
        .any(|rest| rest.trim_start().strip_prefix('=').is_some_and(|value| !value.is_empty()));
    (said.contains("://") && !is_plain_http(value_of(&said))) || names_a_password
}

/// The URL of a Patroni API, without a user in it, is no connection string.
fn is_plain_http(value: &str) -> bool {
    (value.starts_with("http://") || value.starts_with("https://")) && !value.contains('@')
}

/// Without the name of an option before it.
fn value_of(said: &str) -> &str {
    match said.strip_prefix("--").and_then(|option| option.split_once('=')) {
        Some((_, value)) => value,
        None => said.strip_prefix('-').and_then(|option| option.get(1..)).unwrap_or(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concealed(message: &str, said: &str) -> String {
        conceal(message, [said.to_owned()].into_iter())
    }

    #[test]
    fn a_word_is_no_secret() {
        for said in ["password", "--password=", "password="] {
            assert_eq!(concealed("a message about a password", said), "a message about a password");
        }
    }

    #[test]
    fn connection_strings_are_not_repeated() {
        for (said, repeated) in [
            ("postgresql://u:pw@h/x", "postgresql://u:pw@h/x"),
            ("--rate=postgresql://u:pw@h/x", "postgresql://u:pw@h/x"),
            ("-ppostgresql://u:pw@h/x", "postgresql://u:pw@h/x"),
            ("host=h password='p\\'w'", "host=h password='p\\'w'"),
            ("host=h PASSWORD=\"pw", "host=h PASSWORD=\\\"pw"),
        ] {
            let message = concealed(&format!("{repeated} is no rate"), said);
            assert_eq!(message, "(a connection string, not shown) is no rate");
        }
    }

    #[test]
    fn everything_else_is() {
        let message = "\"fast\" is no rate";
        assert_eq!(concealed(message, "fast"), message);
        assert_eq!(concealed(message, "--rate=fast"), message);
        let message = "https://patroni1:8008: no TLS yet";
        assert_eq!(concealed(message, "--patroni=https://patroni1:8008"), message);
        assert!(!concealed("http://u:pw@h: no", "http://u:pw@h").contains("pw"));
    }
}
