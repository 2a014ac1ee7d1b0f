//! What the recorder makes of a writer's batch: progress, what goes wrong, acknowledgements.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Recorder, is_own};
use crate::model::cluster::two_primaries::{ServerAcks, WrittenBy};
use crate::model::event::{Failure, Stalled, What, WriterWrites};
use crate::model::fault::Phase;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::rejection::{Refused, Rejected};
use crate::model::load::writer::batch::{Batch, Refusals, Trouble};
use crate::model::outage::clock::Input;

impl Recorder {
    /// A batch is taken as a whole: no interval is told between its exceptions and the progress
    /// that passes them.
    pub(super) fn batch(&mut self, mut batch: Batch) {
        let position = self.writers.entry(batch.writer).or_default();
        let floor = position.id_floor.take_if(|_| batch.first_id.is_some());
        position.moved |=
            (position.attempted, position.resolved) != (batch.attempted, batch.resolved);
        self.interval.due += batch.due.saturating_sub(position.due);
        self.interval.skipped += batch.skipped.saturating_sub(position.skipped);
        position.attempted = batch.attempted;
        position.resolved = batch.resolved;
        position.acknowledged = batch.acknowledged.unwrap_or(position.acknowledged);
        position.due = batch.due;
        position.skipped = batch.skipped;
        position.backlog = batch.backlog;
        let (writer, interval) = (batch.writer, &mut self.interval);
        note(&mut interval.rejected, writer, &batch.rejected);
        note(&mut interval.in_doubt, writer, &batch.in_doubt);
        note(&mut interval.acknowledged_locally, writer, &batch.acknowledged_locally);
        interval.acknowledged += batch.acknowledged_at.len() as u64;
        let earlier = |at: Duration| interval.first_ack.map_or(at, |first| first.min(at));
        interval.first_ack =
            batch.acknowledged_at.first().map(|at| earlier(*at)).or(interval.first_ack);
        interval.last_ack = interval.last_ack.max(batch.acknowledged_at.last().copied());
        self.refused(writer, &batch.refusals);
        for latency_us in &batch.latency_us {
            self.latencies.record_us(*latency_us);
        }
        if let (Some(first_id), Some(floor)) = (batch.first_id, floor) {
            self.first_id(writer, first_id, floor);
        }
        self.highest_id = self.highest_id.max(batch.highest_id);
        // The end of an outage is told before the write that ended it, if no trouble follows that
        // belongs to it.
        if let Some(first) = batch.acknowledged_at.first() {
            self.acknowledging(writer, *first);
        }
        self.step(Input::Acknowledged { writer, at: &batch.acknowledged_at });
        self.waited(&batch);
        if batch.trouble.is_none() {
            self.step(Input::ToldUntil { writer, at: batch.told_until });
        }
        for (written, at) in
            std::mem::take(&mut batch.written).into_iter().zip(&batch.acknowledged_at)
        {
            self.emit(*at, What::Written(written));
        }
        if !batch.acknowledged_locally.is_empty() {
            let at = batch.acknowledged_at.last().copied().unwrap_or(batch.told_until);
            let seqs = std::mem::take(&mut batch.acknowledged_locally);
            self.emit(at, What::AcknowledgedLocally(WriterWrites { writer, seqs }));
        }
        if let Some(trouble) = batch.trouble.take() {
            if let Some(at) = trouble.leaves_unacknowledged() {
                self.ack_gaps.not_acknowledged(writer, at);
            }
            self.ack_gaps.told(writer, [], batch.waits_from, batch.told_until);
            self.trouble(writer, *trouble, batch.rejected_by_trouble, batch.in_doubt);
            self.step(Input::ToldUntil { writer, at: batch.told_until });
        }
        let Batch { sent_at: sent, acknowledged_at: at, acknowledged_seqs: seqs, .. } = batch;
        self.acknowledged_by_its_server(writer, ServerAcks { sent, at, seqs });
    }

    /// Evidence for two primaries. Behind a pooler another server may answer than the one that the session began with.
    fn acknowledged_by_its_server(&mut self, writer: i32, acks: ServerAcks) {
        let pooled = self.run.is_pooled(writer);
        if let Some(server) = self.outages.server_of(writer).filter(|_| !pooled) {
            self.two_primaries.acknowledged(server, WrittenBy::Writer(writer), acks);
        }
    }

    /// Tells a server's first acknowledgement before the progress that comes of it: a record that
    /// ends between the two knows where its writes are.
    fn acknowledging(&mut self, writer: i32, at: Duration) {
        let Some(server) = self.outages.server_of(writer) else { return };
        if !self.run.acknowledging.iter().any(|known| known.has_stayed(server)) {
            let server = server.clone();
            self.emit(at, What::Acknowledging { server });
        }
    }

    /// Refusals that are no trouble: the first of a kind is told at once, the others are counted.
    fn refused(&mut self, writer: i32, refusals: &Refusals) {
        let (sent, at) = refusals.last;
        for (Rejected { fault, count }, first) in refusals.counts.into_iter().zip(&refusals.firsts)
        {
            let mut count = *count;
            if fault.phase == Phase::Write {
                self.step(Input::Rejected { writer, sent, at, fault, count });
            }
            if self.seen.is_news(fault, at) {
                let rejected = first.map(|seq| seq..=seq).into_iter().collect();
                let in_doubt = SeqSet::new();
                let fault = fault.clone();
                let failure = Failure { writer: Some(writer), fault, in_doubt, rejected };
                self.emit(at, What::Fault(failure));
                count -= 1;
            }
            if count > 0 {
                self.interval.rejections.add(fault, count);
            }
        }
    }

    /// How long the writes of a batch waited, up to its trouble if it has one.
    fn waited(&mut self, batch: &Batch) {
        for (due, at) in &batch.refusals.waits {
            self.ack_gaps.refused(*due, *at);
        }
        let due = |(at, latency_us): (&Duration, &u64)| {
            (at.saturating_sub(Duration::from_micros(*latency_us)), *at)
        };
        let waited = batch.acknowledged_at.iter().zip(&batch.latency_us).map(due);
        let from = if batch.trouble.is_some() { batch.waited_from } else { batch.waits_from };
        self.ack_gaps.told(batch.writer, waited, from, batch.told_until);
        if batch.refusals.at_the_end && batch.trouble.is_none() {
            let refused_at = batch.refusals.last.1;
            if from.is_some_and(|from| from <= batch.told_until) {
                self.ack_gaps.refused(refused_at, batch.told_until);
            }
            self.ack_gaps.not_acknowledged(batch.writer, refused_at);
        }
    }

    fn trouble(&mut self, writer: i32, trouble: Trouble, rejected: SeqSet, in_doubt: SeqSet) {
        match trouble {
            Trouble::Failed { since, at, fault } => {
                let doubts = in_doubt.len();
                self.seen.is_news(&fault, at);
                let failure = Failure { writer: Some(writer), fault, in_doubt, rejected };
                self.emit(at, What::Fault(failure.clone()));
                if !is_own(&failure.fault) {
                    let fault = Some(&failure.fault);
                    self.step(Input::Trouble { writer, since, at, fault, in_doubt: doubts });
                }
            }
            Trouble::Refused { refused, at, fault } => {
                let Refused { since, first_at, earlier } = refused;
                self.trouble(writer, Trouble::Failed { since, at, fault }, rejected, in_doubt);
                for Rejected { fault, count } in &earlier {
                    let (sent, at, count) = (since, first_at, *count);
                    self.step(Input::Rejected { writer, sent, at, fault, count });
                }
            }
            Trouble::Stalled { seq, since, at } => {
                self.emit(at, What::Stalled(Stalled { writer, seq, since }));
                self.step(Input::Trouble { writer, since, at, fault: None, in_doubt: 0 });
            }
            Trouble::StoppedNow { at } => {
                self.emit(at, What::GivenUp(WriterWrites { writer, seqs: in_doubt }));
            }
        }
    }
}

impl Trouble {
    /// Since when the writer waits without an acknowledgement, if it took one from a write.
    fn leaves_unacknowledged(&self) -> Option<Duration> {
        match self {
            Self::Failed { at, .. } | Self::Refused { at, .. } | Self::StoppedNow { at } => {
                Some(*at)
            }
            Self::Stalled { .. } => None,
        }
    }
}

fn note(writes: &mut BTreeMap<i32, SeqSet>, writer: i32, seqs: &SeqSet) {
    if !seqs.is_empty() {
        writes.entry(writer).or_default().extend(seqs);
    }
}
