//! Headings of help pages under which options of several groups stand.

/// Over the options that a newcomer needs.
pub(super) const MAIN: &str = "Main options";

/// Over the options that say where to connect.
pub(super) const CONNECTION: &str =
    "Connection, as in psql (PG… variables and ~/.pgpass count too)";
