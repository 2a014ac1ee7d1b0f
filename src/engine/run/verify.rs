//! The verification that ends a run. That of a record, later, is `commands/verify.rs`.

use tokio::sync::mpsc;

use super::plan::RunError;
use super::started::Started;
use crate::engine::record::file::lost_writes;
use crate::engine::signal::Signal;
use crate::engine::verification::verify;
use crate::engine::watch::patroni::PatroniWatch;
use crate::model::event::{Verification, What};
use crate::pg::sessions::application_name::Purpose;

/// Steps of the verification that wait to be told. One that finds no room is only not told.
const STEPS_WAITING: usize = 16;

impl Started {
    /// Verifies, unless everything is stopped before that is done. Whether it was stopped.
    pub(super) async fn verify(&mut self, began: bool) -> Result<bool, RunError> {
        let everything = self.stop.everything.clone();
        let verification = async {
            self.helpers.checks_done().await;
            if began {
                let verification = self.verified().await?;
                self.teller.fact(What::Verified(Box::new(verification))).await;
            }
            Ok::<(), RunError>(())
        };
        tokio::select! {
            verified = verification => verified.map(|()| false),
            () = everything.cancelled() => Ok(true),
        }
    }

    /// The verification's result, with the lost writes dated from the record.
    async fn verified(&mut self) -> Result<Verification, RunError> {
        let header = &self.plan.header;
        let found = self.patroni.as_ref().map(PatroniWatch::apis).unwrap_or_default();
        let site = self.site.clone().with_found(found).for_purpose(header.run_id, Purpose::Verify);
        let subject = self.teller.ask(Signal::Inspect).await.ok_or_else(RunError::no_recorder)?;
        let (steps, mut told) = mpsc::channel(STEPS_WAITING);
        let telling = async {
            while let Some(step) = told.recv().await {
                self.teller.fact(What::from(step)).await;
            }
        };
        let verifying = async {
            verify(&subject, &site, header.options.verify_timeout, move |step| {
                let _ = steps.try_send(step);
            })
            .await
        };
        let (mut verification, ()) = tokio::join!(verifying, telling);
        let lost = verification.account.as_ref().is_some_and(|account| account.counts.lost > 0);
        verification.lost_writes = match self.keeper.as_mut().filter(|_| lost) {
            Some(record) => record.dated(header.started_at, &verification).await,
            None => lost_writes(header.started_at, &verification, None),
        };
        Ok(verification)
    }
}
