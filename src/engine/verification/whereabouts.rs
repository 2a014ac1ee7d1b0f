//! What other servers hold of a run's acknowledged writes: where lost ones are, and what each of
//! several servers has when none of them decides.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::timeout;

use super::subject::Subject;
use super::survey::{ReachedServer, Site, close_all, survey};
use crate::model::event::Holding;
use crate::model::fault::Phase;
use crate::model::ledger::account::Account;
use crate::model::ledger::seq_set::SeqSet;
use crate::pg::sessions::session::Session;

/// How long is looked for what several servers hold: it only explains.
const DEADLINE: Duration = Duration::from_secs(60);

/// How many of the lost writes each of these servers holds. One that cannot be looked at is left
/// out.
pub(super) async fn of_lost_writes(
    subject: &Subject,
    account: &Account,
    servers: &[ReachedServer],
) -> Vec<Holding> {
    if account.counts.lost == 0 {
        return Vec::new();
    }
    held(subject, &account.lost_writes, servers).await
}

/// How many acknowledged writes each server holds that has a claim to decide.
pub(super) async fn what_each_holds(subject: &Subject, site: &Site) -> Vec<Holding> {
    let Err(open) = survey(site, &subject.known).await else { return Vec::new() };
    let acknowledged = subject.ledger.books().map(|(writer, book)| (writer, book.acknowledged()));
    let acknowledged: BTreeMap<i32, SeqSet> = acknowledged.collect();
    let holds = timeout(DEADLINE, held(subject, &acknowledged, &open.reached)).await;
    close_all(open.reached).await;
    holds.unwrap_or_default()
}

async fn held(
    subject: &Subject,
    writes: &BTreeMap<i32, SeqSet>,
    servers: &[ReachedServer],
) -> Vec<Holding> {
    let looks = servers.iter().map(|one| async {
        let writes = count(&one.session, subject, writes).await?;
        Some(Holding { server: one.session.server.clone(), writes })
    });
    futures_util::future::join_all(looks).await.into_iter().flatten().collect()
}

/// How many of these writes are there, as of one moment.
async fn count(
    session: &Session,
    subject: &Subject,
    writes: &BTreeMap<i32, SeqSet>,
) -> Option<u64> {
    let ends = |seqs: &SeqSet| Some((*seqs.ranges().next()?.start(), seqs.last()?));
    let windows: Vec<(i32, i64, i64)> = writes
        .iter()
        .filter_map(|(writer, seqs)| ends(seqs).map(|(first, last)| (*writer, first, last)))
        .collect();
    let look = session.look_at_windows(subject.run_id, &windows, DEADLINE);
    let present = session.bounded(Phase::Read, DEADLINE, look).await.ok()?;
    let nothing = SeqSet::new();
    let there =
        |(writer, seqs): (&i32, &SeqSet)| (seqs & present.get(writer).unwrap_or(&nothing)).len();
    Some(writes.iter().map(there).sum())
}
