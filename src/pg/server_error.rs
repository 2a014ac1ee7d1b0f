//! An error message of the server, as it came over the wire.

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorFields;

use crate::model::fault::{Evidence, Severity};

/// What an `ErrorResponse` or a `NoticeResponse` says, as far as it is of use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerError {
    sqlstate: String,
    severity: String,
    severity_untranslated: Option<String>,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    routine: Option<String>,
}

impl ServerError {
    /// Reads the fields of a message. One that is damaged is read as far as it goes.
    #[must_use]
    pub fn of(mut fields: ErrorFields<'_>) -> Self {
        let mut error = Self::default();
        while let Ok(Some(field)) = fields.next() {
            let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                b'C' => error.sqlstate = value,
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

    /// The evidence that it is.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        Evidence {
            sqlstate: Some((self.sqlstate.clone(), self.severity())),
            server_spoke: true,
            ..Evidence::default()
        }
    }

    /// Whether it is the end of its session.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.severity() == Severity::Fatal
    }

    /// The server's words, with detail and hint.
    #[must_use]
    pub fn words(&self) -> String {
        let more = [&self.detail, &self.hint].into_iter().flatten();
        more.fold(self.message.clone(), |words, more| format!("{words} · {more}"))
    }

    /// Whether it warns that a commit did not wait for the synchronous standby.
    ///
    /// The warning has no SQLSTATE of its own and its text is translated; the server's function
    /// that says it is neither.
    #[must_use]
    pub fn is_cancelled_synchronous_wait(&self) -> bool {
        self.routine.as_deref() == Some("SyncRepWaitForLSN")
    }

    fn severity(&self) -> Severity {
        // Servers before 9.6, and poolers, send only the translated word. What is not known to be
        // an ERROR proves nothing.
        match self.severity_untranslated.as_deref().unwrap_or(&self.severity) {
            "ERROR" => Severity::Error,
            _ => Severity::Fatal,
        }
    }
}
