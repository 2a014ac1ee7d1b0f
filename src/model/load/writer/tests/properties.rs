//! Whatever comes to a writer, in whatever order: what it tells, and before what, judged by the
//! whole history.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use proptest::prelude::*;

use super::history::{ms, options, refusal, seqs, writer};
use crate::model::fault::{Class, Fault};
use crate::model::load::options::{Backlog, LoadOptions, Rate};
use crate::model::load::writer::action::WriterAction;
use crate::model::load::writer::batch::{Batch, Trouble};
use crate::model::load::writer::input::{RefusalOf, WriterInput};
use crate::model::load::writer::step::Writer;

/// What the world does next.
#[derive(Debug, Clone, Copy)]
enum World {
    /// The oldest request is answered so.
    Answers(Reply),
    /// The same, and no turn to send follows: the next answer came with it.
    AnswersTogether(Reply),
    Ends,
    /// Time goes by, and the writer is woken when it asked to be.
    Passes(u64),
    /// Time goes by, and pgchaos does not run.
    Sleeps(u64),
    Marks,
    Attempt(bool),
    WaitsLong,
    Opens(bool),
    Stops,
    Decides,
    StopsNow,
}

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    Done,
    Refused(&'static str),
    RefusedName,
    RefusedRow,
    NoRow,
    Unproven,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    Acknowledged,
    Rejected,
    InDoubt,
}

/// One entry of the history.
#[derive(Debug)]
enum Entry {
    Opened,
    /// Something comes that decides writes.
    Came,
    /// A write has its fate.
    Became(i64, Became),
    /// An answer came, of whatever kind.
    Answer,
    /// There is evidence, without a word of the writer, that it cannot write.
    Evidence,
    Stopped,
    Decided,
    Did(WriterAction),
}

/// A request of the writer as the world sees it: a write's seq, none for a read; when it was sent.
type OpenRequest = (Option<i64>, Duration);

/// A writer, the world around it, and what happened.
struct WriterPlay {
    writer: Writer,
    options: LoadOptions,
    now: Duration,
    asked: VecDeque<OpenRequest>,
    has_session: bool,
    ended: bool,
    waits: Duration,
    history: Vec<(Duration, Entry)>,
}

impl WriterPlay {
    fn new(options: LoadOptions) -> Self {
        let writer = writer(options.clone());
        let mut play = Self {
            writer,
            options,
            now: Duration::ZERO,
            asked: VecDeque::new(),
            has_session: false,
            ended: false,
            waits: Duration::MAX,
            history: Vec::new(),
        };
        play.gives(WriterInput::Connecting);
        play.plays(World::Opens(false));
        play
    }

    fn notes(&mut self, entry: Entry) {
        self.history.push((self.now, entry));
    }

    /// Something comes, and what is done then is done in the world.
    fn gives(&mut self, input: WriterInput<'_>) {
        let mut actions = Vec::new();
        self.writer.step(self.now, input, &mut actions);
        for action in actions {
            let mut late = None;
            match &action {
                WriterAction::Send(write) => self.asked.push_back((Some(write.seq), self.now)),
                WriterAction::Read => self.asked.push_back((None, self.now)),
                WriterAction::WaitUntil { deadline, due } => self.waits = *deadline.min(due),
                WriterAction::GiveUp(overdue) => late = Some(*overdue),
                WriterAction::Reconnect => self.has_session = false,
                WriterAction::Done => (self.has_session, self.ended) = (false, true),
                _ => {}
            }
            self.notes(Entry::Did(action));
            if late.is_some() {
                let fault = Fault { class: Class::Timeout, sqlstate: None, ..refusal("57P01") };
                self.breaks(None, |_| WriterInput::TimedOut(fault));
            }
        }
    }

    fn turns(&mut self) {
        if self.has_session {
            self.gives(WriterInput::AllTaken);
        }
    }

    /// The session ends: what has no answer, and `untold`, stays without a proof.
    fn breaks(&mut self, untold: Option<i64>, input: impl FnOnce(()) -> WriterInput<'static>) {
        self.notes(Entry::Came);
        let open = std::mem::take(&mut self.asked).into_iter().filter_map(|(seq, _)| seq);
        let in_doubt: Vec<i64> = untold.into_iter().chain(open).collect();
        for seq in in_doubt {
            self.notes(Entry::Became(seq, Became::InDoubt));
        }
        self.notes(Entry::Evidence);
        self.gives(input(()));
    }

    fn answers(&mut self, reply: Reply) {
        let Some((seq, _)) = self.asked.pop_front() else { return };
        let of = match reply {
            Reply::RefusedName => RefusalOf::StatementName,
            Reply::RefusedRow => RefusalOf::Row,
            _ => RefusalOf::Sqlstate,
        };
        let (fate, input) = match (reply, seq) {
            (Reply::Unproven, _) => {
                let fault = refusal("08006");
                return self.breaks(seq, |()| WriterInput::Unproven(fault));
            }
            (Reply::Done, Some(_)) => {
                let acknowledged = WriterInput::Acknowledged { id: None, locally: false };
                (Became::Acknowledged, acknowledged)
            }
            (Reply::NoRow, Some(_)) => (Became::InDoubt, WriterInput::NoRow(refusal("P0001"))),
            (Reply::Done | Reply::NoRow, None) => {
                (Became::Acknowledged, WriterInput::ReadBack(&[]))
            }
            (Reply::Refused(code), _) => {
                (Became::Rejected, WriterInput::Refused { fault: refusal(code), of })
            }
            (Reply::RefusedName | Reply::RefusedRow, _) => {
                (Became::Rejected, WriterInput::Refused { fault: refusal("42501"), of })
            }
        };
        self.notes(Entry::Came);
        self.notes(Entry::Answer);
        if let Some(seq) = seq {
            self.notes(Entry::Became(seq, fate));
        }
        if fate == Became::InDoubt {
            self.notes(Entry::Evidence);
        }
        self.gives(input);
    }

    /// Time goes by; the writer is woken each time that it asked for.
    fn passes(&mut self, until: Duration) {
        while self.has_session && self.waits <= until {
            self.now = self.waits.max(self.now + ms(1));
            self.gives(WriterInput::Time);
            self.turns();
        }
        self.now = self.now.max(until);
    }

    fn stops_now(&mut self) {
        let open = std::mem::take(&mut self.asked).into_iter().filter_map(|(seq, _)| seq);
        for seq in open.collect::<Vec<_>>() {
            self.notes(Entry::Became(seq, Became::InDoubt));
        }
        self.gives(WriterInput::StopNow);
    }

    fn plays(&mut self, world: World) {
        match world {
            World::Answers(reply) if self.has_session => {
                self.answers(reply);
                self.turns();
            }
            World::AnswersTogether(reply) if self.has_session => {
                self.answers(reply);
                if self.asked.is_empty() {
                    self.turns();
                }
            }
            World::Ends if self.has_session => {
                let fault = Fault { sqlstate: None, ..refusal("57P01") };
                self.breaks(None, |()| WriterInput::SessionEnded(fault));
            }
            World::Marks if self.has_session => {
                self.gives(WriterInput::Mark);
                self.turns();
            }
            World::Passes(time) => {
                self.turns();
                self.passes(self.now + ms(time));
            }
            World::Sleeps(time) => {
                self.now += ms(time);
                if self.has_session {
                    self.gives(WriterInput::Time);
                    self.turns();
                }
            }
            World::Attempt(failed) if !self.has_session && !self.ended => {
                if failed {
                    self.notes(Entry::Evidence);
                }
                self.gives(WriterInput::Attempted { failed, served: false });
            }
            World::WaitsLong if self.writer.has_patience_until().is_some() => {
                self.notes(Entry::Evidence);
                self.gives(WriterInput::WaitedTooLong);
            }
            World::Opens(pooled) if !self.has_session && !self.ended => {
                self.has_session = true;
                self.notes(Entry::Opened);
                self.gives(WriterInput::Opened { since: self.now, pooled });
                self.turns();
            }
            World::Stops if !self.writer.is_stopping() => {
                self.notes(Entry::Stopped);
                self.gives(WriterInput::Stop { since: self.now });
                self.turns();
            }
            World::Decides if self.writer.is_stopping() => {
                self.notes(Entry::Decided);
                self.gives(WriterInput::Decided);
                self.turns();
            }
            World::StopsNow if self.has_session => self.stops_now(),
            _ => {}
        }
    }
}

/// What is looked up in the history up to some entry.
struct Past<'a>(&'a [(Duration, Entry)]);

impl<'a> Past<'a> {
    /// Whether the writer is out: of what speaks for and against it, the last.
    fn is_out(&self) -> bool {
        let last = self.0.iter().rev().find_map(|(_, entry)| match entry {
            Entry::Became(_, Became::Acknowledged) => Some(false),
            Entry::Evidence => Some(true),
            Entry::Did(WriterAction::Tell(batch)) => match batch.trouble.as_deref() {
                None | Some(Trouble::StoppedNow { .. }) => None,
                Some(_) => Some(true),
            },
            _ => None,
        });
        last.unwrap_or(false)
    }

    fn fates(&self) -> BTreeMap<i64, Became> {
        let fates = self.0.iter().filter_map(|(_, entry)| match entry {
            Entry::Became(seq, fate) => Some((*seq, *fate)),
            _ => None,
        });
        fates.collect()
    }

    fn batches(&self) -> impl Iterator<Item = &'a Batch> + use<'a> {
        self.0.iter().filter_map(|(_, entry)| match entry {
            Entry::Did(WriterAction::Tell(batch)) => Some(&**batch),
            _ => None,
        })
    }

    fn sent(&self) -> impl Iterator<Item = (i64, Duration)> + use<'a> {
        self.0.iter().filter_map(|(at, entry)| match entry {
            Entry::Did(WriterAction::Send(write)) => Some((write.seq, *at)),
            _ => None,
        })
    }

    /// When something last happened.
    fn last(&self, what: impl Fn(&Entry) -> bool) -> Option<Duration> {
        self.0.iter().rev().find(|(_, entry)| what(entry)).map(|(at, _)| *at)
    }

    /// Everything since this session began.
    fn of_session(&self) -> Past<'a> {
        let begin = self.0.iter().rposition(|(_, entry)| matches!(entry, Entry::Opened));
        Past(&self.0[begin.unwrap_or(0)..])
    }

    /// Whether the writer has said that it uses this session no more.
    fn is_left(&self) -> bool {
        self.of_session().0.iter().any(|(_, entry)| {
            let Entry::Did(action) = entry else { return false };
            matches!(
                action,
                WriterAction::Leave { .. }
                    | WriterAction::Close
                    | WriterAction::Reconnect
                    | WriterAction::Done
            )
        })
    }
}

/// The table: what must be true of an action, by all that was before it.
fn judge(history: &[(Duration, Entry)], options: &LoadOptions) -> Result<(), TestCaseError> {
    for (index, (at, entry)) in history.iter().enumerate() {
        let past = Past(&history[..index]);
        match entry {
            Entry::Did(WriterAction::Send(write)) => {
                judge_send(&past, write.seq, *at)?;
            }
            Entry::Did(WriterAction::Read) => prop_assert!(!past.is_left(), "a read after the end"),
            Entry::Did(WriterAction::Tell(batch)) => judge_batch(&past, batch, options)?,
            Entry::Did(WriterAction::Close) => {
                let open = past.sent().filter(|(seq, _)| !past.fates().contains_key(seq)).count();
                prop_assert_eq!(open, 0, "a goodbye with writes in flight");
            }
            _ => {}
        }
    }
    Ok(())
}

fn judge_send(past: &Past<'_>, seq: i64, at: Duration) -> Result<(), TestCaseError> {
    prop_assert_eq!(seq, past.sent().count() as i64 + 1, "writes are numbered without a gap");
    prop_assert!(!past.is_left(), "{seq} after the session was left");
    let news = past.of_session().fates();
    let proven = news.values().any(|fate| *fate == Became::Acknowledged);
    let open = past.sent().filter(|(seq, _)| !past.fates().contains_key(seq)).count();
    prop_assert!(proven || open == 0, "{seq} beside the first of a session");
    if let Some(stopped) = past.last(|entry| matches!(entry, Entry::Stopped)) {
        let decided = past.last(|entry| matches!(entry, Entry::Decided)).is_some();
        let may = past.is_out() && open == 0 && !decided && at < stopped + ms(10_000);
        prop_assert!(may, "{seq} at {at:?}, stopped at {stopped:?}");
    }
    Ok(())
}

fn judge_batch(past: &Past<'_>, batch: &Batch, options: &LoadOptions) -> Result<(), TestCaseError> {
    let fates = past.fates();
    let before: Vec<&Batch> = past.batches().collect();
    // What it says is so, and is said for the first time.
    let told = |what: fn(&Batch) -> Vec<i64>| -> BTreeSet<i64> {
        before.iter().flat_map(|batch| what(batch)).collect()
    };
    let (rejected, in_doubt) = (told(|one| seqs(&one.rejected)), told(|one| seqs(&one.in_doubt)));
    for seq in seqs(&batch.rejected) {
        prop_assert_eq!(fates.get(&seq), Some(&Became::Rejected));
        prop_assert!(!rejected.contains(&seq), "{seq} is rejected twice");
    }
    for seq in seqs(&batch.in_doubt) {
        prop_assert_eq!(fates.get(&seq), Some(&Became::InDoubt));
        prop_assert!(!in_doubt.contains(&seq), "{seq} is in doubt twice");
    }
    // Progress passes nothing without an outcome, and no exception that is untold.
    let of_fate = |wanted| -> BTreeSet<i64> {
        let passed = fates.range(..=batch.resolved);
        passed.filter(|(_, fate)| **fate == wanted).map(|(seq, _)| *seq).collect()
    };
    prop_assert_eq!(fates.range(..=batch.resolved).count() as i64, batch.resolved);
    let with = |mut all: BTreeSet<i64>, new: Vec<i64>| {
        all.extend(new);
        all
    };
    prop_assert_eq!(with(rejected, seqs(&batch.rejected)), of_fate(Became::Rejected));
    prop_assert_eq!(with(in_doubt, seqs(&batch.in_doubt)), of_fate(Became::InDoubt));
    let acknowledged: usize = before.iter().map(|one| one.acknowledged_at.len()).sum();
    let acknowledged = acknowledged + batch.acknowledged_at.len();
    prop_assert_eq!(acknowledged, of_fate(Became::Acknowledged).len());
    prop_assert!(batch.acknowledged_at.is_sorted());
    prop_assert_eq!(batch.attempted, past.sent().count() as i64);
    judge_ends_of_outages(past, batch)?;
    judge_trouble(past, batch, options)
}

/// What was refused in an outage is not told with the acknowledgement that ends it, and that is
/// told with nothing after it.
fn judge_ends_of_outages(past: &Past<'_>, batch: &Batch) -> Result<(), TestCaseError> {
    let acknowledged = past.0.iter().enumerate().filter(|(_, (_, entry))| {
        matches!(entry, Entry::Became(seq, Became::Acknowledged) if *seq <= batch.resolved)
    });
    let of_batch = acknowledged.rev().take(batch.acknowledged_at.len());
    for (index, (at, _)) in of_batch {
        if Past(&past.0[..index]).is_out() {
            prop_assert!(batch.rejected.is_empty(), "{batch:?}");
            prop_assert_eq!(batch.acknowledged_at.as_slice(), &[*at][..]);
        }
    }
    Ok(())
}

/// Trouble comes with the writes that it rejects or leaves in doubt, and a silence is told once.
fn judge_trouble(
    past: &Past<'_>,
    batch: &Batch,
    options: &LoadOptions,
) -> Result<(), TestCaseError> {
    let by_trouble = seqs(&batch.rejected_by_trouble);
    let Some(trouble) = batch.trouble.as_deref() else {
        prop_assert!(by_trouble.is_empty() && batch.in_doubt.is_empty(), "{batch:?}");
        return Ok(());
    };
    let came = past.0.iter().rev().take_while(|(_, entry)| !matches!(entry, Entry::Came));
    let decided = came.filter_map(|(_, entry)| match entry {
        Entry::Became(seq, _) => Some(*seq),
        _ => None,
    });
    let decided: BTreeSet<i64> = decided.collect();
    let session = past.of_session();
    match trouble {
        Trouble::Failed { since, at, .. } => {
            let of_trouble: BTreeSet<i64> =
                by_trouble.into_iter().chain(seqs(&batch.in_doubt)).collect();
            prop_assert_eq!(of_trouble, decided);
            prop_assert!(since <= at);
        }
        Trouble::Refused { refused, at, .. } => {
            prop_assert_eq!(by_trouble.len(), 1);
            prop_assert!(*at - refused.since >= options.stall_after);
        }
        Trouble::Stalled { since, at, seq } => {
            let unanswered = past.sent().find(|(seq, _)| !past.fates().contains_key(seq));
            prop_assert_eq!(*seq, unanswered.map(|(seq, _)| seq));
            prop_assert!(*at - *since >= options.stall_after);
            let answered = session.last(|entry| matches!(entry, Entry::Opened | Entry::Answer));
            prop_assert!(answered.is_some_and(|answered| answered <= *since));
            let told = session.0.iter().rposition(|(_, entry)| match entry {
                Entry::Did(WriterAction::Tell(batch)) => {
                    matches!(batch.trouble.as_deref(), Some(Trouble::Stalled { .. }))
                }
                _ => false,
            });
            let acknowledged = session
                .0
                .iter()
                .rposition(|(_, entry)| matches!(entry, Entry::Became(_, Became::Acknowledged)));
            prop_assert!(told.is_none() || acknowledged > told, "a silence is told twice");
        }
        Trouble::StoppedNow { .. } => prop_assert!(!batch.in_doubt.is_empty()),
    }
    Ok(())
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        12 => Just(Reply::Done),
        6 => proptest::sample::select(vec!["P0001", "40001", "23505"]).prop_map(Reply::Refused),
        1 => proptest::sample::select(vec!["25006", "53100"]).prop_map(Reply::Refused),
        1 => Just(Reply::RefusedName),
        1 => Just(Reply::RefusedRow),
        1 => Just(Reply::NoRow),
        1 => Just(Reply::Unproven),
    ]
}

fn worlds() -> impl Strategy<Value = Vec<World>> {
    let world = prop_oneof![
        20 => reply().prop_map(World::Answers),
        10 => reply().prop_map(World::AnswersTogether),
        2 => Just(World::Ends),
        8 => (0u64..60).prop_map(World::Passes),
        2 => (60u64..7000).prop_map(World::Passes),
        1 => (100u64..9000).prop_map(World::Sleeps),
        2 => Just(World::Marks),
        2 => any::<bool>().prop_map(World::Attempt),
        1 => Just(World::WaitsLong),
        6 => any::<bool>().prop_map(World::Opens),
    ];
    let end = prop_oneof![
        1 => Just(World::Stops),
        1 => Just(World::Decides),
        1 => Just(World::StopsNow),
    ];
    let after = prop_oneof![
        10 => reply().prop_map(World::Answers),
        6 => (0u64..3000).prop_map(World::Passes),
        3 => any::<bool>().prop_map(World::Opens),
        2 => end,
    ];
    let before = proptest::collection::vec(world, 0..60);
    let after = proptest::collection::vec(after, 0..25);
    (before, after).prop_map(|(mut before, after)| {
        before.push(World::Stops);
        before.extend(after);
        before
    })
}

fn loads() -> impl Strategy<Value = LoadOptions> {
    let rate =
        prop_oneof![Just(Rate::Max), Just(Rate::PerSecond(5.0)), Just(Rate::PerSecond(100.0))];
    let backlog = prop_oneof![Just(Backlog::Skip), Just(Backlog::CatchUp)];
    let bounded = proptest::option::of(0u64..40);
    (rate, 1u32..6, 0u32..4, backlog, bounded).prop_map(
        |(rate, pipeline, read_every, backlog, writes)| LoadOptions {
            rate,
            pipeline,
            read_every,
            backlog,
            writes,
            ..options()
        },
    )
}

proptest! {
    #[test]
    fn what_is_told_and_when_is_what_the_whole_history_allows(
        load in loads(),
        worlds in worlds(),
    ) {
        let mut play = WriterPlay::new(load);
        for world in worlds {
            play.plays(world);
            prop_assert_eq!(play.writer.is_out(), Past(&play.history).is_out());
        }
        // No silence and no request is longer than it may be, when the alarms are in time.
        play.plays(World::Passes(20_000));
        prop_assert!(play.asked.is_empty(), "{:?} wait on", play.asked);
        if play.has_session {
            play.gives(WriterInput::Mark);
            play.plays(World::StopsNow);
        } else if !play.ended {
            play.gives(WriterInput::EndsWithoutSession);
        }
        judge(&play.history, &play.options)?;
        // Each write has one outcome, and it is told.
        let all = Past(&play.history);
        let last = all.batches().last().map_or((0, 0), |last| (last.attempted, last.resolved));
        let sent = i64::try_from(all.sent().count()).unwrap();
        prop_assert_eq!(last, (sent, sent));
        prop_assert_eq!(all.fates().len(), all.sent().count());
    }
}
