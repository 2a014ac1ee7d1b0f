//! Names of roles, databases and columns in SQL that a person is to type.

use std::fmt::Write;

use crate::model::foreign::is_steering;

/// Reserved words: names only in quotes.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "binary",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "none",
    "not",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "public",
    "references",
    "returning",
    "right",
    "select",
    "session_user",
    "similar",
    "some",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
];

/// A name for SQL: quoted where it must be, with escapes for characters that a terminal obeys.
#[must_use]
pub fn identifier(name: &str) -> String {
    let is_first = |c: char| c.is_ascii_lowercase() || c == '_';
    let is_next = |c: char| is_first(c) || c.is_ascii_digit();
    let is_plain = name.starts_with(is_first) && name.chars().all(is_next);
    if is_plain && !RESERVED.contains(&name) {
        return name.to_owned();
    }
    let quoted = name.replace('"', "\"\"");
    if !name.contains(is_steering) {
        return format!("\"{quoted}\"");
    }
    let mut escaped = String::new();
    for character in quoted.chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            steering if is_steering(steering) => {
                let _ = write!(escaped, "\\{:04x}", u32::from(steering));
            }
            ordinary => escaped.push(ordinary),
        }
    }
    format!("U&\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::identifier;

    #[test]
    fn only_what_must_be_is_quoted() {
        for (name, sql) in [
            ("app_1", "app_1"),
            ("App", "\"App\""),
            ("my db", "\"my db\""),
            ("a\"b", "\"a\"\"b\""),
            ("1st", "\"1st\""),
            ("user", "\"user\""),
            ("мир", "\"мир\""),
            ("", "\"\""),
            ("a\\b", "\"a\\b\""),
            ("a\n\\\u{1b}\u{202e}\"b", "U&\"a\\000a\\\\\\001b\\202e\"\"b\""),
        ] {
            assert_eq!(identifier(name), sql, "{name}");
        }
    }
}
