//! Where tokio-postgres hides the cause of a failure.
//!
//! Its `Display` leaves the chain of causes out, and its kinds are not public. A call's error is often
//! only "closed", while the connection's own result has the SQLSTATE or the io error. The result here
//! is [`Evidence`]; the model decides what it means.

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity as DriverSeverity, SqlState};

use crate::model::connect_cause::ConnectCause;
use crate::model::fault::{Evidence, Severity};
use crate::model::foreign::{said, sqlstate};
use crate::pg::failure::{SessionFailure, own_limits, server_error};
use crate::pg::wire::frames::FrameError;
use crate::tls::handshake_error;

/// The failure behind the driver's error. `server_spoke` is whether a byte came from the server.
#[must_use]
pub fn failure(error: &Error, server_spoke: bool) -> SessionFailure {
    SessionFailure::new(evidence(error, server_spoke), words(error))
}

fn evidence(error: &Error, server_spoke: bool) -> Evidence {
    let mut found = Evidence { server_spoke, ..Evidence::default() };
    if let Some(db_error) = error.as_db_error() {
        let code = sqlstate(db_error.code().code());
        found.sqlstate = code.map(|code| (code.to_owned(), severity(db_error)));
        // Every error of PostgreSQL has a SQLSTATE.
        found.io = code.is_none().then_some(io::ErrorKind::InvalidData);
        found.server_spoke = true;
        found.postmaster_died = matches!(db_error.routine(), Some("secure_read" | "secure_write"))
            && *db_error.code() == SqlState::ADMIN_SHUTDOWN;
        return found;
    }
    if let Some(io) = io_error(error) {
        found.io = Some(io.kind());
        // TLS 1.3 lets a server refuse a client's certificate after the handshake.
        found.tls = handshake_error::of_tls(io).map(|failure| failure.cause());
        found.own_limit = own_limits::of_socket(io);
        found.no_process = matches!(frame_error(io), Some(FrameError::NoProcess { .. }));
    }
    // The kinds are private, but each prints a constant of the driver, which no server and no locale
    // can change.
    match error.to_string().as_str() {
        "authentication error" => {
            found.authentication = true;
            found.connect_cause = cause_of_login(error);
        }
        // Of all settings, pgchaos leaves only the password out.
        "invalid configuration" => {
            found.authentication = true;
            found.connect_cause = Some(ConnectCause::PasswordMissing);
        }
        // The bytes do not answer the request.
        "unexpected message from server" | "error parsing response from server" => {
            found.io = Some(io::ErrorKind::InvalidData);
        }
        // The same: a column of another type, a NULL, one row too few.
        words
            if ["error deserializing column", "invalid column", "query returned an unexpected"]
                .iter()
                .any(|begin| words.starts_with(begin)) =>
        {
            found.io = Some(io::ErrorKind::InvalidData);
        }
        _ => {}
    }
    found
}

fn severity(error: &DbError) -> Severity {
    match error.parsed_severity() {
        Some(DriverSeverity::Fatal | DriverSeverity::Panic) => Severity::Fatal,
        Some(_) => Severity::Error,
        // Servers before 9.6, and poolers, send only the translated word. Only a known ERROR proves
        // anything.
        None if error.severity() == "ERROR" => Severity::Error,
        None => Severity::Fatal,
    }
}

fn io_error(error: &Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

/// The limit of pgchaos that the bytes went beyond, if it is one.
fn frame_error(error: &io::Error) -> Option<&FrameError> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// Why the client's side gave the login up. Compares with constants of the driver and of its library, which no server and
/// no locale can change.
fn cause_of_login(error: &Error) -> Option<ConnectCause> {
    match error.source()?.to_string().as_str() {
        "server did not use channel binding" => Some(ConnectCause::NoBinding),
        "SCRAM iteration count exceeds the maximum allowed" => Some(ConnectCause::TooManyRounds),
        _ => None,
    }
}

/// The error in words for people, with its chain of causes.
fn words(error: &Error) -> String {
    if let Some(db_error) = error.as_db_error() {
        let more = [db_error.detail(), db_error.hint()];
        return server_error::words(sqlstate(db_error.code().code()), db_error.message(), more);
    }
    if let Some(tls) = io_error(error).and_then(|io| handshake_error::of_tls(io)) {
        return tls.to_string();
    }
    if error.is_closed() {
        return "server closed the connection".to_owned();
    }
    // A constant of tokio-util, which the driver reads with.
    if io_error(error).is_some_and(|io| io.to_string() == "bytes remaining on stream") {
        return "server closed the connection in the midst of a message".to_owned();
    }
    if let Some(frame_error) = io_error(error).and_then(frame_error) {
        return frame_error.to_string();
    }
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    said(&words)
}
