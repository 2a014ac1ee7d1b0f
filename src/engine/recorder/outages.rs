//! What the recorder makes of outages: events, checks, and the ids around them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Gap, RECENT_WRITES, Recorder};
use crate::engine::signal::CheckRequest;
use crate::model::event::{
    Backwards, BackwardsWhat, IdGap, LeaderSeen, OutageBegan, Progress, What, WritesResumed,
};
use crate::model::kind::Sightings;
use crate::model::outage::Outage;
use crate::model::outage_clock::{Input, Output};
use crate::model::seq_set::SeqSet;
use crate::model::server::Server;

impl Recorder {
    pub(super) fn step(&mut self, input: Input<'_>) {
        let now = self.clock.now();
        for output in self.outages.step(input) {
            match output {
                Output::Began { n, began } => {
                    self.flush_interval();
                    self.gap = Some(Gap { outage: n, before: self.highest_id, after: None });
                    self.skipped_before = self.skipped();
                    self.outage_began = Some(began);
                    let writers = self.positions();
                    self.emit(now, What::OutageBegan(OutageBegan { n, began, writers }));
                }
                Output::Resumed { n, after, writers_down } => {
                    let resumed = WritesResumed { outage: n, after, writers_down };
                    self.emit(now, What::WritesResumed(resumed));
                }
                Output::Ended { outage, sightings } => self.outage_ended(*outage, *sightings),
                Output::FullRate { n, after } => {
                    self.emit(now, What::FullRate { outage: n, after });
                }
            }
        }
    }

    pub(super) fn outage_ended(&mut self, mut outage: Outage, mut sightings: Sightings) {
        self.flush_interval();
        self.ask_patroni(&mut outage, &mut sightings);
        outage.skipped = self.skipped().saturating_sub(self.skipped_before);
        outage.fault = self.run.cause_of(outage.n, outage.began);
        let over = outage.began + outage.degraded;
        let request = self.check_request(&outage, sightings);
        let ended = outage.first_ack.is_some();
        self.emit(over, What::OutageEnded(Box::new(outage)));
        // A checker that is behind leaves this outage to the final verification.
        if let Some(checker) = self.checker.as_ref().filter(|_| ended)
            && checker.try_send(request).is_err()
        {
            tracing::debug!("the checker is behind: an outage is left to the verification");
        }
    }

    /// What Patroni's API adds to what the writers have seen.
    fn ask_patroni(&mut self, outage: &mut Outage, sightings: &mut Sightings) {
        let Some(patroni) = &self.patroni else { return };
        // A session can be older than the names.
        sightings.before.iter_mut().for_each(|server| self.names.name_server(server));
        sightings.after.iter_mut().for_each(|server| self.names.name_server(server));
        outage.from.iter_mut().for_each(|side| self.names.name_side(side));
        outage.to.iter_mut().for_each(|side| self.names.name_side(side));
        sightings.old_primary = patroni.old_primary(sightings.before.as_ref());
        outage.kind = sightings.kind();
        outage.phases.leader_changed = self.leader_changes.of(outage);
    }

    pub(super) fn leader_seen(&mut self, at: Duration, seen: LeaderSeen) {
        // The first look finds a leader, and no change.
        let changed = seen.to.is_some().then_some(seen.not_before).flatten();
        self.emit(at, What::Leader(seen));
        if let Some(not_before) = changed
            && let Some((outage, after)) = self.leader_changes.changed(not_before, at)
        {
            self.emit(at, What::LeaderChanged { outage, after });
        }
    }

    pub(super) fn check_request(&self, outage: &Outage, sightings: Sightings) -> CheckRequest {
        let mut request = CheckRequest {
            outage: outage.n,
            began: outage.began,
            sightings,
            kind: outage.kind,
            windows: Vec::new(),
            acknowledged: BTreeMap::new(),
            in_doubt: BTreeMap::new(),
        };
        let each = (RECENT_WRITES / i64::try_from(self.writers.len().max(1)).unwrap_or(1)).max(10);
        let starts = self.run.outage_start(outage.n).unwrap_or_default();
        for (writer, book) in self.run.ledger.books() {
            // What was written before the outage can be gone, what came after it cannot.
            let start = starts.iter().find(|start| start.writer == writer);
            let doubt = book.in_doubt.last().unwrap_or(0);
            let last = start.map_or(book.attempted, |start| start.attempted).max(doubt);
            let window = (writer, (last - each).max(1), last);
            let in_window = SeqSet::range(window.1, window.2);
            request.windows.push(window);
            request.acknowledged.insert(writer, &book.acknowledged() & &in_window);
            let doubts = &(&book.in_doubt - &book.recovered) & &in_window;
            request.in_doubt.insert(writer, doubts);
        }
        request
    }

    /// The first id of a session against the highest one before it. An identity never goes back
    /// but with the history that gave it.
    pub(super) fn first_id(&mut self, writer: i32, first_id: i64, floor: i64) {
        // Only the very first id after the outage tells a gap: later ones are other writers'.
        if let Some(gap) = &mut self.gap
            && gap.before == self.highest_id
        {
            gap.after.get_or_insert(first_id);
        }
        let told = self.run.history_backwards.iter().any(|backwards| {
            backwards.what == BackwardsWhat::Id && Some(backwards.seen) >= self.outage_began
        });
        if first_id <= floor && !told {
            let now = self.clock.now();
            let server = self.outages.server_of(writer).map(Server::name);
            let backwards = Backwards {
                what: BackwardsWhat::Id,
                from: floor.to_string(),
                to: first_id.to_string(),
                server: server.unwrap_or_else(|| "an unknown server".to_owned()),
                seen: now,
            };
            self.emit(now, What::HistoryBackwards(backwards));
        }
    }

    /// Everybody asks about the ids that a new primary skips; one line says that nothing is
    /// missing, when that was looked up.
    pub(super) fn explain_gap(&mut self, outage: u32, nothing_missing: bool) {
        let Some(gap) = self.gap.take_if(|gap| gap.outage == outage) else { return };
        let (Some(before), Some(after)) = (gap.before, gap.after) else { return };
        let Some(ended) = self.run.outages.iter().rev().find(|ended| ended.n == outage) else {
            return;
        };
        // Writes in doubt may have used ids, and so may other writers' first ones.
        let used = ended.in_doubt + self.run.header.options.writers as u64;
        let jump = u64::try_from(after - before).unwrap_or(0);
        if nothing_missing && jump > used {
            let kind = ended.kind;
            self.emit(self.clock.now(), What::IdGap(IdGap { outage, before, after, kind }));
        }
    }

    pub(super) fn skipped(&self) -> u64 {
        self.writers.values().map(|position| position.skipped).sum()
    }

    pub(super) fn positions(&self) -> Vec<Progress> {
        self.writers
            .iter()
            .map(|(writer, position)| Progress {
                writer: *writer,
                attempted: position.attempted,
                resolved: position.resolved,
            })
            .collect()
    }
}
