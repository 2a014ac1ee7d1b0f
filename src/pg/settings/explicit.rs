//! What the command line gives for the connection.

use std::collections::BTreeMap;
use std::fmt;

/// What the command line gives. An empty value counts as not given.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Explicit {
    /// The connection string (URI or key=value), or the plain name of a database, as in psql.
    pub dsn: Option<String>,
    /// `-h/--host`: names, addresses or socket directories, separated by commas.
    pub host: Option<String>,
    /// `-p/--port`: one port for all hosts, or as many as hosts, separated by commas.
    pub port: Option<String>,
    /// `-U/--username`.
    pub user: Option<String>,
    /// `-d/--dbname`: the name of a database, or a connection string.
    pub dbname: Option<String>,
    /// Options of TLS as a run had them, by its record: the weakest source. Others are ignored.
    pub tls_of_run: BTreeMap<String, String>,
    /// For a member of a cluster: how the cluster itself is connected to. It gives what the connection string leaves
    /// open, but for where: host and port are the member's own.
    pub of_cluster: Option<Box<Explicit>>,
}

/// Shows only whether a connection string was given, as it may have a password.
impl fmt::Debug for Explicit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explicit")
            .field("dsn", &self.dsn.as_ref().map(|_| "***"))
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .field("dbname", &self.dbname.as_ref().map(|_| "***"))
            .field("tls_of_run", &self.tls_of_run)
            .field("of_cluster", &self.of_cluster)
            .finish()
    }
}
