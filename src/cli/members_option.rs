//! `--members`: which members are watched at their own addresses.

use crate::model::event::AUTO;
use crate::model::load::values;
use crate::pg::settings::{is_option, may_hold_a_secret};

/// A member on the command line.
#[derive(Clone, PartialEq, Eq)]
pub enum MemberSaid {
    /// `auto`: as Patroni names them.
    Auto,
    /// `NAME=DSN`.
    Named {
        /// The member's name.
        name: String,
        /// Where it is: a connection string, which may hold a password.
        dsn: String,
    },
}

/// Longer lists are a mistake.
const MEMBERS_MAX: usize = 64;

/// What was said, one for each member. A comma separates members only where a name and a connection string, or `auto`,
/// follow it: a connection string may have commas of its own.
///
/// # Errors
/// Words that say what is wrong; they repeat no connection string.
pub fn members(said: &[String]) -> Result<Vec<MemberSaid>, String> {
    let mut members: Vec<MemberSaid> = Vec::new();
    for text in said.iter().flat_map(|text| split(text)) {
        let member = one(text)?;
        let is_again = members.iter().any(|known| known.name() == member.name());
        if is_again {
            return Err(format!("{} is said twice", member.name()));
        }
        members.push(member);
    }
    match members.len() > MEMBERS_MAX {
        true => Err(format!("more than {MEMBERS_MAX} members")),
        false => Ok(members),
    }
}

impl MemberSaid {
    fn name(&self) -> &str {
        match self {
            Self::Auto => AUTO,
            Self::Named { name, .. } => name,
        }
    }
}

fn one(text: &str) -> Result<MemberSaid, String> {
    let text = text.trim();
    if text == AUTO {
        return Ok(MemberSaid::Auto);
    }
    let nameless = || {
        "a member's name is missing: NAME=DSN, such as patroni1='host=10.0.0.1 port=5432'"
            .to_owned()
    };
    let Some((name, dsn)) = text.split_once('=') else {
        return Err(match may_hold_a_secret(text) || text.contains("://") {
            true => nameless(),
            false => format!("{text:?} is neither auto nor NAME=DSN"),
        });
    };
    let is_dsn = begins_connection_string(dsn);
    let is_nameless = name.is_empty() || name.contains("://") || may_hold_a_secret(name);
    if is_nameless || (is_option(name) && !is_dsn) {
        return Err(nameless());
    }
    if values::name(name).is_err() || name == AUTO {
        return Err(format!(
            "{name:?} is no member's name: 1 to 63 letters, digits, - _ or . as Patroni names it"
        ));
    }
    if !is_dsn {
        return Err(format!(
            "after {name}= comes a connection string: {name}='host=10.0.0.1 port=5432' or \
             {name}=postgresql://10.0.0.1:5432"
        ));
    }
    Ok(MemberSaid::Named { name: name.to_owned(), dsn: dsn.to_owned() })
}

fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut in_quotes) = (Vec::new(), 0, false);
    for (at, character) in text.char_indices() {
        match character {
            // In a URI it is a letter as others.
            '\'' if !text[from..].split_once('=').is_some_and(|(_, dsn)| is_uri(dsn)) => {
                in_quotes = !in_quotes;
            }
            ',' if !in_quotes && begins_member(&text[at + 1..]) => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// Whether a member is what follows a comma; also one with a bad name, which is told.
fn begins_member(text: &str) -> bool {
    let text = text.trim_start();
    let Some((name, dsn)) = text.split_once('=') else { return text.trim_end() == AUTO };
    text.starts_with("auto,")
        || (!name.contains(char::is_whitespace) && begins_connection_string(dsn))
}

/// Whether a connection string begins here: `postgresql://…`, or an option of libpq's and its value.
fn begins_connection_string(text: &str) -> bool {
    is_uri(text) || text.split_once('=').is_some_and(|(option, _)| is_option(option.trim()))
}

fn is_uri(text: &str) -> bool {
    ["postgresql://", "postgres://"].iter().any(|scheme| text.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(said: &[&str]) -> Result<Vec<String>, String> {
        let said: Vec<String> = said.iter().map(|text| (*text).to_owned()).collect();
        let words = |member: MemberSaid| match member {
            MemberSaid::Auto => "auto".to_owned(),
            MemberSaid::Named { name, dsn } => format!("{name} at {dsn}"),
        };
        Ok(members(&said)?.into_iter().map(words).collect())
    }

    #[test]
    fn members_are_said_one_by_one_or_with_commas_between() {
        let both = ["a at host=h port=1", "b at postgresql://h:2/d"];
        let quoted = "m=postgresql://u:p'w@h/d,n=host=h port=2";
        assert_eq!(read(&[quoted]).unwrap(), ["m at postgresql://u:p'w@h/d", "n at host=h port=2"]);
        let mistyped = read(&["r=host=h passfile=/x,n\u{e9}=host=::1"]).unwrap_err();
        assert!(mistyped.contains("is no member's name"), "{mistyped}");
        assert_eq!(read(&["a=host=h port=1", "b=postgresql://h:2/d"]).unwrap(), both);
        assert_eq!(read(&["a=host=h port=1,b=postgresql://h:2/d"]).unwrap(), both);
        assert_eq!(read(&["auto"]).unwrap(), ["auto"]);
        assert_eq!(read(&["auto, a=host=h"]).unwrap(), ["auto", "a at host=h"]);
        assert_eq!(read(&["a=host=h,auto"]).unwrap(), ["a at host=h", "auto"]);
    }

    #[test]
    fn commas_of_a_connection_string_are_its_own() {
        for dsn in [
            "host=h,i port=1,2",
            "host=h options='-c a=1,b=host=2'",
            "postgresql://u:p,w@h,i:2/d",
            "host=h application_name=x,y",
        ] {
            assert_eq!(read(&[&format!("a={dsn}")]).unwrap(), [format!("a at {dsn}")]);
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_connection_string() {
        for (said, words) in [
            (&["atuo"][..], "\"atuo\" is neither auto nor NAME=DSN"),
            (&["a=host=h", "a=host=i"], "a is said twice"),
            (&["auto,auto"], "auto is said twice"),
            (&["host=h port=1"], "name is missing"),
            (&["postgresql://u:hunter2@h/d"], "name is missing"),
            (&["postgresql://u:hunter2@h/d?sslmode=disable"], "name is missing"),
            (&["=host=h"], "name is missing"),
            (&["a b=host=h"], "\"a b\" is no member's name"),
            (&["a=h:5432"], "after a= comes a connection string"),
            (&["auto=host=h"], "no member's name"),
        ] {
            let told = read(said).unwrap_err();
            assert!(told.contains(words) && !told.contains("hunter2"), "{said:?}: {told}");
        }
    }
}
