//! Where to connect, on the command line.

use clap::Args;

use super::headings::{CONNECTION, MAIN};
use crate::pg::settings::Explicit;

/// A database by a connection string, by options, or by both.
#[derive(Debug, Args)]
pub struct TargetArgs {
    /// A connection string: postgresql://… or key=value, several hosts allowed
    #[arg(value_name = "DSN")]
    pub dsn: Option<String>,
    /// What is not in the connection string.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl TargetArgs {
    /// What was said, for the connection settings.
    #[must_use]
    pub fn explicit(&self) -> Explicit {
        self.connection.explicit(self.dsn.as_ref())
    }
}

/// The connection options of psql and pgbench. What they leave open comes from a connection string,
/// from `PGHOST` and the like, a service file, `~/.pgpass`, and at last from the defaults.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = CONNECTION)]
pub struct ConnectionArgs {
    /// Port; 5500 is the write port of the bundled cluster [default: 5432]
    #[arg(short = 'p', long, value_name = "PORT", env = "PGCHAOS_PORT",
          help_heading = MAIN)]
    pub port: Option<String>,
    /// Host, or folder of the Unix socket; several with commas [default: localhost]
    #[arg(short = 'h', long, value_name = "HOST", env = "PGCHAOS_HOST")]
    pub host: Option<String>,
    /// Role [default: postgres]
    #[arg(short = 'U', long, value_name = "USER", env = "PGCHAOS_USERNAME")]
    pub username: Option<String>,
    /// Database, or a connection string [default: postgres]
    #[arg(short = 'd', long, value_name = "DB", env = "PGCHAOS_DBNAME", hide_env_values = true)]
    pub dbname: Option<String>,
}

impl ConnectionArgs {
    /// What was said, for the connection settings: these options beside a connection string.
    #[must_use]
    pub fn explicit(&self, dsn: Option<&String>) -> Explicit {
        Explicit {
            dsn: dsn.cloned(),
            host: self.host.clone(),
            port: self.port.clone(),
            user: self.username.clone(),
            dbname: self.dbname.clone(),
            ..Explicit::default()
        }
    }
}
