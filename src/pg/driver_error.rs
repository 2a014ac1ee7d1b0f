//! Where tokio-postgres hides the cause of a failure.
//!
//! Its `Display` leaves the chain of causes out, a call's error often says only "closed" while the
//! connection's own result has the SQLSTATE or the io error, and the kinds are not public. What is
//! found here is [`Evidence`]; what it means is decided in the model.

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity as DriverSeverity};

use crate::model::fault::{Evidence, Severity};

/// What the driver's error shows.
#[must_use]
pub fn evidence(error: &Error, server_spoke: bool) -> Evidence {
    let mut found = Evidence { server_spoke, ..Evidence::default() };
    if let Some(db_error) = error.as_db_error() {
        found.sqlstate = Some((db_error.code().code().to_owned(), severity(db_error)));
        found.server_spoke = true;
        return found;
    }
    found.io = io_kind(error);
    // The kinds are private, but each kind of its own prints a constant of the driver's, which
    // no server and no locale can change.
    match error.to_string().as_str() {
        "error performing TLS handshake" => found.tls = true,
        "authentication error" | "invalid configuration" => found.authentication = true,
        _ => {}
    }
    found
}

fn severity(error: &DbError) -> Severity {
    match error.parsed_severity() {
        Some(DriverSeverity::Fatal | DriverSeverity::Panic) => Severity::Fatal,
        Some(_) => Severity::Error,
        // Servers before 9.6, and poolers, send only the translated word. What is not known to
        // be an ERROR proves nothing.
        None if error.severity() == "ERROR" => Severity::Error,
        None => Severity::Fatal,
    }
}

fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

/// The error in words for people, with its chain of causes.
#[must_use]
pub fn words(error: &Error) -> String {
    if let Some(db_error) = error.as_db_error() {
        let mut words = db_error.message().to_owned();
        for more in [db_error.detail(), db_error.hint()].into_iter().flatten() {
            words.push_str(" · ");
            words.push_str(more);
        }
        return words;
    }
    if error.is_closed() {
        return "server closed the connection".to_owned();
    }
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}
