//! What the recorder makes of outages: events, checks, and the ids around them.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;

use super::{Gap, RECENT_WRITES, Recorder};
use crate::engine::signal::CheckRequest;
use crate::model::cluster::clock_offset::ClockOffset;
use crate::model::cluster::leadership::LeaderSeen;
use crate::model::cluster::server::Server;
use crate::model::cluster::two_primaries::{ServerAcks, TwoPrimaries, WrittenBy};
use crate::model::event::{
    Backwards, BackwardsWhat, IdGap, OutageBegan, StopReason, What, WritersOut, WritesResumed,
};
use crate::model::ledger::progress::Progress;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::outage::Outage;
use crate::model::outage::ack_gaps::GapNews;
use crate::model::outage::clock::{Input, Output};
use crate::model::outage::kind::{Detail, Sightings};
use crate::pg::sessions::identity::ClockReading;

/// After this time the recorder knows that a write has no answer.
const KNOWN_BY: Duration = Duration::from_millis(100);

/// How long after an outage each look at it is answered, or late twice: silence is told after two looks of a second.
const LOOKS_DONE: Duration = Duration::from_millis(2_300);

impl Recorder {
    pub(super) fn step(&mut self, input: Input<'_>) {
        let now = self.clock.now();
        for output in self.outages.step(input) {
            match output {
                Output::Began { n, began } => {
                    self.flush_interval();
                    let rejected = self.run.ledger.counts().rejected;
                    let before = self.highest_id;
                    self.gap = Some(Gap { outage: n, before, after: None, rejected });
                    self.skipped_before = self.skipped();
                    self.outage_began = Some(began);
                    self.stalls_seen.outage_began();
                    let writers = self.positions();
                    self.emit(now, What::OutageBegan(OutageBegan { n, began, writers }));
                }
                Output::Resumed { n, after, writers_down } => {
                    let resumed = WritesResumed { outage: n, after, writers_down };
                    self.emit(now, What::WritesResumed(resumed));
                }
                Output::WritersOut { n, out, others_write } => {
                    let writers_out = WritersOut { outage: n, out, others_write };
                    self.emit(now, What::WritersOut(writers_out));
                }
                Output::Ended { outage, sightings } => self.outage_ended(*outage, *sightings),
                Output::FullRate { n, after } => {
                    self.emit(now, What::FullRate { outage: n, after });
                }
            }
        }
    }

    /// Writing ends. Writers that are out go on alone.
    pub(super) fn stopping(&mut self, now: Duration, reason: StopReason) {
        self.stopping = Some(now);
        self.step(Input::Stopping { at: now });
        let writers_out = self.outages.so_far(now).map_or(0, |open| open.out);
        self.emit(now, What::Stopping { reason, writers_out });
    }

    /// Whether an open outage exceeds every limit that it can still reach: then its end changes no
    /// verdict.
    pub(super) fn limits_are_decided(&self, stop: Duration, now: Duration) -> bool {
        let thresholds = &self.run.header.thresholds;
        // Until then a write that was in flight may still turn out to be silent.
        let all_known = stop + self.run.header.options.stall_after + KNOWN_BY;
        let Some(open) = self.outages.so_far(now) else { return false };
        let is_over = |limit: Option<Duration>, so_far: Option<Duration>| {
            limit.zip(so_far).is_none_or(|(limit, so_far)| so_far > limit)
        };
        (thresholds.max_outage.is_some() || thresholds.max_degraded.is_some())
            && (open.without_ack.is_some() || now >= all_known)
            && is_over(thresholds.max_outage, open.without_ack)
            && is_over(thresholds.max_degraded, Some(open.degraded))
    }

    pub(super) fn outage_ended(&mut self, mut outage: Outage, mut sightings: Sightings) {
        self.flush_interval();
        self.compare_clocks(&outage, &mut sightings);
        self.ask_patroni(&mut outage, &mut sightings);
        outage.kind = sightings.kind();
        outage.detail = sightings.detail(outage.kind);
        outage.skipped = self.skipped().saturating_sub(self.skipped_before);
        outage.fault = self.run.cause_of(outage.n, outage.began);
        let over = outage.began + outage.degraded;
        if let Some((cause, blocker)) = self.stalls_seen.within(outage.began, over) {
            outage.stall_cause = Some(cause);
            outage.blocked_by = blocker.map(Box::new);
        }
        let request = self.check_request(&outage, sightings);
        let ended = outage.first_ack.is_some();
        let (n, splits_at) = (outage.n, self.clock.now().max(over) + LOOKS_DONE);
        self.emit(over, What::OutageEnded(Box::new(outage)));
        self.unsplit.push_back((n, splits_at));
        // A checker that is behind leaves this outage to the final verification.
        if let Some(checker) = self.checker.as_ref().filter(|_| ended)
            && checker.try_send(request).is_err()
        {
            tracing::debug!("the checker is behind: an outage is left to the verification");
        }
    }

    /// Tells the parts of outages and their owners, once the watchers' looks at them are done.
    pub(super) fn split_outages(&mut self, now: Duration, until: Duration) {
        while self.unsplit.front().is_some_and(|(_, at)| *at <= until) {
            let Some((outage, _)) = self.unsplit.pop_front() else { return };
            if let Some(whose) = self.run.whose_seconds(outage) {
                self.emit(now, What::WhoseSeconds { outage, whose });
            }
        }
    }

    /// A postmaster that had started, by the server's clock, before the other one's last
    /// acknowledgement is no new start of that other one.
    fn compare_clocks(&self, outage: &Outage, sightings: &mut Sightings) {
        let (Some(before), Some(after)) = (&sightings.before, &sightings.after) else { return };
        let offset = self.run.clocks.of(after);
        let (Some(offset), Some(start), Some(last_ack)) =
            (offset, after.postmaster_start, outage.last_ack)
        else {
            return;
        };
        let last_ack = self.run.header.started_at + last_ack.min(outage.began);
        sightings.both_were_up = before.postmaster_start.is_some()
            && !after.is_same_start(before)
            && offset.is_before(start, last_ack);
    }

    /// What Patroni's API adds to what the writers have seen.
    fn ask_patroni(&mut self, outage: &mut Outage, sightings: &mut Sightings) {
        let Some(patroni) = &self.patroni else { return };
        // A session can be older than the names.
        sightings.before.iter_mut().for_each(|server| self.names.name_server(server));
        sightings.after.iter_mut().for_each(|server| self.names.name_server(server));
        outage.from.iter_mut().for_each(|side| side.name_by(&self.names));
        outage.to.iter_mut().for_each(|side| side.name_by(&self.names));
        sightings.old_primary = patroni.old_primary(sightings.before.as_ref());
        sightings.gave_up = patroni.gave_up(sightings.before.as_ref(), outage.began);
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
            known: self.run.known(),
            jump: self.gap.as_ref().and_then(Gap::jump),
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

    /// Ids that jump look like a loss: one line says that nothing is missing, when that was looked
    /// up, and what is known of the values between.
    pub(super) fn explain_gap(
        &mut self,
        outage: u32,
        nothing_missing: bool,
        (other_rows, witness_rows): (Option<u64>, u64),
    ) {
        let Some(gap) = self.gap.take_if(|gap| gap.outage == outage) else { return };
        let (Some(before), Some(after)) = (gap.before, gap.after) else { return };
        let Some(ended) = self.run.outages.iter().rev().find(|ended| ended.n == outage) else {
            return;
        };
        // Writes in doubt may have used ids, and so may other writers' first ones; those of the witnesses are known.
        let used = ended.in_doubt + self.run.header.options.writers as u64 + witness_rows;
        let jump = u64::try_from(after - before).unwrap_or(0);
        if nothing_missing && jump > used {
            let gap = IdGap {
                outage,
                before,
                after,
                kind: ended.kind,
                crashed: ended.detail == Some(Detail::ProcessCrashed),
                rejected: self.run.ledger.counts().rejected.saturating_sub(gap.rejected),
                in_doubt: ended.in_doubt,
                other_rows: other_rows.map(|rows| rows.saturating_sub(witness_rows)),
                witness_rows,
            };
            self.emit(self.clock.now(), What::IdGap(gap));
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

    /// A witness's acknowledgements. Its server is named as the load's are: by one name only can both be known as one.
    pub(super) fn witness_acknowledged(
        &mut self,
        member: String,
        mut server: Server,
        acks: ServerAcks,
    ) {
        self.names.name_server(&mut server);
        self.two_primaries.acknowledged(&server, WrittenBy::Witness, acks);
        self.named_members.insert(member, server);
    }

    /// Pairs of servers that acknowledged at the same time, as events.
    pub(super) fn two_primaries_seen(&mut self, now: Duration, seen: Vec<TwoPrimaries>) {
        for mut seen in seen {
            self.name_by_user(&mut seen.old);
            self.name_by_user(&mut seen.new);
            self.emit(now, What::TwoPrimaries(Box::new(seen)));
        }
    }

    /// Names a server as the user called its member, where nothing else names it.
    fn name_by_user(&self, server: &mut Server) {
        let is_this = |(_, known): &(&String, &Server)| known.is_same_start(server);
        let called = self.named_members.iter().find(is_this).map(|(name, _)| name.clone());
        server.member = server.member.take().or(called);
    }

    /// Stretches without an acknowledgement, as events: a comparison of runs needs them.
    pub(super) fn ack_gaps_said(&mut self, now: Duration, said: Vec<GapNews>) {
        for said in said {
            let what = match said {
                GapNews::GoesOn(from) => What::AckGapGoesOn { from },
                GapNews::Over(gap) => What::AckGap(gap),
            };
            self.emit(now, what);
        }
    }

    /// A server's clock was read: how far it is ahead of the run's, that of every time in its record.
    pub(super) fn clock_read(&mut self, server: &Server, reading: ClockReading) {
        let asked = self.clock.at(reading.asked);
        let asked_at = TimeDelta::from_std(asked)
            .ok()
            .and_then(|asked| self.run.header.started_at.checked_add_signed(asked));
        let Some(asked_at) = asked_at else { return };
        let round_trip = reading.answered.saturating_duration_since(reading.asked);
        let offset = ClockOffset::measured(reading.server, asked_at, round_trip);
        if self.run.clocks.is_news(server, offset) {
            let server = Box::new(server.clone());
            self.emit(self.clock.now(), What::ServerClock { server, offset });
        }
    }
}
