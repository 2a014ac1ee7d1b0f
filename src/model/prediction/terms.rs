//! The formula of each part of an outage, with its reason.
//!
//! What was measured is in `docs/predict.md`: Patroni 3.0.2 with etcd 3, PostgreSQL 15 and HAProxy 2.6 on one
//! machine. What no setting decides is a constant from there.

use std::time::Duration;

use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::prediction::client_waits::ClientWaits;
use crate::model::prediction::in_force::PatroniInForce;
use crate::model::span::Span;

/// etcd revokes a lease that has run out within this.
const ETCD_REVOKES_MAX: Duration = Duration::from_millis(500);

/// Patroni looks once a second whether PostgreSQL has shut down (`STOP_POLLING_INTERVAL` in its
/// `postgresql/__init__.py`): a shutdown within a second takes one such step, and a little.
pub(super) const SHUTDOWN: Span = Span::of_ms(1100, 1400);

/// A switchover is asked for, and the leader begins to shut down: sessions write until then.
pub(super) const SWITCHOVER_ACCEPTED: Span = Span::of_ms(200, 500);

/// The candidates ask every member for its position; the old leader's machine refuses.
pub(super) const ELECTION: Span = Span::of_ms(50, 300);

/// The old leader accepts and never answers, while its Patroni stops: the candidates wait for its exit,
/// two seconds at most (`timeout=2` in Patroni's `ha.py`, which no setting changes).
pub(super) const ELECTION_BESIDE_STOPPING: Span = Span::of_ms(50, 2100);

/// It never answers: all of these two seconds.
pub(super) const ELECTION_BESIDE_MUTE: Span = Span::of_ms(2000, 2100);

/// `pg_ctl promote`, until writes are taken.
pub(super) const PROMOTION: Span = Span::of_ms(100, 250);

/// PostgreSQL starts after a crash with little to replay, and is promoted again.
pub(super) const RECOVERY: Span = Span::of_ms(1000, 2000);

/// HAProxy reads its configuration and listens.
pub(super) const PROXY_STARTS: Span = Span::of_ms(200, 1000);

/// `/primary` answers 200 this long after the key is taken: before the promotion is over.
const CHECK_PASSES_AFTER: Duration = Duration::from_millis(30);

/// How long a leader that renews its key no more has it, and says that it leads: the key was renewed at most `loop_wait`
/// ago, and its `ttl` is over then, by the leader's own clock.
pub(super) fn leads_on(patroni: &PatroniInForce) -> Span {
    let [ttl, loop_wait] =
        [patroni.settings.ttl_s, patroni.settings.loop_wait_s].map(Duration::from_secs);
    Span::new(ttl.saturating_sub(loop_wait), ttl)
}

/// The key of a leader that is killed or frozen: etcd revokes it a moment after its time is over.
pub(super) fn lock_expires(patroni: &PatroniInForce) -> Span {
    leads_on(patroni).then(Span::new(Duration::ZERO, ETCD_REVOKES_MAX))
}

/// How long a leader goes on without etcd: its next loop begins within `loop_wait`, and it tries for
/// `retry_timeout`, twice at worst (to read, then to renew its key); a first try that fails early has used
/// half of it. Its own key's `ttl` ends it in any case.
pub(super) fn until_demotion(patroni: &PatroniInForce) -> Span {
    let [ttl, loop_wait, retry] =
        [patroni.settings.ttl_s, patroni.settings.loop_wait_s, patroni.settings.retry_timeout_s]
            .map(Duration::from_secs);
    let worst = loop_wait.saturating_add(retry.saturating_mul(2)).min(ttl);
    Span::new((retry / 2).min(worst), worst)
}

/// After etcd is back: its own election, then the leader's next loop, which renews the key that it has.
pub(super) fn lock_renewed(patroni: &PatroniInForce) -> Span {
    let loop_wait = Duration::from_secs(patroni.settings.loop_wait_s);
    Span::new(Duration::from_millis(500), loop_wait.saturating_add(Duration::from_millis(1500)))
}

/// Patroni looks at its PostgreSQL once a loop.
pub(super) fn crash_noticed(patroni: &PatroniInForce) -> Span {
    Span::new(Duration::ZERO, Duration::from_secs(patroni.settings.loop_wait_s))
}

/// From the first write that the new leader would take: a server that is down is checked every
/// `downinter`, and once a check has passed every `fastinter` until `rise` have. The checks pass before the
/// promotion is over, so that the best case has a start on it.
pub(super) fn proxy_finds(proxy: &ProxyChecks) -> Span {
    let rest = proxy.fastinter.saturating_mul(proxy.rise.saturating_sub(1));
    let ahead = PROMOTION.to.unwrap_or_default().saturating_sub(CHECK_PASSES_AFTER);
    Span::new(rest.saturating_sub(ahead), proxy.downinter.saturating_add(rest))
}

/// How long a server that refuses stays up for HAProxy: its next check begins within `inter`, and `fall` must
/// fail.
pub(super) fn refusing_leaves(proxy: &ProxyChecks) -> Span {
    let rest = proxy.fastinter.saturating_mul(proxy.fall.saturating_sub(1));
    Span::new(rest, proxy.inter.saturating_add(rest))
}

/// The same of one that is silent: the first check waits for `timeout check`, as its connect is accepted; each
/// further one for its connect: `timeout connect` or `inter`, whichever is shorter, and `inter` where there is no
/// `timeout check` (`tcpcheck_eval_connect` in HAProxy's `tcpcheck.c`).
pub(super) fn silent_leaves(proxy: &ProxyChecks) -> Span {
    let connect = proxy.check_timeout.and(proxy.connect_timeout).unwrap_or(proxy.inter);
    let connect = connect.min(proxy.inter);
    let more = proxy.fastinter.saturating_add(connect);
    let more = more.saturating_mul(proxy.fall.saturating_sub(1));
    let first = proxy.check_timeout.unwrap_or(proxy.inter);
    let best = first.saturating_add(more);
    Span::new(best, proxy.inter.saturating_add(best))
}

/// A connect that reaches a refusing server while it is still up: HAProxy tries it `retries` times, with a
/// wait before each, and then closes.
pub(super) fn held_connect(proxy: &ProxyChecks) -> Span {
    let held = proxy.retry_wait().saturating_mul(proxy.retries);
    Span::new(held, held)
}

/// A crashed server that is up for HAProxy all the time: a connect that is held when the server is back goes
/// on at its next try.
pub(super) fn held_until_next_try(proxy: &ProxyChecks) -> Span {
    let wait = if proxy.retries == 0 { Duration::ZERO } else { proxy.retry_wait() };
    Span::new(Duration::ZERO, wait)
}

/// How long a write to a frozen server is waited for: until its deadline, or until HAProxy marks the server
/// down and ends its sessions.
pub(super) fn silent_session(client: &ClientWaits, proxy: Option<&ProxyChecks>) -> Span {
    let deadline = client.write_timeout;
    match proxy.filter(|proxy| proxy.shuts_sessions_down).map(silent_leaves) {
        None => Span::new(deadline, deadline),
        Some(leaves) => {
            Span::new(leaves.from.min(deadline), leaves.to.map_or(deadline, |to| to.min(deadline)))
        }
    }
}

/// The wait between two attempts: full jitter up to `backoff_max`, which an outage of seconds has reached. More
/// writers make a short one likelier, and the longest no shorter.
pub(super) fn backoff(client: &ClientWaits) -> Span {
    Span::new(Duration::ZERO, client.backoff_max.max(client.backoff_min))
}

/// A connect to a frozen leader hangs: an attempt that is there when the new leader is there keeps its writer for up to
/// `connect_timeout`, unless HAProxy has ended it, or sent it elsewhere, by then. `passed` is the least of the
/// outage so far, and the most of its silent sessions: an attempt begins when these have ended.
pub(super) fn connect_beside_frozen(
    client: &ClientWaits,
    proxy: Option<&ProxyChecks>,
    passed: Duration,
) -> Span {
    let hangs = match proxy {
        None => client.connect_timeout,
        Some(proxy) => {
            let mut last = silent_leaves(proxy).to.unwrap_or(Duration::MAX);
            if !proxy.shuts_sessions_down {
                last = last.saturating_add(client.connect_timeout);
            }
            last.saturating_sub(passed).min(client.connect_timeout)
        }
    };
    Span::new(Duration::ZERO, hangs)
}
