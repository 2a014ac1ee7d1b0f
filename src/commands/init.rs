//! `pgchaos init`: the database objects.

use std::time::Duration;

use super::problem::Problem;
use super::session::open;
use crate::cli::exit::Exit;
use crate::cli::objects_args::InitArgs;
use crate::engine::setup::init;

const DEADLINE: Duration = Duration::from_secs(30);

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub async fn run(args: &InitArgs) -> Result<Exit, Problem> {
    let opened = open(&args.target).await?;
    let created = init(&opened.session, DEADLINE)
        .await
        .map_err(|error| Problem::of_setup(&error, &opened.connection))?;
    let server = opened.session.server.clone();
    opened.session.close().await;
    let what = if created { "made" } else { "was there already" };
    tell!("pgchaos: schema pgchaos {what} in database {} on {server}", opened.connection.dbname);
    Ok(Exit::Pass)
}
