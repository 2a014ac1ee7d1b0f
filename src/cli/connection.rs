//! Where to connect, on the command line.

use clap::Args;

use crate::pg::settings::Explicit;

/// The heading over them.
pub(super) const CONNECTION: &str =
    "Connection, as in psql (PG… variables and ~/.pgpass count too)";

/// The flags of psql and pgbench. What is not said comes from a DSN, `PGHOST` and its like, a
/// service file, `~/.pgpass`, and last from the defaults.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = CONNECTION)]
pub struct ConnectionArgs {
    /// Port; 5500 is the write port of the bundled cluster [default: 5432]
    #[arg(short = 'p', long, value_name = "PORT", env = "PGCHAOS_PORT",
          help_heading = super::FIRST)]
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
    /// The same in the words of the connection settings.
    #[must_use]
    pub fn explicit(&self, dsn: Option<&String>) -> Explicit {
        Explicit {
            dsn: dsn.cloned(),
            host: self.host.clone(),
            port: self.port.clone(),
            user: self.username.clone(),
            dbname: self.dbname.clone(),
        }
    }
}
