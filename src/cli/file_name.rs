//! A file's name on the command line.

use std::io;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::pg::settings::may_hold_a_secret;

/// Parses a file's name. A connection string is refused: as a file's name it would be shown and
/// recorded, with its password.
pub(super) fn file_name() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|said| match may_hold_a_secret(&said.to_string_lossy()) {
        true => Err(io::Error::other("a file is due here, and this is a connection string")),
        false => Ok(PathBuf::from(said)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_no_connection_string() {
        let command = clap::Command::new("x").arg(clap::Arg::new("f").value_parser(file_name()));
        let read = |said: &str| command.clone().try_get_matches_from(["x", said]);
        assert!(read("reports/me@home.md").is_ok());
        for said in ["postgresql://u:pw@h/x", "host=h password=pw", "u:pw@h"] {
            assert!(read(said).unwrap_err().to_string().contains("a file is due here"), "{said}");
        }
    }
}
