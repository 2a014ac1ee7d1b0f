//! `pgchaos lab psql`: the psql of the lab's PostgreSQL in place of this process, so that its
//! exit code, its signals and its terminal are its own.

use std::env;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::super::problem::Problem;
use crate::cli::exit::Exit;
use crate::cli::lab_args::PsqlArgs;
use crate::lab::Lab;
use crate::tls::ClusterFiles;

/// Comes back only when there is no psql, or no such server.
pub(super) async fn run(lab: &Lab, args: &PsqlArgs) -> Result<Exit, Problem> {
    let port = match &args.member {
        None => lab.write_port(),
        Some(selector) => {
            let member = lab.select(selector).await?;
            lab.server_port(member).ok_or_else(|| {
                Problem::usage(format!("{member} is no PostgreSQL server"))
                    .try_this("leader, replica, patroni1 to patroni3, or none for the write port")
            })?
        }
    };
    let psql = Lab::psql().ok_or_else(|| {
        Problem::could_not_run("there is no psql beside PostgreSQL's server, nor on the PATH")
            .try_this("apt-get install postgresql-client")
    })?;
    let (user, password) = lab.credentials();
    let mut command = Command::new(&psql);
    // These variables are set for the user's own servers, not for this one.
    for (name, _) in env::vars_os().filter(|(name, _)| name.as_bytes().starts_with(b"PG")) {
        command.env_remove(name);
    }
    command.env("PGHOST", "127.0.0.1").env("PGPORT", port.to_string()).env("PGUSER", user);
    command.env("PGPASSWORD", password).env("PGDATABASE", "postgres").args(&args.arguments);
    command.envs(lab.tls().iter().flat_map(ClusterFiles::variables));
    let error = command.exec();
    Err(Problem::could_not_run(format!("{} could not be run: {error}", psql.display())))
}
