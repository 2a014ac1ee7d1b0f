//! Connection strings in messages about the command line: a complaint must not repeat a password.

use std::env;
use std::ffi::OsStr;

use super::arguments::own_arguments;
use crate::pg::settings::{hosts_named, may_hold_a_secret};

/// What is shown in the place of a connection string.
const HIDDEN: &str = "(a connection string, not shown)";

/// A shorter part of a connection string may also be an ordinary word of the message, so it is
/// hidden only where the message quotes it.
const BYTES_TELLING: usize = 12;

/// A message about the command line or the environment, with the connection strings in it not shown.
///
/// They are found by comparison with the arguments and the `PG…` variables, not by their form: a
/// message repeats them as they were, in part, or quoted.
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
    // `gen password=two words` without quotes: the next argument may be the rest of the password.
    let mut goes_on = false;
    for argument in arguments {
        let value = value_of(argument);
        goes_on = may_hold_a_secret(value) || (goes_on && !argument.starts_with('-'));
        if goes_on {
            hidden.extend([argument.as_str(), value]);
            hidden.extend(parts(value));
        }
    }
    for value in variables.iter().filter(|value| may_hold_a_secret(value)) {
        hidden.push(value);
        hidden.extend(parts(value));
    }
    // Whole strings before their parts.
    hidden.sort_by_key(|text| std::cmp::Reverse(text.len()));
    hidden.iter().fold(message.to_owned(), |message, text| hide(message, text))
}

/// The parts that a value is taken apart into. Of a connection string that can be read its hosts are known: they are no
/// secret, and an error names them.
fn parts(value: &str) -> impl Iterator<Item = &str> {
    let hosts = hosts_named(value);
    value.split(',').filter(move |part| !hosts.contains(*part))
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

/// An argument without the option's name before it: `--name=VALUE`, `-nVALUE` or `-n=VALUE`.
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

    /// An error names the hosts that it is about, also those between two commas.
    #[test]
    fn a_host_is_repeated() {
        for said in [
            "postgresql://u:pw@db1.example:5432,db2.example:5432,[fe80::1%25lo]:5432,db4.example/x",
            "host=db1.example,db2.example:5432,fe80::1%lo,db4.example password=pw",
            "hostaddr=127.0.0.1,127.0.0.2,127.0.0.3 password=pw",
        ] {
            let message = "db2.example:5432: refused; [fe80::1%lo]:5432: refused; 127.0.0.2";
            assert_eq!(concealed(message, &[said]), message);
        }
        // As many as a connection string can have: their number is not multiplied with that of the ports.
        let (hosts, ports) = (["db.example"; 3_000].join(","), ["5432"; 3_000].join(","));
        let said = format!("host={hosts} port={ports} password=pw");
        let message = "db.example:5432: refused";
        assert_eq!(concealed(message, &[&said]), message);
        // What cannot be read may be a password with its commas.
        let said = "postgresql://u:one@two,db2.example:5432,three@h/x";
        let hidden = "(a connection string, not shown): refused";
        assert_eq!(concealed("db2.example:5432: refused", &[said]), hidden);
        let said = "postgresql://u:one,db2.example:5432,three@h/x";
        assert_eq!(concealed("db2.example:5432: refused", &[said]), hidden);
    }

    #[test]
    fn everything_else_is() {
        let message = "\"fast\" is no rate";
        assert_eq!(concealed(message, &["fast"]), message);
        assert_eq!(concealed(message, &["--rate=fast"]), message);
        let message = "https://patroni1:8008: no TLS yet";
        assert_eq!(concealed(message, &["--patroni=https://patroni1:8008"]), message);
        assert!(!concealed("http://u:pw@h: no", &["http://u:pw@h"]).contains("pw"));
        for page in ["u:pw@h:7000", "http://u:pw@h/haproxy?stats", ":pw@h:7000", "u:p/w@h"] {
            let said = format!("--haproxy={page}");
            let message = format!("invalid value '{page}' for '--haproxy <URL>': no");
            assert!(!concealed(&message, &[&said]).contains(page), "{page}");
        }
    }
}
