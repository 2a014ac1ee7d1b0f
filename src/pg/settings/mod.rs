//! Where to connect, as which role and how: flags, a connection string, a service file, the `PG…` variables and the
//! password file, put together as libpq does it.
//!
//! What it is not: it opens no socket and knows no command-line parser. It only reads (a service file, a password file,
//! certificates and keys) and does that through [`Environment`], so that a test can give its own world.
//!
//! # The map
//!
//! [`resolve`] (`resolve.rs`) is the one way in. It lets `layers.rs` gather every value that was given, each with its
//! [`Origin`], the strongest first:
//!
//! 1. flags (`-h -p -U -d`): unlike in psql, where a connection string beats them, as a `-p 5501` beside a connection
//!    string is meant to count. `-d` may itself be a connection string, and a connection string without `=` or
//!    `://` is the name of a database;
//! 2. the connection string (`dsn.rs`, its two forms in `key_value.rs` and `uri.rs`);
//! 3. the named service (`service.rs`);
//! 4. the environment (`environment.rs`; `keyword.rs` has the variable of each option);
//! 5. the defaults below.
//!
//! As in libpq, an option that is given as empty (`host=''`, `PGPORT=`) hides weaker layers and means the default,
//! except where there is a choice of words (`sslmode=''` is an error); an empty flag says nothing. Where two layers
//! differ about one place, the pair is libpq's too (`PGHOSTADDR` is where to connect, `host` is the name), but an
//! address never overrules `-h`. `unsupported.rs` then warns of, or refuses, what libpq knows and pgchaos does not do:
//! an option that demands security is refused, never dropped. `hosts.rs` pairs hosts, addresses and ports,
//! `tls.rs` reads how the connection is secured (by [`crate::tls`]), with the files of `default_files.rs`, `values.rs` reads numbers and choices, `pgpass.rs` finds each host's
//! password, and `driver.rs` makes the driver's configuration.
//!
//! # Defaults
//!
//! Host `localhost` (also where libpq would take its socket directory), port 5432, user, password and database
//! `postgres`, `application_name` the session's purpose ([`ConnectSettings::called`]), else `pgchaos`. The database stays
//! `postgres` when only a user is given (libpq would take the user's name): it is there in every cluster, and a load generator's user seldom has a database of its own. The
//! password `postgres` is tried for a host only when nothing gave one for it, and sent only over a Unix socket or to a
//! loopback address ([`Host::password_at`]); [`PasswordSource`] tells where it came from. Where only the record of a run
//! names a host, the same holds for every password ([`ConnectSettings::by_record_alone`]).
//!
//! # Secrets
//!
//! [`Password`], [`Explicit`] and [`Environment`] hide secrets in `Debug`, and an error never quotes a connection string: only names of options, values that cannot be a secret, and positions. A connection string
//! as the value of another option (`PGDATABASE=postgresql://…`, which libpq would send and the server log) is refused.

mod default_files;
mod driver;
mod dsn;
mod dsn_error;
mod environment;
mod error;
mod explicit;
mod given;
mod hosts;
mod key_value;
mod keyword;
mod layers;
mod meant;
mod pair;
mod password;
mod pgpass;
mod resolve;
mod secret;
mod service;
mod socket_path;
mod ssl_mode;
mod tls;
mod tls_variables;
mod types;
mod unsupported;
mod uri;
mod values;
mod warning;
mod zoned_address;

#[cfg(test)]
mod tests;

pub use dsn::hosts_named;
pub use dsn_error::DsnError;
pub use environment::Environment;
pub use error::{Origin, SettingsError};
pub use explicit::Explicit;
pub use keyword::is_option;
pub use password::{Password, PasswordSource};
pub use resolve::{Resolved, resolve};
pub use secret::may_hold_a_secret;
pub use socket_path::too_long as socket_path_too_long;
pub use ssl_mode::SslMode;
pub use tls::{Security, https_client};
pub use types::{Address, ConnectSettings, Host, Keepalive, TargetSession};
pub use warning::Warning;
pub use zoned_address::ZonedAddress;
