//! `pgchaos demo` on the command line.

use clap::Args;

/// `pgchaos demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
It takes about half a minute, and leaves nothing running: the cluster is three etcd, three Patroni
with PostgreSQL and one HAProxy, as plain processes on loopback, and its data is removed.
Exit codes: 0 as it should be, 1 something else was seen, 3 not everything could be seen, 4 it could
not run, 130 stopped at once.")]
pub struct DemoArgs {
    /// Install what is missing first, with apt-get (as root or by sudo), without asking
    #[arg(long, env = "PGCHAOS_INSTALL_DEPS")]
    pub install_deps: bool,
    /// The cluster's first port [default: 5500 and those beside it]
    #[arg(long, value_name = "P", env = "PGCHAOS_BASE_PORT")]
    pub base_port: Option<u16>,
    /// Leave the cluster running
    #[arg(long, env = "PGCHAOS_KEEP")]
    pub keep: bool,
}
