//! `pgchaos clean`: one run's rows, or the schema.

use std::time::Duration;

use uuid::Uuid;

use super::problem::Problem;
use super::session::{CommandSession, open};
use super::state_folder::named_run;
use crate::cli::exit::Exit;
use crate::cli::objects_args::CleanArgs;
use crate::engine::setup::SetupStep;
use crate::model::cluster::witness;
use crate::model::fault::Phase;
use crate::pg::objects::schema::{Dropped, Objects};

/// Deadline of one statement.
const DEADLINE: Duration = Duration::from_secs(60);

/// Rows removed by one statement.
const ROWS_AT_ONCE: i64 = 50_000;

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub async fn run(args: &CleanArgs) -> Result<Exit, Problem> {
    let run_id = args.run_id.as_ref().map(named_run).transpose()?;
    let opened = open(&args.target).await?;
    let session = &opened.session;
    let objects = session
        .bounded(Phase::Write, DEADLINE, session.objects())
        .await
        .map_err(|fault| opened.refused(SetupStep::Connect, fault))?;
    if objects == Objects::Missing || (objects == Objects::Empty && run_id.is_some()) {
        tell!("pgchaos: there is no schema pgchaos in database {}", opened.connection.dbname);
    } else if let Some(run_id) = run_id {
        remove_run(&opened, run_id).await?;
    } else {
        let dropped = session
            .bounded(Phase::Write, DEADLINE, session.drop_objects())
            .await
            .map_err(|fault| opened.refused(SetupStep::Remove, fault))?;
        match dropped {
            Dropped::Everything => {
                tell!("pgchaos: schema pgchaos removed from database {}", opened.connection.dbname);
            }
            Dropped::Tables => tell!(
                "pgchaos: the tables of pgchaos removed from database {}; the schema stays, as there \
                 is something else in it",
                opened.connection.dbname
            ),
        }
    }
    opened.session.close().await;
    Ok(Exit::Pass)
}

/// Removes a run's rows, and those of its witnesses.
async fn remove_run(opened: &CommandSession, run_id: Uuid) -> Result<(), Problem> {
    let removed = remove_rows(opened, run_id).await?;
    let of_witnesses = match remove_rows(opened, witness::run_id_of(run_id)).await? {
        0 => String::new(),
        rows => format!(", and {rows} of its witnesses"),
    };
    tell!("pgchaos: {removed} rows of run {run_id} removed{of_witnesses}");
    Ok(())
}

async fn remove_rows(opened: &CommandSession, run_id: Uuid) -> Result<u64, Problem> {
    let session = &opened.session;
    let mut removed = 0;
    loop {
        let batch = session
            .bounded(Phase::Write, DEADLINE, session.remove_some_rows(run_id, ROWS_AT_ONCE))
            .await
            .map_err(|fault| opened.refused(SetupStep::Remove, fault))?;
        removed += batch;
        if batch == 0 {
            return Ok(removed);
        }
    }
}
