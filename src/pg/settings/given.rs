//! A value that was given for an option, and the error for one that the option cannot have.

use super::error::{Origin, SettingsError};

/// What is shown in the place of what may be a secret.
pub(super) const HIDDEN: &str = "***";

/// A value and where it was given. Not `Debug`, as it may be a password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct GivenValue {
    pub(super) value: String,
    pub(super) origin: Origin,
}

impl GivenValue {
    /// The error for this value. A value that may be part of a connection string gone wrong, and so of
    /// a password, is not shown.
    pub(super) fn invalid(
        &self,
        keyword: &'static str,
        expected: impl Into<String>,
    ) -> SettingsError {
        let Self { value, origin } = self;
        let letters = value.chars().filter(|c| !c.is_ascii_digit() && !", +-".contains(*c)).count();
        // `postgresql://user:password`, its host forgotten, names a port.
        let is_password = keyword == "port" && *origin == Origin::ConnectionString && letters > 1;
        let showable = !is_password && !value.contains(['=', '@']);
        SettingsError::InvalidValue {
            keyword,
            value: if showable { value.clone() } else { HIDDEN.to_owned() },
            origin: origin.clone(),
            expected: expected.into(),
        }
    }
}
