//! What can be wrong with a configuration file.

/// Why no checks can be told from a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    /// It is not text.
    #[error("{file}: it is no text, and so no configuration of HAProxy's")]
    NoText {
        /// The file.
        file: String,
    },
    /// A line that HAProxy would not take, or that is not understood.
    #[error("{file}:{line}: {what}")]
    Line {
        /// The file.
        file: String,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// It needs an environment variable that is not set.
    #[error(
        "{file}:{line}: it needs the variable {variable}, which HAProxy has in its environment and pgchaos has not"
    )]
    NotSet {
        /// The file.
        file: String,
        /// The line's number.
        line: usize,
        /// The variable.
        variable: String,
    },
    /// No server has `check`.
    #[error("{file}: no section has a server with `check`: HAProxy sends to each, alive or not")]
    NoCheckedServers {
        /// The file.
        file: String,
    },
    /// The section that was named has no server with `check`.
    #[error(
        "{file}:{line}: {backend} has no server with `check`: HAProxy sends to each, alive or not"
    )]
    NotChecked {
        /// The file.
        file: String,
        /// Where the section begins.
        line: usize,
        /// Its name.
        backend: String,
    },
    /// The section that was named, or each of its servers, is disabled.
    #[error(
        "{file}:{line}: {backend} is disabled: HAProxy sends nothing there before it is enabled"
    )]
    Disabled {
        /// The file.
        file: String,
        /// Where the section begins.
        line: usize,
        /// Its name.
        backend: String,
    },
    /// All sections with servers are, or their servers.
    #[error(
        "{file}: all servers with `check` are disabled: HAProxy sends to none before it is enabled"
    )]
    AllDisabled {
        /// The file.
        file: String,
    },
    /// No backend with checked servers is behind this port.
    #[error(
        "{file}: port {port} leads to no backend with checked servers; those that there are: {backends}"
    )]
    NoSuchPort {
        /// The file.
        file: String,
        /// The port that was given.
        port: u16,
        /// Those that there are.
        backends: String,
    },
    /// There is no section of this name.
    #[error("{file}: there is no backend {name}; those with checked servers are: {backends}")]
    NoSuchBackend {
        /// The file.
        file: String,
        /// The name that was given.
        name: String,
        /// Those that there are.
        backends: String,
    },
    /// Several, and nothing says which leads to the primary.
    #[error(
        "{file}: several backends have checked servers, and none alone asks for the leader: {backends}"
    )]
    Several {
        /// The file.
        file: String,
        /// Those that there are.
        backends: String,
    },
}
