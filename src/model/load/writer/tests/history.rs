//! A writer that is told a history, and its actions in words.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;

use crate::model::fault::{Evidence, Fault, Phase, Severity};
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::options::LoadOptions;
use crate::model::load::writer::action::{Overdue, WriterAction};
use crate::model::load::writer::batch::{Batch, Trouble};
use crate::model::load::writer::input::WriterInput;
use crate::model::load::writer::rules::Rules;
use crate::model::load::writer::step::Writer;

pub(super) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A closed loop with a pipeline of three.
pub(super) fn options() -> LoadOptions {
    LoadOptions { pipeline: 3, ..LoadOptions::closed_loop() }
}

pub(super) fn refusal(code: &str) -> Fault {
    let sqlstate = Some((code.to_owned(), Severity::Error));
    let evidence = Evidence { sqlstate, server_spoke: true, ..Evidence::default() };
    Fault::of(&evidence, Phase::Write, "localhost:5500".to_owned(), "no".to_owned())
}

pub(super) fn writer(options: LoadOptions) -> Writer {
    let users = vec![(1, "alice".to_owned()), (2, "bob".to_owned())];
    let rules = Arc::new(Rules { options, users, event_types: &["login", "logout"] });
    Writer::new(1, 0, rules, Duration::ZERO, SmallRng::seed_from_u64(1))
}

/// A writer, and until when it waits.
pub(super) struct History {
    pub(super) writer: Writer,
    pub(super) waits: (Duration, Duration),
}

impl History {
    pub(super) fn new(options: LoadOptions) -> Self {
        Self { writer: writer(options), waits: (Duration::MAX, Duration::MAX) }
    }

    /// It has a session.
    pub(super) fn opened(options: LoadOptions) -> Self {
        let mut history = Self::new(options);
        history.gives(0, WriterInput::Opened { since: Duration::ZERO, pooled: false });
        history
    }

    /// Its first write is acknowledged, and what is due then is in flight, since 1 ms.
    pub(super) fn writing(options: LoadOptions) -> Self {
        let mut history = Self::opened(options);
        history.turn(0);
        history.gives(1, WriterInput::Acknowledged { id: None, locally: false });
        history.turn(1);
        history
    }

    /// Something comes, and what it does then.
    pub(super) fn gives(&mut self, at_ms: u64, input: WriterInput<'_>) -> Vec<String> {
        let mut actions = Vec::new();
        self.writer.step(ms(at_ms), input, &mut actions);
        let mut words = Vec::new();
        for action in actions {
            if let WriterAction::WaitUntil { deadline, due } = action {
                self.waits = (deadline, due);
            } else {
                words.push(action_words(&action));
            }
        }
        words
    }

    /// All that had come is taken.
    pub(super) fn turn(&mut self, at_ms: u64) -> Vec<String> {
        self.gives(at_ms, WriterInput::AllTaken)
    }
}

fn action_words(action: &WriterAction) -> String {
    match action {
        WriterAction::Send(write) => format!("send {}", write.seq),
        WriterAction::Read => "read".to_owned(),
        WriterAction::Tell(batch) => batch_words(batch),
        WriterAction::TellIds(ids) => format!("tell ids {ids:?}"),
        WriterAction::TellNoSession { since } => {
            format!("tell no session since {} ms", since.as_millis())
        }
        WriterAction::Works => "works".to_owned(),
        WriterAction::Waits => "look".to_owned(),
        WriterAction::WaitsNoMore => "no look".to_owned(),
        WriterAction::GiveUp(Overdue { phase, waited, at_the_end }) => {
            let end = if *at_the_end { ", at the end" } else { "" };
            let what = if *phase == Phase::Write { "write" } else { "read" };
            format!("give up a {what} after {} ms{end}", waited.as_millis())
        }
        WriterAction::Leave { ended: true } => "leave, ended".to_owned(),
        WriterAction::Leave { ended: false } => "leave".to_owned(),
        WriterAction::WaitForOthers => "wait for others".to_owned(),
        WriterAction::Close => "close".to_owned(),
        WriterAction::Reconnect => "reconnect".to_owned(),
        WriterAction::Done => "done".to_owned(),
        WriterAction::WaitUntil { .. } => "wait".to_owned(),
    }
}

fn batch_words(batch: &Batch) -> String {
    let mut words = format!("tell {} of {}", batch.resolved, batch.attempted);
    let mut add = |what: String| words.push_str(&format!(", {what}"));
    if !batch.acknowledged_at.is_empty() {
        add(format!("{} acknowledged", batch.acknowledged_at.len()));
    }
    if batch.skipped > 0 {
        add(format!("{} skipped", batch.skipped));
    }
    if !batch.rejected.is_empty() {
        add(format!("{:?} rejected", seqs(&batch.rejected)));
    }
    if !batch.in_doubt.is_empty() {
        add(format!("{:?} in doubt", seqs(&batch.in_doubt)));
    }
    match batch.trouble.as_deref() {
        None => {}
        Some(Trouble::Failed { since, .. }) => {
            add(format!("failed since {} ms", since.as_millis()));
        }
        Some(Trouble::Refused { refused, .. }) => {
            add(format!("refused since {} ms", refused.since.as_millis()));
        }
        Some(Trouble::Stalled { seq, since, .. }) => {
            let seq = seq.map_or_else(|| "a read".to_owned(), |seq| seq.to_string());
            add(format!("stalled at {seq} since {} ms", since.as_millis()));
        }
        Some(Trouble::StoppedNow { .. }) => add("given up".to_owned()),
    }
    words
}

pub(super) fn seqs(set: &SeqSet) -> Vec<i64> {
    set.ranges().flatten().collect()
}
