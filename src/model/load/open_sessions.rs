//! A writer's sessions that may still be open on a server, and whether one more may be.
//!
//! A write that waits for its synchronous standby does not notice that its client is gone: each
//! session that is given up leaves a server process behind. A client that opens the next one at
//! once fills the server with them. So a writer has at most [`SESSIONS_MAX`] on one start of one
//! server, those included that it has left behind.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::model::cluster::server::Server;
use crate::model::cluster::server::ServerProcess;

/// A writer's sessions on one start of one server, at most.
pub const SESSIONS_MAX: usize = 2;

/// How many are remembered over all servers. Servers that come and go must not fill the memory.
const KEPT: usize = 32;

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenSession {
    /// Where it is.
    pub server: Arc<Server>,
    /// Its server process.
    pub backend: ServerProcess,
    /// The writer does not use it any more, and has not seen the server end it.
    pub left: bool,
}

/// Whether there is room for one more session on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Room {
    /// There is.
    Yes,
    /// That depends on which of these are still there.
    Ask(BTreeSet<ServerProcess>),
    /// There is none, as others of the writer are under way there.
    No,
}

/// The sessions of one writer that are not known to have ended.
#[derive(Debug, Default)]
pub struct OpenSessions {
    sessions: VecDeque<OpenSession>,
}

impl OpenSessions {
    /// Whether there is room on this server for one more.
    #[must_use]
    pub fn room(&self, server: &Server) -> Room {
        let there = || self.sessions.iter().filter(|one| one.server.is_same_start(server));
        let left = || there().filter(|one| one.left);
        let under_way = there().count() - left().count();
        if there().count() < SESSIONS_MAX {
            Room::Yes
        } else if under_way >= SESSIONS_MAX {
            Room::No
        } else {
            Room::Ask(left().map(|one| one.backend.clone()).collect())
        }
    }

    /// A session is there, and may be used; it counts until it is known to have ended. Behind a
    /// pooler none counts: a process is not one session's.
    pub fn opened(&mut self, server: &Arc<Server>, backend: &ServerProcess) {
        if backend.pooled {
            return;
        }
        // Sessions of an earlier start ended with it. On Unix sockets servers look alike: keep all.
        let of_earlier_start = |one: &OpenSession| {
            server.address.is_some()
                && one.server.same_member(server) == Some(true)
                && !one.server.is_same_start(server)
        };
        self.sessions.retain(|one| !of_earlier_start(one));
        if self.sessions.len() == KEPT {
            self.sessions.pop_front();
        }
        let (server, backend) = (Arc::clone(server), backend.clone());
        self.sessions.push_back(OpenSession { server, backend, left: false });
    }

    /// No session is used or opened any more: all that are not known to have ended are left.
    pub fn all_left(&mut self) {
        for session in &mut self.sessions {
            session.left = true;
        }
    }

    /// These are known to have ended.
    pub fn ended(&mut self, ended: &BTreeSet<ServerProcess>) {
        self.sessions.retain(|one| !ended.contains(&one.backend));
    }

    /// All of them, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &OpenSession> {
        self.sessions.iter()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    /// Each address is a server of its own, with starts of its own.
    fn server(address: &str, started: i64) -> Arc<Server> {
        let started = started * 1_000 + i64::from(address.as_bytes()[0]);
        Arc::new(Server {
            address: Some(address.to_owned()),
            port: Some(5432),
            system_identifier: Some("7".to_owned()),
            postmaster_start: DateTime::from_timestamp(started, 0),
            ..Server::default()
        })
    }

    fn backend(pid: i32) -> ServerProcess {
        ServerProcess { pid, start: DateTime::from_timestamp(i64::from(pid), 0), pooled: false }
    }

    #[test]
    fn a_third_session_on_one_start_of_a_server_is_asked_for() {
        let (a, b, again) = (server("a", 1), server("b", 1), server("a", 2));
        let mut open = OpenSessions::default();
        open.opened(&a, &backend(1));
        open.all_left();
        assert_eq!(open.room(&a), Room::Yes, "with the one that hangs it is the second");
        open.opened(&a, &backend(2));
        open.all_left();
        assert_eq!(open.room(&a), Room::Ask([backend(1), backend(2)].into()));
        assert_eq!(open.room(&b), Room::Yes, "another server is used at once");
        assert_eq!(open.room(&again), Room::Yes, "started anew it has none of them");
        open.ended(&[backend(1)].into());
        assert_eq!(open.room(&a), Room::Yes);
    }

    #[test]
    fn sessions_under_way_count_without_being_asked_for() {
        let a = server("a", 1);
        let mut open = OpenSessions::default();
        open.opened(&a, &backend(1));
        open.all_left();
        open.opened(&a, &backend(2));
        assert_eq!(open.room(&a), Room::Ask([backend(1)].into()));
        open.ended(&[backend(1)].into());
        open.opened(&a, &backend(3));
        assert_eq!(open.room(&a), Room::No);
    }

    #[test]
    fn a_promotion_keeps_its_sessions_and_a_pooler_has_none_of_one_client() {
        let a = server("a", 1);
        let mut open = OpenSessions::default();
        for pid in 1..=2 {
            open.opened(&a, &ServerProcess { pooled: true, ..backend(pid) });
        }
        assert_eq!(open.room(&a), Room::Yes);
        for pid in 3..=4 {
            open.opened(&a, &backend(pid));
        }
        open.all_left();
        let promoted = Server { timeline: Some(2), ..Server::clone(&a) };
        assert_eq!(open.room(&promoted), Room::Ask([backend(3), backend(4)].into()));
    }

    /// What a writer does, and what happens to its sessions on the servers.
    #[derive(Debug, Clone)]
    enum Happens {
        /// It tries to open a session on this server.
        Opens(usize),
        /// It gives up all that it has under way.
        GivesUp,
        /// The server's process of the session with this place ends, unseen.
        EndsUnseen(usize),
        /// The session with this place ends, and the writer sees it.
        EndsSeen(usize),
        /// A server is started anew.
        Restarts(usize),
    }

    fn happens() -> impl Strategy<Value = Happens> {
        prop_oneof![
            6 => (0usize..2).prop_map(Happens::Opens),
            2 => Just(Happens::GivesUp),
            2 => (0usize..8).prop_map(Happens::EndsUnseen),
            1 => (0usize..8).prop_map(Happens::EndsSeen),
            1 => (0usize..2).prop_map(Happens::Restarts),
        ]
    }

    proptest! {
        /// Against servers that know their sessions: no writer has more than two on one, and none
        /// is refused where it has fewer.
        #[test]
        fn a_writer_never_has_three_on_one_server_and_is_never_refused_its_second(
            story in proptest::collection::vec(happens(), 1..200),
        ) {
            let mut open = OpenSessions::default();
            let mut starts = [0_i64; 2];
            // What is really there: server, its process, and whether the writer has it under way.
            let mut there: Vec<(usize, ServerProcess, bool)> = Vec::new();
            let mut next_pid = 1;
            for event in story {
                match event {
                    Happens::Opens(place) => {
                        let found = server(["a", "b"][place], starts[place]);
                        let of_it = || there.iter().filter(|one| one.0 == place);
                        let mut room = open.room(&found);
                        if let Room::Ask(asked) = room {
                            let alive: BTreeSet<ServerProcess> =
                                of_it().map(|one| one.1.clone()).collect();
                            open.ended(&asked.difference(&alive).cloned().collect());
                            room = open.room(&found);
                        }
                        let has_room = room == Room::Yes;
                        let under_way = of_it().filter(|one| one.2).count();
                        if has_room {
                            prop_assert!(of_it().count() < SESSIONS_MAX);
                            open.opened(&found, &backend(next_pid));
                            there.push((place, backend(next_pid), true));
                            next_pid += 1;
                        } else {
                            // One that is under way may have ended unseen; those left were asked for.
                            let known = open.iter().filter(|one| !one.left).count();
                            prop_assert!(of_it().count() >= SESSIONS_MAX || known > under_way);
                        }
                    }
                    Happens::GivesUp => {
                        open.all_left();
                        there.iter_mut().for_each(|one| one.2 = false);
                    }
                    Happens::EndsUnseen(place) => {
                        if place < there.len() {
                            there.remove(place);
                        }
                    }
                    Happens::EndsSeen(place) => {
                        if place < there.len() {
                            open.ended(&[there.remove(place).1].into());
                        }
                    }
                    Happens::Restarts(place) => {
                        starts[place] += 1;
                        there.retain(|one| one.0 != place);
                    }
                }
                prop_assert!(open.iter().count() <= KEPT);
            }
        }
    }
}
