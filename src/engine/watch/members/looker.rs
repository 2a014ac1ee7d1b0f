//! One member, looked at again and again through a session of its own.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::engine::clock::Clock;
use crate::engine::dialer::Dialer;
use crate::engine::watch::connect_pace::ConnectPace;
use crate::model::cluster::member_looks::{ServerLook, other_server};
use crate::model::cluster::member_servers::MemberServerState;
use crate::model::fault::{Class, Fault, Phase};
use crate::pg::member_look::LookDepth;
use crate::pg::sessions::connect::NotOpened;
use crate::pg::sessions::session::Session;

/// How often, which is how exactly a change is known.
const EVERY: Duration = Duration::from_millis(100);

/// Between two attempts to connect, at least and at most, where it does not refuse; the first is made at once.
const AGAIN_MIN: Duration = Duration::from_millis(100);
const AGAIN_MAX: Duration = Duration::from_millis(250);

/// Deadline of each question, and of the connect to each address.
pub(crate) const DEADLINE: Duration = Duration::from_secs(1);

/// Over all addresses of a name.
const DIAL_DEADLINE: Duration = Duration::from_secs(2);

/// Looks at one member.
pub(super) struct MemberLooker {
    pub(super) member: String,
    /// The system identifier of its cluster, where it is known.
    pub(super) cluster: Option<String>,
    pub(super) dialer: Dialer,
    pub(super) clock: Clock,
    pub(super) looks: mpsc::Sender<MemberLooked>,
    pub(super) ending: CancellationToken,
}

/// A look at a member.
pub(super) struct MemberLooked {
    pub(super) member: String,
    pub(super) look: ServerLook,
}

/// The session that is asked.
struct AskedSession {
    session: Session,
    depth: LookDepth,
}

/// What a look finds.
type SeenAs = (MemberServerState, Option<u64>);

impl MemberLooker {
    /// Looks until it is told to end, or the receiver of its looks is gone.
    pub(super) async fn run(self) {
        tokio::select! {
            () = self.look_on() => {}
            () = self.ending.cancelled() => {}
        }
    }

    async fn look_on(&self) {
        let mut session = None;
        let mut pace = ConnectPace::new(AGAIN_MIN, AGAIN_MAX);
        loop {
            let asked = self.clock.now();
            let (is, lsn) = self.look(&mut session).await;
            pace.tried(&is);
            let look = ServerLook { asked, at: self.clock.now(), is, lsn };
            let looked = MemberLooked { member: self.member.clone(), look };
            if self.looks.send(looked).await.is_err() {
                return;
            }
            if session.is_some() {
                sleep_until(self.clock.instant(asked + EVERY)).await;
            } else {
                let pause = pace.wait(&mut rand::rng());
                sleep(pause).await;
            }
        }
    }

    /// One look, through the session of the last one where that still answers. One that was ended is replaced at once.
    async fn look(&self, session: &mut Option<AskedSession>) -> SeenAs {
        if let Some(mut asked) = session.take() {
            let question = asked.session.look_again(&mut asked.depth);
            match asked.session.bounded(Phase::Read, DEADLINE, question).await {
                Ok(look) => {
                    let server = Box::new(look.server);
                    *session = Some(asked);
                    return (MemberServerState::Answers { server }, look.lsn);
                }
                Err(fault) if fault.class == Class::Timeout => {
                    return (MemberServerState::Silent, None);
                }
                Err(_) => {}
            }
        }
        match timeout(DIAL_DEADLINE, self.dialer.dial()).await {
            Ok(Ok(opened)) => self.opened(opened.session, session),
            Ok(Err(failures)) => (state(&failures), None),
            Err(_) => (MemberServerState::Silent, None),
        }
    }

    fn opened(&self, opened: Session, session: &mut Option<AskedSession>) -> SeenAs {
        if let Some(reason) = other_server(&self.member, &opened.server, self.cluster.as_deref()) {
            return (MemberServerState::Refused { reason }, None);
        }
        let server = Box::new(opened.server.clone());
        *session = Some(AskedSession { session: opened, depth: LookDepth::default() });
        (MemberServerState::Answers { server }, None)
    }
}

/// What a member is that no session was opened to: the address that tells most decides.
pub(in crate::engine::watch) fn state(failures: &[NotOpened]) -> MemberServerState {
    let states = failures.iter().map(|failure| of_fault(&failure.fault));
    let weight = |is: &MemberServerState| match is {
        MemberServerState::Answers { .. } | MemberServerState::Starting => 3,
        MemberServerState::Refused { .. } => 2,
        MemberServerState::Silent => 1,
        MemberServerState::Gone => 0,
    };
    states.max_by_key(weight).unwrap_or(MemberServerState::Silent)
}

fn of_fault(fault: &Fault) -> MemberServerState {
    match fault.class {
        Class::Starting => MemberServerState::Starting,
        Class::Refused | Class::ConnectionLost | Class::NoBackend => MemberServerState::Gone,
        // No word of the server: its name has no address, there is no way to it, or this machine is at its limits.
        Class::Timeout | Class::Unreachable | Class::Resolve | Class::Local => {
            MemberServerState::Silent
        }
        Class::ReadOnly
        | Class::WrongRole
        | Class::Overloaded
        | Class::Auth
        | Class::Tls
        | Class::Conflict
        | Class::Protocol
        | Class::Sql => MemberServerState::Refused { reason: fault.message.clone() },
    }
}
