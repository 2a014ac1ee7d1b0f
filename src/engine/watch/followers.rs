//! Which replicas follow the primary, looked at beside the load where no Patroni tells of members.
//!
//! After a failover the old primary's name among the new one's replicas is not known when its own
//! server does not tell it, and its address tells nothing where all come from one. What is known is
//! which names are new there: for that the names of before must be known.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::engine::clock::Clock;
use crate::engine::dialer::Dialer;
use crate::model::cluster::server::Server;
use crate::model::fault::Phase;
use crate::model::outage::kind::Replicas;

/// The pause between two looks, and between tries until the first look succeeds.
const EVERY: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_secs(1);

/// The deadline of the question.
const DEADLINE: Duration = Duration::from_secs(2);

/// A look may be this old when the primary is lost: the next one was not due yet, or had to wait for
/// its deadlines.
const AGE_MAX: Duration = Duration::from_secs(12);

/// The last followers are kept of this many primaries: outages can follow each other quickly.
const KEPT: usize = 4;

/// The replicas of a primary as they were last seen.
#[derive(Debug, Clone)]
struct FollowersSeen {
    /// When it was asked, since the start of the run.
    at: Duration,
    primary: Server,
    replicas: Replicas,
}

/// What was seen, of a few primaries.
#[derive(Debug, Clone)]
pub(crate) struct Followers(watch::Receiver<VecDeque<FollowersSeen>>);

impl Followers {
    /// The replicas that followed this primary shortly before a time, if that is known.
    pub(crate) fn before(&self, primary: Option<&Server>, time: Duration) -> Option<Replicas> {
        let seen = self.0.borrow();
        let of_primary = seen.iter().find(|seen| {
            primary.is_some_and(|primary| seen.primary.has_stayed(primary))
                && seen.at <= time
                && seen.at + AGE_MAX >= time
        });
        of_primary.map(|seen| seen.replicas.clone())
    }
}

/// Looks again and again.
pub(crate) struct FollowerWatcher {
    dialer: Dialer,
    clock: Clock,
    seen: watch::Sender<VecDeque<FollowersSeen>>,
}

/// A watcher, and what it sees.
pub(crate) fn watcher(dialer: Dialer, clock: Clock) -> (FollowerWatcher, Followers) {
    let (seen, followers) = watch::channel(VecDeque::new());
    (FollowerWatcher { dialer, clock, seen }, Followers(followers))
}

impl FollowerWatcher {
    /// Looks until the load stops.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let look_for_ever = async {
            let mut wait = AGAIN;
            loop {
                let looked = self.look().await;
                // Retry quickly only until the first success: later a failure is an outage.
                wait = if looked.is_some() { EVERY } else { wait };
                if let Some(looked) = looked {
                    self.seen.send_modify(|seen| add(seen, looked));
                }
                tokio::time::sleep(wait).await;
            }
        };
        tokio::select! {
            () = look_for_ever => {}
            () = stop.cancelled() => {}
        }
    }

    async fn look(&self) -> Option<FollowersSeen> {
        let at = self.clock.now();
        let session = self.dialer.dial().await.ok()?.session;
        let asked = session.replicas(Duration::ZERO);
        let replicas = session.bounded(Phase::Read, DEADLINE, asked).await.ok();
        let primary = session.server.clone();
        session.close().await;
        Some(FollowersSeen { at, primary, replicas: replicas? })
    }
}

fn add(seen: &mut VecDeque<FollowersSeen>, looked: FollowersSeen) {
    seen.retain(|known| !known.primary.has_stayed(&looked.primary));
    seen.push_back(looked);
    seen.drain(..seen.len().saturating_sub(KEPT));
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn server(start: i64, timeline: u32) -> Server {
        Server {
            timeline: Some(timeline),
            system_identifier: Some("7".to_owned()),
            postmaster_start: DateTime::from_timestamp(start, 0),
            ..Server::default()
        }
    }

    fn seen(at_s: u64, primary: Server, name: &str) -> FollowersSeen {
        let names = [name.to_owned()].into();
        let replicas = Replicas { names, ..Replicas::default() };
        FollowersSeen { at: Duration::from_secs(at_s), primary, replicas }
    }

    #[test]
    fn only_what_was_seen_of_this_primary_shortly_before_counts() {
        let mut all = VecDeque::new();
        add(&mut all, seen(10, server(1, 1), "b"));
        add(&mut all, seen(15, server(1, 1), "c"));
        add(&mut all, seen(20, server(2, 2), "d"));
        let (_sender, receiver) = watch::channel(all);
        let followers = Followers(receiver);
        let names = |primary, at_s| {
            let before = followers.before(Some(&primary), Duration::from_secs(at_s));
            before.map(|replicas| replicas.names.into_iter().collect::<Vec<_>>())
        };
        assert_eq!(names(server(1, 1), 16), Some(vec!["c".to_owned()]));
        assert_eq!(names(server(1, 1), 14), None, "it was seen after that");
        assert_eq!(names(server(1, 1), 40), None, "too long before");
        assert_eq!(names(server(2, 2), 21), Some(vec!["d".to_owned()]));
        assert_eq!(names(server(3, 2), 21), None, "another start");
        assert_eq!(followers.before(None, Duration::from_secs(21)), None);
    }

    #[test]
    fn primaries_without_end_cost_no_memory_without_end() {
        let mut all = VecDeque::new();
        for start in 0..100 {
            add(&mut all, seen(1, server(start, 1), "b"));
        }
        assert_eq!(all.len(), KEPT);
    }
}
