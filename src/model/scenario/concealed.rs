//! A command as it is shown: without the passwords that stand in it.

/// What stands in their place.
const HIDDEN: &str = "…";

/// Hides what follows `password=`, and the password of a URL.
pub(super) fn concealed(command: &str) -> String {
    let mut shown = String::new();
    let mut rest = command;
    while let Some((before, secret, after)) = next_secret(rest) {
        shown.push_str(before);
        shown.push_str(if secret.is_empty() { "" } else { HIDDEN });
        rest = after;
    }
    shown + rest
}

/// What stands before the next password, it, and the rest.
fn next_secret(text: &str) -> Option<(&str, &str, &str)> {
    let of_word = text.to_ascii_lowercase().find("password=").map(|at| {
        let from = at + "password=".len();
        let quote = text[from..].chars().next().filter(|first| matches!(first, '\'' | '"'));
        let from = from + usize::from(quote.is_some());
        let ends =
            |c: char| quote.map_or(c.is_whitespace() || matches!(c, '\'' | '"' | '&'), |q| c == q);
        (from, text[from..].find(ends).map_or(text.len(), |end| from + end))
    });
    let of_url = text.match_indices("://").find_map(|(at, _)| {
        let from = at + "://".len();
        let authority = &text[from..];
        let end = authority
            .find(|c: char| c.is_whitespace() || matches!(c, '\'' | '"'))
            .unwrap_or(authority.len());
        let at_sign = authority[..end].rfind('@')?;
        let colon = authority[..at_sign].find(':')?;
        let (from, to) = (from + colon + 1, from + at_sign);
        (text[from..to] != *HIDDEN && from < to).then_some((from, to))
    });
    let (from, to) = [of_word, of_url].into_iter().flatten().min()?;
    Some((&text[..from], &text[from..to], &text[to..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown_and_the_rest_is() {
        for (command, shown) in [
            (
                "psql postgresql://app:geheim@h/x -c 'select 1'",
                "psql postgresql://app:…@h/x -c 'select 1'",
            ),
            ("PGPASSWORD=pw psql -h a", "PGPASSWORD=… psql -h a"),
            ("psql \"host=a password='p w' user=b\"", "psql \"host=a password='…' user=b\""),
            (
                "psql 'password=a' && psql postgres://u:b@h",
                "psql 'password=…' && psql postgres://u:…@h",
            ),
            ("curl http://localhost:8008/patroni", "curl http://localhost:8008/patroni"),
            ("kubectl delete pod a:b@c", "kubectl delete pod a:b@c"),
        ] {
            assert_eq!(concealed(command), shown);
        }
    }
}
