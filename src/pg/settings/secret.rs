//! Whether a text may hold a password: it looks like a connection string, or like a part of one.
//!
//! It looks only at the form, and errs on the side of a password.

/// Words that name a secret if `=` and a value follow, also at the end of a longer word.
const NAMES: [&str; 7] =
    ["password", "passwd", "pass", "pwd", "secret", "client_key", "server_key"];

/// A scheme is longer than the letter of a Windows drive.
const SCHEME_CHARS_MIN: usize = 2;

/// Whether a text may hold a password: a URI that is no plain `http://`, `password=…` and the like, or `user:…@`.
#[must_use]
pub fn may_hold_a_secret(text: &str) -> bool {
    is_uri(text) || names_a_secret(text) || has_user_info(text)
}

/// A URI of any scheme; that of Patroni's API, without a user in it, is no connection string.
pub(super) fn is_uri(text: &str) -> bool {
    let is_http = text.starts_with("http://") || text.starts_with("https://");
    let is_uri = text.split_once("://").is_some_and(|(before, after)| {
        let scheme = before.chars().rev().take_while(char::is_ascii_alphabetic).count();
        scheme >= SCHEME_CHARS_MIN && !after.is_empty()
    });
    is_uri && (!is_http || text.contains('@'))
}

/// `password=x`, `pwd = x`; the bare word, or nothing after the `=`, is no secret.
pub(super) fn names_a_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    NAMES.iter().flat_map(|name| text.split(name).skip(1)).any(|rest| {
        rest.trim_start().strip_prefix('=').is_some_and(|value| !value.trim_start().is_empty())
    })
}

/// `user:password@host` without its scheme; a Windows path with an `@` in it is none.
pub(super) fn has_user_info(text: &str) -> bool {
    let Some((before, _)) = text.rsplit_once('@') else { return false };
    before.split_once(':').is_some_and(|(user, password)| {
        let like_a_user = !user.contains('/') && !user.contains(char::is_whitespace);
        like_a_user && !password.is_empty() && !password.starts_with('\\')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_strings_may_hold_a_secret() {
        for text in [
            "postgresql://u:pw@h/x",
            "postgres://h",
            "x postgre://u",
            "http://u:pw@h",
            "host=h password=pw",
            "host=h PassWord = 'pw'",
            "sslpassword=pw",
            "pwd=pw",
            "a.jsonl,password=pw",
            "u:pw@h:5432/d",
            "u:p/w@h",
        ] {
            assert!(may_hold_a_secret(text), "{text}");
        }
    }

    #[test]
    fn other_words_hold_none() {
        for text in [
            "",
            "password",
            "password=",
            "host=h password= ",
            "passfile=/home/me/.pgpass",
            "http://patroni1:8008",
            "https://patroni1:8008/x?a=b",
            "reports/me@home.md",
            "me@home",
            "C:\\Users\\me@work\\run.jsonl",
            "12:30",
            "@abstract",
            "://",
            "c://temp",
            "host=h port=5500",
        ] {
            assert!(!may_hold_a_secret(text), "{text}");
        }
    }
}
