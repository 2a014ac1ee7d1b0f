//! A whole run: wait for the cluster, write until it is time to stop, verify, close the record.
//!
//! - `plan`: what a run needs, how it is stopped, and how it can end.
//! - `started`: a run that has begun, its set-up and its close; `helpers`: what works beside the
//!   writers, with one owner; `load`: the writers; `verify`: the verification.

mod helpers;
mod load;
mod plan;
mod started;
mod verify;

pub use plan::{Finished, Plan, RunError, Stop};

use crate::engine::setup::SetUp;
use crate::engine::subscribers::Subscribers;
use load::NoLoad;
use started::Started;

/// Runs a plan. Events and totals go to `subscribers`.
///
/// # Errors
/// [`RunError`], only before the first write.
pub async fn run(plan: Plan, subscribers: Subscribers, stop: Stop) -> Result<Finished, RunError> {
    let mut run = Started::start(plan, subscribers, stop).await?;
    let load = match run.set_up().await {
        Ok(SetUp::Ready(prepared)) => run.load(prepared).await,
        Ok(SetUp::Stopped) => run.no_load().await,
        Err(error) => Err(NoLoad::Never(error)),
    };
    let load = match load {
        Ok(load) => load,
        Err(NoLoad::Never(error)) => return Err(run.refuse(error).await),
        Err(NoLoad::Failed(error)) => return Err(error),
    };
    let stopped_now = run.verify(load.began).await?;
    run.close(load.all_told, stopped_now).await
}
