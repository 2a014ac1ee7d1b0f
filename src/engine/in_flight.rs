//! The writes and reads of one session that have no answer yet, in the order in which they were
//! sent, which is the order in which the server answers.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{FuturesOrdered, StreamExt};
use futures_util::{FutureExt, future::BoxFuture};
use tokio_postgres::Error;

use crate::pg::user_events::UserEvent;

/// What was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) what: Request,
    pub(crate) at: Duration,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Request {
    /// A write, and when it was due.
    Write { event: UserEvent, due: Duration },
    /// A read of the last ids.
    Read,
}

/// An answer.
#[derive(Debug)]
pub(crate) enum Answer {
    Write(Result<i64, Error>),
    Read(Result<Vec<i64>, Error>),
}

type AnswerFuture = BoxFuture<'static, Answer>;

/// Requests without an answer.
#[derive(Default)]
pub(crate) struct InFlight {
    sent: VecDeque<Sent>,
    answers: FuturesOrdered<AnswerFuture>,
    writes: usize,
}

impl InFlight {
    /// Adds a request whose future was not polled yet: it goes out when answers are next asked
    /// for.
    pub(crate) fn push(
        &mut self,
        sent: Sent,
        answer: impl Future<Output = Answer> + Send + 'static,
    ) {
        self.writes += usize::from(sent.is_write());
        self.sent.push_back(sent);
        self.answers.push_back(Pin::from(Box::new(answer) as Box<_>));
    }

    /// The next answer; never comes when nothing is in flight.
    pub(crate) async fn next(&mut self) -> (Sent, Answer) {
        match self.answers.next().await {
            Some(answer) => self.answered(answer),
            None => std::future::pending().await,
        }
    }

    /// The next answer, if it is there already.
    pub(crate) fn next_if_there(&mut self) -> Option<(Sent, Answer)> {
        let answer = self.answers.next().now_or_never()??;
        Some(self.answered(answer))
    }

    fn answered(&mut self, answer: Answer) -> (Sent, Answer) {
        match self.sent.pop_front() {
            Some(sent) => {
                self.writes -= usize::from(sent.is_write());
                (sent, answer)
            }
            None => unreachable!("every answer has its request"),
        }
    }

    /// The oldest request without an answer.
    pub(crate) fn oldest(&self) -> Option<Sent> {
        self.sent.front().copied()
    }

    /// The oldest write without an answer.
    pub(crate) fn oldest_write(&self) -> Option<(i64, Duration)> {
        self.sent.iter().find_map(|sent| match sent.what {
            Request::Write { event, .. } => Some((event.seq, sent.at)),
            Request::Read => None,
        })
    }

    /// Everything without an answer.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = Sent> + '_ {
        self.sent.iter().copied()
    }

    /// How many writes have no answer.
    pub(crate) fn writes(&self) -> usize {
        self.writes
    }

    /// Whether everything is answered.
    pub(crate) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }
}

impl Sent {
    pub(crate) fn is_write(&self) -> bool {
        matches!(self.what, Request::Write { .. })
    }
}
