//! An error or a notice of the server, as it came over the wire.

use std::io::ErrorKind;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorFields;

use crate::model::fault::{Evidence, Severity};
use crate::model::foreign::{said, sqlstate};

/// The fields of an `ErrorResponse` or a `NoticeResponse` that pgchaos uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerError {
    /// `None` where it is missing or malformed.
    sqlstate: Option<String>,
    severity: String,
    severity_untranslated: Option<String>,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    routine: Option<String>,
}

/// The words of an error for people, with detail and hint, cut to the length of a message.
pub(in crate::pg) fn words(
    sqlstate: Option<&str>,
    message: &str,
    more: [Option<&str>; 2],
) -> String {
    let lead = if sqlstate.is_none() { "an error without a SQLSTATE: " } else { "" };
    let words = format!("{lead}{}", said(message));
    let more = more.into_iter().flatten();
    said(&more.fold(words, |words, more| format!("{words} · {}", said(more))))
}

impl ServerError {
    /// Reads the fields of a message, each cut to the length of a message. A damaged message is read as
    /// far as it goes.
    #[must_use]
    pub fn of(mut fields: ErrorFields<'_>) -> Self {
        let mut error = Self::default();
        while let Ok(Some(field)) = fields.next() {
            let value = said(&String::from_utf8_lossy(field.value_bytes()));
            match field.type_() {
                b'C' => error.sqlstate = sqlstate(&value).map(str::to_owned),
                b'S' => error.severity = value,
                b'V' => error.severity_untranslated = Some(value),
                b'M' => error.message = value,
                b'D' => error.detail = Some(value),
                b'H' => error.hint = Some(value),
                b'R' => error.routine = Some(value),
                _ => {}
            }
        }
        error
    }

    /// The evidence for its class.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        Evidence {
            sqlstate: self.sqlstate.clone().map(|sqlstate| (sqlstate, self.severity())),
            // Every error of PostgreSQL has a SQLSTATE.
            io: self.sqlstate.is_none().then_some(ErrorKind::InvalidData),
            server_spoke: true,
            postmaster_died: self.is_of_an_orphan(),
            ..Evidence::default()
        }
    }

    /// Whether this answer to a write proves that it is not committed.
    #[must_use]
    pub fn proves_rejection(&self) -> bool {
        self.evidence().proves_rejection()
    }

    /// Whether it comes from a server process without its postmaster, which has died.
    ///
    /// It has the SQLSTATE of an administrator's command, and its text is translated. The routine tells
    /// it: the one that waits for the client.
    fn is_of_an_orphan(&self) -> bool {
        let waits = matches!(self.routine.as_deref(), Some("secure_read" | "secure_write"));
        waits && self.sqlstate.as_deref() == Some("57P01")
    }

    /// Whether it is a warning that announces the end of the session. A server process that exits at
    /// once, after a crash (57P02) or by an immediate shutdown (57P01), sends no ERROR or FATAL.
    #[must_use]
    pub fn announces_the_end(&self) -> bool {
        matches!(self.sqlstate.as_deref(), Some("57P01" | "57P02"))
    }

    /// Whether a prepared statement is missing, or exists already: a pooler shares server sessions
    /// between clients.
    #[must_use]
    pub fn is_of_shared_sessions(&self) -> bool {
        matches!(self.sqlstate.as_deref(), Some("26000" | "42P05"))
            && self.severity() == Severity::Error
    }

    /// Whether a policy of row-level security refuses this one row. It has the SQLSTATE of missing
    /// rights; the routine tells it.
    #[must_use]
    pub fn is_of_row_security(&self) -> bool {
        self.routine.as_deref() == Some("ExecWithCheckOptions")
            && self.sqlstate.as_deref() == Some("42501")
    }

    /// Whether it ends its session.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.severity() == Severity::Fatal
    }

    /// The server's words, with detail and hint.
    #[must_use]
    pub fn words(&self) -> String {
        let more = [self.detail.as_deref(), self.hint.as_deref()];
        words(self.sqlstate.as_deref(), &self.message, more)
    }

    /// Whether it warns that a commit did not wait for the synchronous standby.
    ///
    /// The warning has no SQLSTATE of its own, and its text is translated. The routine tells it.
    #[must_use]
    pub fn is_cancelled_synchronous_wait(&self) -> bool {
        self.routine.as_deref() == Some("SyncRepWaitForLSN")
    }

    fn severity(&self) -> Severity {
        // Servers before 9.6, and poolers, send only the translated word. Only a known ERROR proves
        // anything.
        match self.severity_untranslated.as_deref().unwrap_or(&self.severity) {
            "ERROR" => Severity::Error,
            _ => Severity::Fatal,
        }
    }
}
