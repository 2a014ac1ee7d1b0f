//! A witness: writes a row to one member's own address a few times a second, beside the load and outside its account, as
//! long as that member is no replica.
//!
//! Its acknowledgements are evidence for two primaries, and for when a member takes writes. Nothing is ever sent to be
//! written where the same session has not just said that it is not in recovery and not read-only.

use std::time::Duration;

use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::engine::dialer::Dialer;
use crate::engine::signal::Signal;
use crate::engine::teller::Teller;
use crate::engine::watch::connect_pace::ConnectPace;
use crate::engine::watch::members::state;
use crate::model::cluster::member_looks::{LoadedCluster, other_server};
use crate::model::cluster::member_servers::MemberServerState;
use crate::model::cluster::server::{Server, ServerProcess};
use crate::model::cluster::two_primaries::ServerAcks;
use crate::model::cluster::witness::{WitnessLog, WitnessSeen, WitnessState};
use crate::model::event::What;
use crate::model::fault::{Class, Fault, Phase};
use crate::pg::member_look::LookDepth;
use crate::pg::sessions::session::Session;
use crate::pg::witness_write::WitnessToken;

/// How often.
const EVERY: Duration = Duration::from_millis(200);

/// Deadline of each step; then the session is left.
const DEADLINE: Duration = Duration::from_secs(1);
const DIAL_DEADLINE: Duration = Duration::from_secs(2);

/// How long acknowledgements wait to be told together: a fraction of what the watch over two primaries reaches back.
const TELL_EVERY: Duration = Duration::from_millis(400);

/// One member's witness.
pub(crate) struct Witness {
    member: String,
    token: WitnessToken,
    dialer: Dialer,
    teller: Teller,
    /// What the load writes to.
    loaded: LoadedCluster,
    /// Whether it was told that nothing is written here.
    is_told: bool,
    session: Option<Session>,
    pace: ConnectPace,
    depth: LookDepth,
    /// A session that was left while its write had no answer: there is no other write as long as it is there, as each
    /// could hang beside it.
    left: Option<ServerProcess>,
    log: WitnessLog,
    untold: Option<(Server, ServerAcks)>,
}

/// A write that was acknowledged.
struct Acknowledged {
    server: Server,
    sent: Duration,
    at: Duration,
}

impl Witness {
    /// The witness of a member, which writes in this run under this number.
    pub(crate) fn new(
        member: String,
        (run_id, number): (Uuid, i32),
        dialer: Dialer,
        teller: Teller,
    ) -> Self {
        Self {
            member,
            token: WitnessToken { run_id, writer: number, seq: 0 },
            dialer,
            teller,
            loaded: LoadedCluster::default(),
            is_told: false,
            session: None,
            pace: ConnectPace::new(EVERY, EVERY),
            depth: LookDepth::default(),
            left: None,
            log: WitnessLog::default(),
            untold: None,
        }
    }

    /// Writes until it is told to end.
    pub(crate) async fn run(mut self, loaded: LoadedCluster, ending: CancellationToken) {
        self.loaded = loaded;
        tokio::select! {
            () = self.write_on() => {}
            () = ending.cancelled() => {}
        }
        self.tell_acks().await;
    }

    async fn write_on(&mut self) {
        loop {
            let began = self.teller.clock.now();
            let acknowledged = self.attempt().await;
            let now = self.teller.clock.now();
            match acknowledged {
                Some(acknowledged) => self.acknowledged(acknowledged).await,
                None => {
                    if let Some(stopped) = self.log.failed(began) {
                        self.tell(now, stopped).await;
                    }
                }
            }
            let first = self.untold.as_ref().and_then(|(_, acks)| acks.at.first());
            if first.is_some_and(|first| now >= *first + TELL_EVERY) {
                self.tell_acks().await;
            }
            // Its own sessions that ended are replaced at once, in the pace of the writes.
            let pause = self.pace.wait(&mut rand::rng());
            sleep_until(self.teller.clock.instant(began + pause)).await;
        }
    }

    /// One write, where the member takes writes.
    async fn attempt(&mut self) -> Option<Acknowledged> {
        let session = self.session().await?;
        let question = session.look_again(&mut self.depth);
        // Dropped, a session that gives no answer is cut.
        let look = session.bounded(Phase::Read, DEADLINE, question).await.ok()?;
        if !look.server.is_writable() {
            self.session = Some(session);
            return None;
        }
        if let Some(left) = &self.left {
            let question = session.is_there(left);
            if session.bounded(Phase::Read, DEADLINE, question).await.ok()? {
                self.session = Some(session);
                return None;
            }
            self.left = None;
        }
        self.token.seq += 1;
        let sent = self.teller.clock.now();
        let write = session.write_as_witness(self.token);
        let written = session.bounded(Phase::Write, DEADLINE, write).await;
        let at = self.teller.clock.now();
        match written {
            Ok(is_written) => {
                self.session = Some(session);
                is_written.then_some(Acknowledged { server: look.server, sent, at })
            }
            Err(fault) => {
                self.write_failed(&fault, session);
                None
            }
        }
    }

    fn write_failed(&mut self, fault: &Fault, session: Session) {
        match fault.class {
            // Refused, and the session goes on: the table is not there yet, say.
            Class::Sql | Class::ReadOnly | Class::Conflict => self.session = Some(session),
            Class::Timeout => self.left = Some(session.backend.clone()),
            _ => {}
        }
    }

    /// The session, a new one where there is none.
    async fn session(&mut self) -> Option<Session> {
        if let Some(session) = self.session.take() {
            return Some(session);
        }
        match timeout(DIAL_DEADLINE, self.dialer.dial()).await {
            Ok(Ok(opened)) => self.opened(opened.session).await,
            Ok(Err(failures)) => {
                self.pace.tried(&state(&failures));
                None
            }
            Err(_) => {
                self.pace.tried(&MemberServerState::Silent);
                None
            }
        }
    }

    /// Why nothing is written there, if so, and whether the looks at the member tell it.
    fn refusal(&self, session: &Session) -> Option<(String, bool)> {
        // Behind a pooler another server may answer than the one that was looked at.
        if session.backend.pooled {
            return Some(("a pooler answers there".to_owned(), false));
        }
        let identifier = self.loaded.identifier.as_deref();
        if let Some(other) = other_server(&self.member, &session.server, identifier) {
            return Some((other, true));
        }
        let refusal = self.loaded.refuses_witness(&session.server)?;
        Some((refusal.to_owned(), false))
    }

    async fn opened(&mut self, session: Session) -> Option<Session> {
        self.depth = LookDepth::default();
        if let Some((reason, is_told)) = self.refusal(&session) {
            if !is_told && !self.is_told {
                self.is_told = true;
                let words = format!("--witness: nothing is written to {}: {reason}", self.member);
                self.teller.warn(words).await;
            }
            self.pace.tried(&MemberServerState::Refused { reason });
            session.close().await;
            return None;
        }
        let server = Box::new(session.server.clone());
        self.pace.tried(&MemberServerState::Answers { server });
        Some(session)
    }

    async fn acknowledged(&mut self, acknowledged: Acknowledged) {
        let Acknowledged { server, sent, at } = acknowledged;
        for state in self.log.acknowledged(&server, sent, at) {
            self.tell(at, state).await;
        }
        if self.untold.as_ref().is_some_and(|(known, _)| !server.has_stayed(known)) {
            self.tell_acks().await;
        }
        let (_, acks) = self.untold.get_or_insert_with(|| (server, ServerAcks::default()));
        acks.sent.push(sent);
        acks.at.push(at);
    }

    async fn tell(&self, at: Duration, mut is: WitnessState) {
        if let WitnessState::Takes { server, .. } = &mut is {
            server.member.get_or_insert_with(|| self.member.clone());
        }
        let (member, run_id) = (self.member.clone(), self.token.run_id);
        self.teller.fact_at(at, What::Witness(WitnessSeen { member, run_id, is })).await;
    }

    /// Tells what was acknowledged. Where this is cut off before there is room, it is told at the end.
    async fn tell_acks(&mut self) {
        let Ok(permit) = self.teller.sender().reserve_owned().await else { return };
        if let Some((server, acks)) = self.untold.take() {
            let (member, server) = (self.member.clone(), Box::new(server));
            permit.send(Signal::WitnessAcks { member, server, acks });
        }
    }
}
