//! `pgchaos demo` on the command line.

use clap::Args;

/// `pgchaos demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
It takes about half a minute. The cluster is three etcd, three Patroni with
PostgreSQL and one HAProxy, as plain processes on loopback. Afterwards nothing
is left running, and its data is removed. The last line names a page with the
film of the run, for a browser.

Exit codes: 0 as it should be, 1 something else was seen, 3 not everything could
be seen, 4 it could not run, 130 stopped at once.")]
pub struct DemoArgs {
    /// Install what is missing first, with apt-get (as root or by sudo), without asking
    #[arg(long, env = "PGCHAOS_INSTALL_DEPS")]
    pub install_deps: bool,
    /// The first of the cluster's 15 ports [default: the usual ones, see lab --help]
    #[arg(long, value_name = "P", env = "PGCHAOS_BASE_PORT")]
    pub base_port: Option<u16>,
    /// A cluster that takes TLS alone
    #[arg(long, env = "PGCHAOS_TLS")]
    pub tls: bool,
    /// Leave the cluster running
    #[arg(long, env = "PGCHAOS_KEEP")]
    pub keep: bool,
}
