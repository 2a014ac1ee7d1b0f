//! Outages as they were measured on a lab (default and quick), split by all watchers, by each alone, and by none.

use std::time::Duration;

use proptest::prelude::*;

use super::split::split;
use super::watched::WatchersView;
use super::*;
use crate::model::cluster::leader_key::LeaderKey;
use crate::model::cluster::leadership::LeaderSeen;
use crate::model::cluster::member_servers::{MemberServer, MemberServerState};
use crate::model::cluster::member_states::{MemberChange, MemberState};
use crate::model::cluster::proxy::{ProxyChange, ProxyPage, ProxyServerState};
use crate::model::cluster::server::Server;
use crate::model::cluster::software::PatroniSettings;
use crate::model::cluster::witness::{WitnessSeen, WitnessState};
use crate::model::outage::kind::{Detail, Kind};
use crate::model::outage::stall_cause::StallCause;
use crate::model::outage::{Outage, Phases, Side};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn side(member: &str) -> Option<Side> {
    Some(Side {
        member: Some(member.to_owned()),
        address: "10.0.0.1:5432".to_owned(),
        timeline: Some(1),
    })
}

/// What a watcher saw.
#[derive(Debug, Clone)]
enum Told {
    Leader(LeaderSeen),
    Key(LeaderKey),
    Api(MemberChange),
    Server(MemberServer),
    Proxied(ProxyChange),
    Page(ProxyPage),
}

/// When it was seen.
#[derive(Debug, Clone)]
struct SeenAt {
    at: Duration,
    what: Told,
}

impl SeenAt {
    fn tell(&self, watched: &mut WatchersView) {
        match &self.what {
            Told::Leader(seen) => watched.leader(self.at, seen),
            Told::Key(seen) => watched.leader_key(self.at, *seen),
            Told::Api(seen) => watched.member(self.at, seen),
            Told::Server(seen) => watched.server(self.at, seen),
            Told::Proxied(seen) => watched.proxied(self.at, seen),
            Told::Page(seen) => watched.proxy_page(self.at, seen),
        }
    }
}

/// What was changed at `at_ms`, 100 ms after a look that found it otherwise.
fn at(at_ms: u64, what: impl FnOnce(Option<Duration>) -> Told) -> SeenAt {
    let not_before = at_ms.checked_sub(100).filter(|_| at_ms >= 1_000).map(ms);
    SeenAt { at: ms(at_ms), what: what(not_before) }
}

fn leader(at_ms: u64, from: Option<&str>, to: Option<&str>) -> SeenAt {
    at(at_ms, |not_before| {
        Told::Leader(LeaderSeen {
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
            timeline: None,
            not_before,
            all_asked: true,
        })
    })
}

fn key(at_ms: u64, free: bool) -> SeenAt {
    at(at_ms, |not_before| Told::Key(LeaderKey { free, not_before }))
}

fn api(at_ms: u64, member: &str, is: MemberState) -> SeenAt {
    at(at_ms, |not_before| Told::Api(MemberChange { member: member.to_owned(), not_before, is }))
}

fn server(at_ms: u64, member: &str, is: MemberServerState) -> SeenAt {
    at(at_ms, |not_before| Told::Server(MemberServer { member: member.to_owned(), not_before, is }))
}

fn proxied(at_ms: u64, server: &str, is: ProxyServerState) -> SeenAt {
    at(at_ms, |not_before| {
        Told::Proxied(ProxyChange {
            backend: "write".to_owned(),
            server: server.to_owned(),
            member: None,
            not_before,
            is,
            check: None,
        })
    })
}

fn of_replicas(at_ms: u64, server: &str, is: ProxyServerState) -> SeenAt {
    let SeenAt { at, what } = proxied(at_ms, server, is);
    let Told::Proxied(change) = what else { unreachable!() };
    SeenAt { at, what: Told::Proxied(ProxyChange { backend: "read".to_owned(), ..change }) }
}

fn page(at_ms: u64, error: Option<&str>) -> SeenAt {
    at(at_ms, |not_before| {
        Told::Page(ProxyPage {
            url: "http://localhost:7000/;csv".to_owned(),
            not_before,
            error: error.map(str::to_owned),
            gone: error.is_some(),
        })
    })
}

const PRIMARY: MemberState = MemberState::Primary { timeline: Some(1) };
const REPLICA: MemberState = MemberState::Replica { timeline: Some(1) };

fn writable() -> MemberServerState {
    MemberServerState::Answers { server: Box::default() }
}

fn replica() -> MemberServerState {
    let server = Server { in_recovery: true, ..Server::default() };
    MemberServerState::Answers { server: Box::new(server) }
}

/// Before anything is broken: patroni1 leads, and the proxy sends there.
fn patroni_before() -> Vec<SeenAt> {
    vec![
        leader(10, None, Some("patroni1")),
        api(10, "patroni1", PRIMARY),
        api(20, "patroni2", REPLICA),
    ]
}

fn proxy_before() -> Vec<SeenAt> {
    vec![
        page(30, None),
        proxied(30, "patroni1", ProxyServerState::Up),
        proxied(30, "patroni2", ProxyServerState::Down),
        // The backend of replicas, as most configurations have one.
        of_replicas(30, "patroni1", ProxyServerState::Down),
        of_replicas(30, "patroni2", ProxyServerState::Up),
        of_replicas(30, "patroni3", ProxyServerState::Up),
    ]
}

fn servers_before() -> Vec<SeenAt> {
    vec![server(40, "patroni1", writable()), server(40, "patroni2", replica())]
}

/// An outage from 10 s on: its end, its first and last error, and when the last attempt was started that failed.
fn outage(kind: Kind, to: &str, lasted: u64, [first, tried, last]: [u64; 3]) -> Outage {
    Outage {
        n: 1,
        kind,
        began: ms(10_000),
        duration: ms(lasted),
        degraded: ms(lasted),
        last_ack: Some(ms(9_990)),
        first_ack: Some(ms(10_000 + lasted)),
        writable_after: Some((ms(tried), ms(lasted))),
        phases: Phases {
            first_error: Some(ms(first)),
            last_error: Some(ms(last)),
            first_ack: Some(ms(lasted)),
            ..Phases::default()
        },
        from: side("patroni1"),
        to: side(to),
        ..Outage::default()
    }
}

fn watched(events: &[&[SeenAt]]) -> WatchersView {
    let mut events: Vec<&SeenAt> = events.iter().copied().flatten().collect();
    events.sort_by_key(|event| event.at);
    let mut watched = WatchersView::default();
    events.into_iter().for_each(|event| event.tell(&mut watched));
    watched
}

/// Each part with its owners and milliseconds.
fn parts(outage: &Outage, events: &[&[SeenAt]]) -> Vec<(PartName, Vec<Owner>, u128)> {
    let whose = split(outage, &watched(events), false).unwrap();
    whose.parts.into_iter().map(|part| (part.part, part.owners, part.lasted.as_millis())).collect()
}

/// The leader is killed: Patroni and HAProxy as most installations set them.
fn killed() -> (Outage, Vec<SeenAt>, Vec<SeenAt>, Vec<SeenAt>) {
    let outage = outage(Kind::Failover, "patroni2", 29_960, [0, 29_700, 29_700]);
    let patroni = vec![
        api(10_050, "patroni1", MemberState::Gone),
        key(34_850, true),
        leader(34_950, Some("patroni1"), None),
        key(35_000, false),
        leader(35_050, None, Some("patroni2")),
        api(35_250, "patroni2", PRIMARY),
    ];
    let proxy = vec![
        proxied(17_200, "patroni1", ProxyServerState::Down),
        proxied(39_850, "patroni2", ProxyServerState::Up),
    ];
    let servers = vec![
        server(10_060, "patroni1", MemberServerState::Gone),
        server(35_220, "patroni2", writable()),
    ];
    (outage, patroni, proxy, servers)
}

#[test]
fn a_killed_leader_by_all_watchers() {
    use Owner::{Client, Patroni, Postgresql, Proxy};
    let (outage, patroni, proxy, servers) = killed();
    let (a, b, c) = (patroni_before(), proxy_before(), servers_before());
    assert_eq!(
        parts(&outage, &[&a, &b, &c, &patroni, &proxy, &servers]),
        [
            (PartName::Lock, vec![Patroni], 24_800),
            (PartName::Election, vec![Patroni], 150),
            (PartName::Promotion, vec![Postgresql], 220),
            (PartName::ProxyChecks, vec![Proxy], 4_630),
            (PartName::Reconnect, vec![Client], 160),
        ]
    );
}

#[test]
fn a_killed_leader_by_none() {
    use Owner::{Client, Etcd, Patroni, Postgresql, Proxy};
    let (outage, ..) = killed();
    let cluster = vec![Patroni, Postgresql, Etcd, Proxy];
    let also_client = vec![Client, Patroni, Postgresql, Etcd, Proxy];
    assert_eq!(
        parts(&outage, &[]),
        [(PartName::Unsplit, cluster, 29_700), (PartName::Unsplit, also_client, 260)]
    );
    let whose = split(&outage, &WatchersView::default(), false).unwrap().by_owner();
    let client = whose[&Client];
    assert_eq!((client.at_least, client.at_most), (ms(0), ms(260)));
    assert_eq!(whose[&Patroni].at_most, ms(29_960));
}

#[test]
fn a_killed_leader_by_patroni_alone() {
    use Owner::{Client, Network, Patroni, Postgresql, Proxy};
    let (outage, patroni, ..) = killed();
    assert_eq!(
        parts(&outage, &[&patroni_before(), &patroni]),
        [
            (PartName::Lock, vec![Patroni], 24_800),
            (PartName::Election, vec![Patroni], 150),
            (PartName::Promotion, vec![Postgresql], 250),
            (PartName::Way, vec![Proxy, Network], 4_500),
            (PartName::Unsplit, vec![Client, Proxy, Network], 260),
        ]
    );
}

/// Another leader is seen between two looks, and the first write follows at once: where the part before it ends is as
/// far off as those are apart.
#[test]
fn an_end_between_two_looks_is_not_exact() {
    let short = outage(Kind::Failover, "patroni2", 140, [0, 130, 130]);
    let patroni = [
        api(10_050, "patroni1", MemberState::Gone),
        leader(10_150, Some("patroni1"), Some("patroni2")),
        api(10_150, "patroni2", PRIMARY),
    ];
    let whose = split(&short, &watched(&[&patroni_before(), &patroni]), false).unwrap();
    let first = &whose.parts[0];
    assert_eq!((first.lasted, first.within), (ms(130), ms(45)), "{:?}", whose.parts);
}

#[test]
fn a_killed_leader_by_the_proxy_alone() {
    use Owner::{Client, Etcd, Patroni, Postgresql, Proxy};
    let (outage, _, proxy, _) = killed();
    let cluster = vec![Patroni, Postgresql, Etcd, Proxy];
    let also_client = vec![Client, Patroni, Postgresql, Etcd, Proxy];
    assert_eq!(
        parts(&outage, &[&proxy_before(), &proxy]),
        [
            (PartName::Unsplit, cluster, 29_700),
            (PartName::Unsplit, also_client, 100),
            (PartName::Unsplit, vec![Client, Postgresql], 160),
        ]
    );
}

#[test]
fn a_killed_leader_by_the_servers_alone() {
    use Owner::{Client, Etcd, Network, Patroni, Postgresql, Proxy};
    let (outage, .., servers) = killed();
    assert_eq!(
        parts(&outage, &[&servers_before(), &servers]),
        [
            (PartName::Cluster, vec![Patroni, Postgresql, Etcd], 25_170),
            (PartName::Way, vec![Proxy, Network], 4_530),
            (PartName::Unsplit, vec![Client, Proxy, Network], 260),
        ]
    );
}

/// A leader that is stopped in good order: its Patroni gives no more answers, and gives the key back.
fn stopped() -> (Outage, Vec<SeenAt>, Vec<SeenAt>) {
    let outage = outage(Kind::Failover, "patroni2", 1_800, [0, 1_760, 1_770]);
    let patroni = vec![
        key(11_150, true),
        leader(11_180, Some("patroni1"), None),
        api(11_500, "patroni1", MemberState::Silent),
        key(11_450, false),
        leader(11_460, None, Some("patroni2")),
        api(11_650, "patroni2", PRIMARY),
    ];
    let silent = |event: SeenAt| match event.what {
        Told::Api(seen) if seen.is == MemberState::Silent => SeenAt {
            what: Told::Api(MemberChange { not_before: Some(ms(9_950)), ..seen }),
            ..event
        },
        _ => event,
    };
    let servers = vec![
        server(10_050, "patroni1", MemberServerState::Starting),
        server(10_250, "patroni1", MemberServerState::Gone),
        server(11_650, "patroni2", writable()),
    ];
    (outage, patroni.into_iter().map(silent).collect(), servers)
}

/// A leader without its store, by its server alone: it shuts down, and comes back as a replica.
#[test]
fn a_server_that_shuts_down_is_not_taken_for_one_that_starts() {
    let demoted = outage(Kind::Demotion, "patroni1", 9_000, [0, 8_900, 8_910]);
    let servers = [
        server(10_050, "patroni1", MemberServerState::Starting),
        server(10_250, "patroni1", MemberServerState::Gone),
        server(11_050, "patroni1", MemberServerState::Starting),
        server(11_250, "patroni1", replica()),
        server(18_950, "patroni1", writable()),
    ];
    let all = parts(&demoted, &[&servers_before(), &servers]);
    assert_eq!(all[0].0, PartName::Cluster, "{all:?}");
    let recovery = all.iter().any(|(part, ..)| *part == PartName::Recovery);
    assert!(!recovery, "it waits for its store, as far as anybody can tell: {all:?}");
    // It says the same when one of its processes crashed, and takes writes again after that.
    let crashed = outage(Kind::Restart, "patroni1", 900, [0, 800, 810]);
    let servers = [
        server(10_050, "patroni1", MemberServerState::Starting),
        server(10_850, "patroni1", writable()),
    ];
    let all = parts(&crashed, &[&servers_before(), &servers]);
    assert_eq!(all[0], (PartName::Recovery, vec![Owner::Postgresql], 800), "{all:?}");
}

/// The last write of a witness was acknowledged just after the outage began, and its next one failed much later.
#[test]
fn a_witness_proves_nothing_after_its_last_write() {
    let (outage, _, servers) = stopped();
    let mut watched = watched(&[&servers_before(), &servers]);
    let stopped = WitnessSeen {
        member: "patroni1".to_owned(),
        run_id: uuid::Uuid::nil(),
        is: WitnessState::Stopped { last_ack: ms(10_020), failed: ms(10_220), writes: 50 },
    };
    watched.witness(ms(10_220), &stopped);
    let parts = split(&outage, &watched, false).unwrap().parts;
    assert_eq!(parts[0].part, PartName::Cluster, "{parts:?}");
}

/// What stands before the election, with these watchers.
fn before_election(events: &[&[SeenAt]], ttl_s: Option<u64>) -> Vec<(PartName, Vec<Owner>, u128)> {
    let (outage, ..) = stopped();
    let mut watched = watched(events);
    if let Some(ttl_s) = ttl_s {
        watched.settings(ms(20), &PatroniSettings { ttl_s, ..PatroniSettings::BY_DEFAULT });
    }
    let parts = split(&outage, &watched, false).unwrap().parts.into_iter();
    parts
        .map(|part| (part.part, part.owners, part.lasted.as_millis()))
        .take_while(|(part, ..)| *part != PartName::Election)
        .collect()
}

#[test]
fn a_stopped_leader_gives_its_key_back() {
    use Owner::{Patroni, Postgresql};
    let (_, patroni, servers) = stopped();
    let (a, b, c) = (patroni_before(), proxy_before(), servers_before());
    let by_servers =
        [(PartName::Handover, vec![Postgresql], 200), (PartName::Handover, vec![Patroni], 900)];
    assert_eq!(before_election(&[&a, &b, &c, &patroni, &servers], None), by_servers);
    // It was killed while it shut down: the key lapses long after that.
    let late: Vec<SeenAt> = servers.iter().filter(|one| one.at < ms(11_000)).cloned().collect();
    let lapses = [
        api(9_900, "patroni1", PRIMARY),
        key(20_150, true),
        leader(20_180, Some("patroni1"), None),
    ];
    let killed = Outage { duration: ms(12_000), first_ack: Some(ms(22_000)), ..stopped().0 };
    let told = watched(&[&a, &b, &c, &late, &lapses]);
    let parts = split(&killed, &told, false).unwrap().parts;
    assert!(parts.iter().all(|part| part.part != PartName::Handover), "{parts:?}");
    // Its API was mute all the time: the leader may have changed at any moment, as far as the last look at it tells.
    let silent = SeenAt {
        at: ms(20_180),
        what: Told::Leader(LeaderSeen {
            from: Some("patroni1".to_owned()),
            to: None,
            timeline: None,
            not_before: Some(ms(9_800)),
            all_asked: true,
        }),
    };
    let lapses = [api(10_050, "patroni1", MemberState::Gone), key(20_150, true), silent];
    let mut told = watched(&[&a, &b, &lapses]);
    told.settings(ms(20), &PatroniSettings::BY_DEFAULT);
    let parts = split(&killed, &told, false).unwrap().parts;
    assert_eq!((parts[0].part, &parts[0].owners), (PartName::Lock, &vec![Patroni]), "{parts:?}");
    // By Patroni alone: the key was free before it can have lapsed.
    let handover = [(PartName::Handover, vec![Patroni, Postgresql], 1_100)];
    assert_eq!(before_election(&[&a, &b, &patroni], Some(30)), handover);
    // It can have lapsed, or it is not known how long it lives.
    let lock = [(PartName::Lock, vec![Patroni], 1_100)];
    assert_eq!(before_election(&[&a, &b, &patroni], Some(11)), lock);
    assert_eq!(before_election(&[&a, &b, &patroni], None), lock);
}

/// The proxy holds a connect to the dead server for two seconds, and closes it then.
#[test]
fn a_switchover_in_which_the_proxy_holds_connects() {
    use Owner::{Client, Patroni, Postgresql, Proxy};
    let outage = outage(Kind::Switchover, "patroni2", 2_130, [0, 50, 2_060]);
    let changes = [
        api(10_040, "patroni1", MemberState::NotRunning { word: "stopping".to_owned() }),
        key(11_150, true),
        leader(11_120, Some("patroni1"), None),
        key(11_280, false),
        leader(11_290, None, Some("patroni2")),
        api(11_450, "patroni2", PRIMARY),
        proxied(11_460, "patroni2", ProxyServerState::Up),
        proxied(11_500, "patroni1", ProxyServerState::Down),
    ];
    assert_eq!(
        parts(&outage, &[&patroni_before(), &proxy_before(), &changes]),
        [
            (PartName::Handover, vec![Patroni, Postgresql], 1_100),
            (PartName::Election, vec![Patroni], 130),
            (PartName::Promotion, vec![Postgresql], 170),
            (PartName::ProxyChecks, vec![Proxy], 10),
            (PartName::ProxyHold, vec![Proxy], 650),
            (PartName::Reconnect, vec![Client], 70),
        ]
    );
}

/// The same where the connect goes through in the end: it has brought the session, and it was held all the same.
#[test]
fn a_connect_that_was_held_and_went_through() {
    use Owner::{Client, Network, Patroni, Postgresql, Proxy};
    let mut outage = outage(Kind::Restart, "patroni1", 3_000, [0, 1_400, 1_450]);
    outage.phases.writable_accepted = Some(ms(1_501));
    outage.phases.writable = Some(ms(2_980));
    let changes = [
        server(10_050, "patroni1", MemberServerState::Gone),
        server(12_050, "patroni1", writable()),
    ];
    let (a, b, c) = (patroni_before(), proxy_before(), servers_before());
    let all = parts(&outage, &[&a, &b, &c, &changes]);
    let ends = [(PartName::ProxyHold, vec![Proxy], 980), (PartName::Reconnect, vec![Client], 20)];
    assert_eq!(all[all.len() - 2..], ends, "{all:?}");
    // Where the proxy is not watched, it is not known to be there.
    let all = parts(&outage, &[&a, &c, &changes]);
    assert_eq!(all[all.len() - 2].1, [Proxy, Network], "{all:?}");
    // Nothing watched the cluster: the client did not wait meanwhile.
    let all = parts(&outage, &[]);
    let held = all.iter().find(|(_, _, lasted)| *lasted == 1_479);
    assert_eq!(
        held.map(|(_, owners, _)| &owners[..]),
        Some(&[Patroni, Postgresql, Proxy][..]),
        "{all:?}"
    );
}

#[test]
fn a_proxy_that_is_gone_and_comes_back() {
    use Owner::{Client, Proxy};
    let outage = outage(Kind::Connection, "patroni1", 5_690, [0, 5_600, 5_601]);
    let changes = [
        page(10_040, Some("connection refused")),
        page(15_100, None),
        proxied(15_100, "patroni1", ProxyServerState::Unchecked),
    ];
    let all = parts(&outage, &[&patroni_before(), &proxy_before(), &changes]);
    assert_eq!(all[0], (PartName::ProxyGone, vec![Proxy], 5_050));
    assert_eq!(all.last(), Some(&(PartName::Reconnect, vec![Client], 89)));
}

/// etcd has no majority: the leader gives up, no member ever says that the lock is free, and it leads again later.
#[test]
fn a_store_without_a_majority() {
    use Owner::{Client, Etcd, Patroni, Postgresql};
    let outage = outage(Kind::Demotion, "patroni1", 12_790, [0, 12_780, 12_781]);
    let changes = [
        api(10_040, "patroni1", MemberState::NotRunning { word: "stopping".to_owned() }),
        leader(10_900, Some("patroni1"), None),
        api(11_500, "patroni1", REPLICA),
        proxied(10_700, "patroni1", ProxyServerState::Down),
        leader(22_720, None, Some("patroni1")),
        api(22_830, "patroni1", PRIMARY),
        proxied(22_750, "patroni1", ProxyServerState::Up),
    ];
    assert_eq!(
        parts(&outage, &[&patroni_before(), &proxy_before(), &changes]),
        [
            (PartName::Store, vec![Patroni, Etcd], 12_670),
            (PartName::Promotion, vec![Patroni, Postgresql], 111),
            (PartName::Reconnect, vec![Client], 9),
        ]
    );
}

/// The same where another member is elected once the store is back: the key lapsed meanwhile, and is free then.
#[test]
fn a_store_without_a_majority_and_then_another_leader() {
    use Owner::{Client, Etcd, Patroni, Postgresql};
    let outage = outage(Kind::Failover, "patroni2", 2_740, [0, 2_600, 2_600]);
    let changes = [
        leader(9_310, Some("patroni1"), None),
        server(10_230, "patroni1", MemberServerState::Starting),
        api(10_230, "patroni1", MemberState::NotRunning { word: "stopping".to_owned() }),
        server(10_350, "patroni1", MemberServerState::Gone),
        api(11_770, "patroni1", MemberState::NotRunning { word: "starting".to_owned() }),
        key(12_000, true),
        leader(12_600, None, Some("patroni2")),
        key(12_600, false),
        server(12_700, "patroni2", writable()),
        proxied(10_050, "patroni1", ProxyServerState::Down),
        proxied(12_700, "patroni2", ProxyServerState::Up),
    ];
    let (a, b, c) = (patroni_before(), proxy_before(), servers_before());
    assert_eq!(
        parts(&outage, &[&a, &b, &c, &changes]),
        [
            (PartName::Store, vec![Patroni, Etcd], 1_950),
            (PartName::Election, vec![Patroni], 600),
            (PartName::Promotion, vec![Postgresql], 100),
            (PartName::Reconnect, vec![Client], 90),
        ]
    );
}

/// The server is frozen: the client's session hangs until the proxy or its own deadline ends it.
#[test]
fn a_client_that_notices_late() {
    use Owner::{Client, Patroni, Postgresql};
    let outage = outage(Kind::Failover, "patroni2", 9_000, [8_900, 8_950, 8_960]);
    let changes = [
        api(12_000, "patroni1", MemberState::Silent),
        key(14_200, true),
        leader(14_260, Some("patroni1"), Some("patroni2")),
        key(14_300, false),
        api(14_450, "patroni2", PRIMARY),
        proxied(14_500, "patroni2", ProxyServerState::Up),
        proxied(11_800, "patroni1", ProxyServerState::Down),
    ];
    // Silence begins at the last answer, before the outage.
    let mut before = patroni_before();
    before.retain(|event| event.at != ms(12_000));
    let silent = SeenAt {
        at: ms(12_000),
        what: Told::Api(MemberChange {
            member: "patroni1".to_owned(),
            not_before: Some(ms(9_950)),
            is: MemberState::Silent,
        }),
    };
    let all = parts(&outage, &[&before, &proxy_before(), &changes[1..], &[silent]]);
    assert_eq!(all[0], (PartName::Lock, vec![Patroni], 4_150));
    assert!(all.contains(&(PartName::Promotion, vec![Postgresql], 150)), "{all:?}");
    assert!(all.contains(&(PartName::Noticing, vec![Client], 4_450)), "{all:?}");
}

#[test]
fn a_server_that_is_asked_directly_has_no_proxy() {
    let (outage, patroni, ..) = killed();
    let whose = split(&outage, &watched(&[&patroni_before(), &patroni]), true).unwrap();
    assert!(whose.parts.iter().all(|part| !part.owners.contains(&Owner::Proxy)), "{whose:?}");
    assert_eq!(whose.parts.last().map(|part| part.owners.clone()), Some(vec![Owner::Client]));
}

#[test]
fn a_partial_outage_is_not_split() {
    let (outage, ..) = killed();
    assert_eq!(split(&Outage { partial: true, ..outage }, &WatchersView::default(), false), None);
}

fn any_change() -> impl Strategy<Value = SeenAt> {
    let member = prop_oneof![Just("patroni1"), Just("patroni2"), Just("x")];
    (0_u64..30_000, member, 0..14_u8).prop_map(|(at_ms, member, what)| match what {
        0 => leader(at_ms, None, Some(member)),
        1 => leader(at_ms, Some(member), None),
        2 | 3 => key(at_ms, what == 2),
        4 => api(at_ms, member, PRIMARY),
        5 => api(at_ms, member, REPLICA),
        6 => api(at_ms, member, MemberState::Gone),
        7 => api(at_ms, member, MemberState::Silent),
        8 => server(at_ms, member, writable()),
        9 => server(at_ms, member, replica()),
        10 => server(at_ms, member, MemberServerState::Gone),
        11 => proxied(at_ms, member, ProxyServerState::Up),
        12 => proxied(at_ms, member, ProxyServerState::Down),
        _ => page(at_ms, (at_ms % 2 == 0).then_some("refused")),
    })
}

proptest! {
    /// Whatever was seen: the parts follow one another, add up to the outage to the microsecond, and each has owners.
    #[test]
    fn parts_add_up(
        changes in prop::collection::vec(any_change(), 0..40),
        kind in prop::sample::select(Kind::ALL.to_vec()),
        lasted in 1_u64..25_000,
        errors in [0_u64..30_000, 0_u64..30_000, 0_u64..30_000],
        same in any::<bool>(),
        is_direct in any::<bool>(),
    ) {
        let to = if same { "patroni1" } else { "patroni2" };
        let outage = outage(kind, to, lasted, errors);
        let whose = split(&outage, &watched(&[&changes]), is_direct).unwrap();
        let sum: Duration = whose.parts.iter().map(|part| part.lasted).sum();
        prop_assert_eq!(sum, outage.duration);
        let mut next = Duration::ZERO;
        for part in &whose.parts {
            prop_assert_eq!(part.from, next);
            prop_assert!(!part.owners.is_empty() && !part.lasted.is_zero());
            next = part.from + part.lasted;
        }
    }
}

/// With slow checks the old primary, a replica by now, is still up for the proxy's write backend when the new one is.
#[test]
fn the_backend_of_replicas_is_not_the_loads() {
    let outage = outage(Kind::Switchover, "patroni2", 6_000, [0, 5_900, 5_910]);
    let changes = [
        key(11_150, true),
        key(11_280, false),
        leader(11_290, None, Some("patroni2")),
        api(10_040, "patroni1", MemberState::NotRunning { word: "stopping".to_owned() }),
        api(11_450, "patroni2", PRIMARY),
        proxied(15_900, "patroni2", ProxyServerState::Up),
    ];
    let all = parts(&outage, &[&patroni_before(), &proxy_before(), &changes]);
    assert!(all.contains(&(PartName::ProxyChecks, vec![Owner::Proxy], 4_500)), "{all:?}");
}

/// Patroni alone is watched, and the server refuses or does not answer.
#[test]
fn a_server_that_refuses_is_no_proxy() {
    let refused = |kind| {
        let outage = outage(kind, "patroni1", 3_000, [0, 2_900, 2_910]);
        parts(&outage, &[&patroni_before()])[0].clone()
    };
    use Owner::Postgresql;
    assert_eq!(refused(Kind::Overloaded), (PartName::Refusal, vec![Postgresql], 2_910));
    assert_eq!(refused(Kind::Terminated), (PartName::Ended, vec![Postgresql], 2_910));
    let stall = Outage {
        stall_cause: Some(StallCause::Other("Lock/tuple".to_owned())),
        phases: Phases::default(),
        ..outage(Kind::Stall, "patroni1", 3_000, [0; 3])
    };
    let all = parts(&stall, &[&patroni_before()]);
    assert_eq!(all, [(PartName::Silence, vec![Postgresql], 3_000)]);
}

/// Nothing of the cluster answers the watchers either: that it took no writes is not known.
#[test]
fn a_network_that_is_cut_is_not_the_cluster() {
    let outage = outage(Kind::Connection, "patroni1", 5_000, [0, 4_900, 4_910]);
    let silent = |member: &str| SeenAt {
        at: ms(12_100),
        what: Told::Server(MemberServer {
            member: member.to_owned(),
            not_before: Some(ms(9_950)),
            is: MemberServerState::Silent,
        }),
    };
    let all = parts(&outage, &[&servers_before(), &[silent("patroni1"), silent("patroni2")]]);
    assert!(all.iter().all(|(_, owners, _)| owners.contains(&Owner::Network)), "{all:?}");
}

/// A server that tells no name is the member that answers at its address.
#[test]
fn a_server_without_a_name_is_known_by_its_address() {
    let (mut outage, ..) = killed();
    outage.from =
        Some(Side { member: None, address: "10.0.0.1:5432".to_owned(), timeline: Some(1) });
    outage.to = Some(Side { member: None, address: "10.0.0.2:5432".to_owned(), timeline: Some(2) });
    let at_address = |at_ms, member: &str, address: &str, in_recovery| {
        let identity = Server {
            address: Some(address.to_owned()),
            port: Some(5432),
            in_recovery,
            ..Server::default()
        };
        server(at_ms, member, MemberServerState::Answers { server: Box::new(identity) })
    };
    let before =
        [at_address(40, "db1", "10.0.0.1", false), at_address(40, "db2", "10.0.0.2", true)];
    let changes = [
        server(10_060, "db1", MemberServerState::Gone),
        at_address(35_220, "db2", "10.0.0.2", false),
    ];
    let all = parts(&outage, &[&before, &changes]);
    assert_eq!(all[0].0, PartName::Cluster, "{all:?}");
}

/// The server has answered, and the answer does not come through: it is not what is waited for.
#[test]
fn a_write_that_is_lost_on_its_way_is_not_the_servers() {
    use Owner::{Network, Postgresql, Proxy};
    let mut outage = outage(Kind::Stall, "patroni1", 4_000, [4_000, 4_000, 4_000]);
    outage.phases.last_error = None;
    for (cause, owners) in [
        (StallCause::OnTheWay, vec![Proxy, Network]),
        (StallCause::Gone, vec![Proxy, Network]),
        (StallCause::SyncStandby, vec![Postgresql]),
    ] {
        outage.stall_cause = Some(cause);
        let told = parts(&outage, &[&patroni_before(), &proxy_before(), &servers_before()]);
        assert_eq!(told, [(PartName::Silence, owners, 4_000)], "{:?}", outage.stall_cause);
    }
}

/// Patroni of patroni1 is killed alone, and patroni2 leads once the lock has expired.
fn led_after_a_patroni_alone() -> [SeenAt; 5] {
    [
        api(10_050, "patroni1", MemberState::Gone),
        key(34_850, true),
        leader(34_850, Some("patroni1"), None),
        leader(35_000, None, Some("patroni2")),
        key(35_000, false),
    ]
}

/// Patroni is killed alone: its server goes on taking writes that no proxy sends it any more, until another one leads.
#[test]
fn a_server_without_its_patroni_is_not_the_proxys_wait() {
    use Owner::{Client, Network, Patroni, Postgresql, Proxy};
    let outage = outage(Kind::Failover, "patroni2", 30_000, [0, 29_900, 29_900]);
    let (led, promoted) = (led_after_a_patroni_alone(), [server(35_200, "patroni2", writable())]);
    let proxy = [
        proxied(10_040, "patroni1", ProxyServerState::Down),
        proxied(39_850, "patroni2", ProxyServerState::Up),
    ];
    let (a, b, c) = (patroni_before(), proxy_before(), servers_before());
    assert_eq!(
        parts(&outage, &[&a, &b, &c, &led, &promoted, &proxy]),
        [
            (PartName::Lock, vec![Patroni], 24_800),
            (PartName::Election, vec![Patroni], 150),
            (PartName::Promotion, vec![Postgresql], 200),
            (PartName::ProxyChecks, vec![Proxy], 4_750),
            (PartName::Reconnect, vec![Client], 100),
        ]
    );
    // Whether a proxy that is not watched follows Patroni is not known.
    let without = parts(&outage, &[&a, &c, &led, &promoted]);
    assert_eq!(without[0].1, [Patroni, Proxy, Network], "{without:?}");
}

/// The same where the proxy sends to the next leader before its server takes writes: it does as it should.
#[test]
fn a_proxy_that_follows_the_leader_is_not_what_is_waited_for() {
    use Owner::{Client, Postgresql};
    let outage = outage(Kind::Failover, "patroni2", 26_000, [0, 25_900, 25_900]);
    let led = led_after_a_patroni_alone();
    let changes = [
        server(35_800, "patroni2", writable()),
        proxied(10_040, "patroni1", ProxyServerState::Down),
        proxied(35_200, "patroni2", ProxyServerState::Up),
    ];
    let (a, b, c) = (patroni_before(), proxy_before(), servers_before());
    assert_eq!(
        parts(&outage, &[&a, &b, &c, &led, &changes])[2..],
        [
            (PartName::Promotion, vec![Postgresql], 800),
            (PartName::Way, vec![Owner::Proxy, Owner::Network], 150),
            (PartName::Reconnect, vec![Client], 100),
        ]
    );
}

/// Each member behind a tunnel sees itself at the same address: none is known by it.
#[test]
fn an_address_that_members_share_names_none_of_them() {
    let (mut outage, patroni, ..) = killed();
    let shared = "127.0.0.1:5432";
    let side = |member: Option<&str>| {
        Some(Side {
            member: member.map(str::to_owned),
            address: shared.to_owned(),
            timeline: Some(1),
        })
    };
    let identity = |in_recovery| {
        let address = Some("127.0.0.1".to_owned());
        Server { address, port: Some(5432), in_recovery, ..Server::default() }
    };
    let answers = |at_ms, member: &str, in_recovery| {
        let server_is = MemberServerState::Answers { server: Box::new(identity(in_recovery)) };
        server(at_ms, member, server_is)
    };
    let members = [
        answers(40, "patroni1", false),
        answers(45, "patroni2", true),
        server(10_060, "patroni1", MemberServerState::Gone),
        answers(35_220, "patroni2", false),
    ];
    let all = |outage: &Outage| parts(outage, &[&patroni_before(), &patroni, &members]);
    (outage.from, outage.to) = (side(Some("patroni1")), side(Some("patroni2")));
    assert_eq!(all(&outage)[0], (PartName::Lock, vec![Owner::Patroni], 24_800));
    // Without the servers' own word it is not known which of them took over.
    (outage.from, outage.to) = (side(None), side(None));
    let none_is_named = |(part, ..): &(PartName, Vec<Owner>, u128)| *part != PartName::Restart;
    assert!(all(&outage).iter().all(none_is_named), "{:?}", all(&outage));
}

/// In maintenance mode a server that ends stays as it is: it is started by hand.
#[test]
fn a_patroni_that_is_paused_owes_no_restart() {
    let outage = outage(Kind::Restart, "patroni1", 20_000, [0, 19_900, 19_900]);
    let changes = [
        server(10_010, "patroni1", MemberServerState::Gone),
        api(10_060, "patroni1", MemberState::NotRunning { word: "stopped".to_owned() }),
        server(29_900, "patroni1", writable()),
    ];
    let first = |pause| {
        let mut told = watched(&[&patroni_before(), &proxy_before(), &servers_before(), &changes]);
        told.settings(ms(20), &PatroniSettings { pause, ..PatroniSettings::BY_DEFAULT });
        split(&outage, &told, false).unwrap().parts[0].clone()
    };
    assert_eq!(first(false).owners, [Owner::Patroni]);
    let paused = first(true);
    assert_eq!(
        (paused.part, &paused.owners[..]),
        (PartName::Restart, &[Owner::Patroni, Owner::Postgresql][..])
    );
}

/// In maintenance mode a leader without its store goes on, and says no longer that it leads: the proxy takes it for down.
#[test]
fn a_leader_that_does_not_lead_is_no_silence() {
    use Owner::{Client, Etcd, Network, Patroni, Proxy};
    let outage = outage(Kind::Connection, "patroni1", 7_000, [0, 6_900, 6_910]);
    let changes = [
        leader(9_400, Some("patroni1"), None),
        proxied(10_020, "patroni1", ProxyServerState::Down),
        leader(16_700, None, Some("patroni1")),
        proxied(16_900, "patroni1", ProxyServerState::Up),
    ];
    let (a, b, c) = (patroni_before(), proxy_before(), servers_before());
    assert_eq!(
        parts(&outage, &[&a, &b, &c, &changes]),
        [
            (PartName::Store, vec![Patroni, Etcd], 6_650),
            (PartName::ProxyChecks, vec![Proxy], 250),
            (PartName::Way, vec![Proxy, Network], 10),
            (PartName::Reconnect, vec![Client], 90),
        ]
    );
}

/// In maintenance mode no member runs for a key that is free, until it is resumed.
#[test]
fn a_free_key_of_a_patroni_that_is_paused_is_no_election() {
    let outage = outage(Kind::Failover, "patroni2", 20_000, [0, 19_900, 19_900]);
    let changes = [
        api(10_050, "patroni1", MemberState::Gone),
        key(12_050, true),
        leader(12_060, Some("patroni1"), None),
        key(29_050, false),
        leader(29_060, None, Some("patroni2")),
        api(29_800, "patroni2", PRIMARY),
    ];
    let mut told = watched(&[&patroni_before(), &changes]);
    let paused = PatroniSettings { pause: true, ..PatroniSettings::BY_DEFAULT };
    told.settings(ms(20), &paused);
    told.settings(ms(28_000), &PatroniSettings::BY_DEFAULT);
    let parts = split(&outage, &told, false).unwrap().parts;
    let free: Vec<(PartName, Duration)> =
        parts.iter().skip(1).take(2).map(|part| (part.part, part.lasted)).collect();
    assert_eq!(
        free,
        [(PartName::Paused, ms(16_000)), (PartName::Election, ms(1_000))],
        "{parts:?}"
    );
}

/// Several hosts, and a connect that hung at one while another was promoted: it ended by the client's own deadline.
#[test]
fn a_connect_that_hangs_at_a_server_may_be_the_clients_wait() {
    use Owner::{Client, Network, Postgresql};
    let outage = outage(Kind::Failover, "patroni2", 8_000, [0, 4_000, 7_000]);
    let changes = [
        server(10_010, "patroni1", MemberServerState::Gone),
        api(10_050, "patroni1", MemberState::Gone),
        key(14_200, true),
        leader(14_200, Some("patroni1"), None),
        leader(14_400, None, Some("patroni2")),
        key(14_400, false),
        server(14_500, "patroni2", writable()),
    ];
    let told = watched(&[&patroni_before(), &servers_before(), &changes]);
    let parts = split(&outage, &told, true).unwrap().parts;
    let way: Vec<_> = parts.iter().filter(|part| part.part == PartName::Way).collect();
    assert_eq!(way.len(), 1, "{parts:?}");
    assert_eq!(way[0].owners, [Client, Postgresql, Network], "{parts:?}");
}

/// As it was seen in a drill: writes wait for a standby that is gone, and then the leader is killed.
#[test]
fn a_wait_for_a_standby_is_the_servers_though_a_failover_ends_it() {
    let mut outage = outage(Kind::Failover, "patroni2", 9_000, [2_000, 8_900, 8_900]);
    outage.stall_cause = Some(StallCause::SyncStandby);
    let changes = [
        server(12_010, "patroni1", MemberServerState::Gone),
        api(12_050, "patroni1", MemberState::Gone),
        key(16_800, true),
        leader(16_850, Some("patroni1"), None),
        key(17_000, false),
        leader(17_050, None, Some("patroni2")),
        server(17_200, "patroni2", writable()),
        proxied(12_100, "patroni1", ProxyServerState::Down),
        proxied(18_800, "patroni2", ProxyServerState::Up),
    ];
    let (a, b, c) = (patroni_before(), proxy_before(), servers_before());
    let all = parts(&outage, &[&a, &b, &c, &changes]);
    assert_eq!(all[0].0, PartName::Silence, "{all:?}");
    assert_eq!(all[0].1, [Owner::Postgresql], "{all:?}");
    assert!(all.iter().all(|(part, ..)| *part != PartName::Noticing), "{all:?}");
    let unwatched = parts(&outage, &[&a, &c, &changes[..7]]);
    assert_eq!(
        (unwatched[0].0, &unwatched[0].1[..]),
        (PartName::Silence, &[Owner::Postgresql][..])
    );
}

/// As it was measured: a frozen leader thaws and takes its key back, and the one that was elected meanwhile stops. The
/// store is there, and `failsafe_mode` changes nothing in that.
#[test]
fn a_key_that_is_taken_back_is_no_loss_of_the_store() {
    use Owner::{Etcd, Patroni, Postgresql, Proxy};
    let mut outage = outage(Kind::Unknown, "patroni1", 2_150, [0, 100, 2_050]);
    outage.from = side("patroni2");
    let before = [
        leader(10, None, Some("patroni2")),
        api(10, "patroni1", MemberState::Silent),
        api(20, "patroni2", PRIMARY),
        page(30, None),
        proxied(30, "patroni1", ProxyServerState::Down),
        proxied(30, "patroni2", ProxyServerState::Up),
        server(40, "patroni2", writable()),
    ];
    let changes = [
        leader(10_050, Some("patroni2"), None),
        api(10_050, "patroni2", MemberState::NotRunning { word: "stopping".to_owned() }),
        proxied(10_240, "patroni1", ProxyServerState::Up),
        proxied(10_440, "patroni2", ProxyServerState::Down),
        leader(10_510, None, Some("patroni1")),
        api(10_510, "patroni1", PRIMARY),
    ];
    let servers = [
        server(9_850, "patroni1", writable()),
        server(10_080, "patroni2", MemberServerState::Gone),
    ];
    let all = parts(&outage, &[&before, &changes, &servers]);
    assert_eq!(all[0].0, PartName::ProxyChecks, "{all:?}");
    assert_eq!(all[0].1, [Patroni, Proxy], "{all:?}");
    assert!(all.iter().all(|(part, ..)| *part != PartName::Store), "{all:?}");
    // By Patroni alone.
    let alone = parts(&outage, &[&before[..3], &changes]);
    assert_eq!(
        (alone[0].0, &alone[0].1[..]),
        (PartName::Cluster, &[Patroni, Postgresql, Etcd][..])
    );
}

/// The leader and the majority of the store are away together: its key cannot lapse.
#[test]
fn a_lock_that_lasts_longer_than_it_can_is_the_stores() {
    use Owner::{Etcd, Patroni};
    let outage = outage(Kind::Failover, "patroni2", 120_000, [0, 119_000, 119_000]);
    let changes = [
        api(10_050, "patroni1", MemberState::Gone),
        server(10_050, "patroni1", MemberServerState::Gone),
        key(129_000, true),
        leader(129_000, Some("patroni1"), None),
    ];
    let mut told = watched(&[&patroni_before(), &proxy_before(), &servers_before(), &changes]);
    told.settings(ms(20), &PatroniSettings::BY_DEFAULT);
    let parts = split(&outage, &told, false).unwrap().parts;
    let first: Vec<_> = parts[..2]
        .iter()
        .map(|part| (part.part, &part.owners[..], part.lasted.as_secs()))
        .collect();
    let lock: (_, &[Owner], _) = (PartName::Lock, &[Patroni], 45);
    assert_eq!(first, [lock, (PartName::Store, &[Patroni, Etcd], 73)]);
}

/// Its Patroni went with it, so that nothing there could have started it.
#[test]
fn a_machine_that_comes_back_is_not_patronis_alone() {
    use Owner::{Patroni, Postgresql};
    let outage = outage(Kind::Restart, "patroni1", 15_000, [0, 14_500, 14_500]);
    let changes = [
        api(10_050, "patroni1", MemberState::Gone),
        server(10_050, "patroni1", MemberServerState::Gone),
        server(24_000, "patroni1", writable()),
        api(24_000, "patroni1", PRIMARY),
    ];
    let told = parts(&outage, &[&patroni_before(), &proxy_before(), &servers_before(), &changes]);
    assert_eq!(told[0].1, [Patroni, Postgresql], "{told:?}");
}

#[test]
fn a_page_that_was_gone_before_is_no_proxy_that_is_gone_now() {
    let outage = outage(Kind::Connection, "patroni1", 3_000, [0, 2_900, 2_900]);
    let before = [page(2_000, Some("refused"))];
    let told = parts(&outage, &[&servers_before(), &before]);
    assert!(told.iter().all(|(part, ..)| *part != PartName::ProxyGone), "{told:?}");
    let told =
        parts(&outage, &[&servers_before(), &proxy_before(), &[page(9_900, Some("refused"))]]);
    assert_eq!(told[0].0, PartName::ProxyGone, "{told:?}");
}

/// A script of Patroni's may come before it.
#[test]
fn a_promotion_that_takes_long_is_not_postgresqls_alone() {
    use Owner::{Patroni, Postgresql};
    let outage = outage(Kind::Failover, "patroni2", 30_000, [0, 29_900, 29_900]);
    let changes = [
        api(10_050, "patroni1", MemberState::Gone),
        server(10_050, "patroni1", MemberServerState::Gone),
        key(14_850, true),
        leader(15_000, Some("patroni1"), Some("patroni2")),
        key(15_000, false),
        server(39_000, "patroni2", writable()),
    ];
    let told = parts(&outage, &[&patroni_before(), &proxy_before(), &servers_before(), &changes]);
    let promotion = told.iter().find(|(part, ..)| *part == PartName::Promotion);
    assert_eq!(promotion.unwrap().1, [Patroni, Postgresql], "{told:?}");
}

/// As it was measured: Patroni's loop finds the postmaster dead, has the data recovered in single-user mode, and starts it.
#[test]
fn a_crashed_postmaster_is_patronis_until_it_is_noticed() {
    use Owner::{Client, Patroni, Postgresql};
    let outage = outage(Kind::Restart, "patroni1", 6_550, [0, 6_420, 6_420]);
    let word = |word: &str| MemberState::NotRunning { word: word.to_owned() };
    let changes = [
        server(10_010, "patroni1", MemberServerState::Gone),
        api(10_060, "patroni1", word("unknown")),
        api(14_720, "patroni1", word("crashed")),
        api(15_330, "patroni1", word("starting")),
        server(16_090, "patroni1", replica()),
        server(16_470, "patroni1", writable()),
    ];
    let (a, b, c) = (patroni_before(), proxy_before(), servers_before());
    assert_eq!(
        parts(&outage, &[&a, &b, &c, &changes]),
        [
            (PartName::Restart, vec![Patroni], 4_670),
            (PartName::Recovery, vec![Postgresql], 1_370),
            (PartName::Restart, vec![Patroni, Postgresql], 380),
            (PartName::Reconnect, vec![Client], 130),
        ]
    );
}

/// A crash of one process: PostgreSQL starts anew by itself, and Patroni does nothing.
#[test]
fn a_crashed_process_is_no_wait_for_patroni() {
    let outage = Outage {
        detail: Some(Detail::ProcessCrashed),
        ..outage(Kind::Restart, "patroni1", 700, [0, 600, 610])
    };
    let changes = [api(10_050, "patroni1", MemberState::NotRunning { word: "unknown".to_owned() })];
    let all = parts(&outage, &[&patroni_before(), &changes]);
    assert_eq!(all[0], (PartName::Recovery, vec![Owner::Postgresql], 700));
}

/// Its Patroni answers and keeps the lock: nothing waits for it to expire.
#[test]
fn a_leader_that_answers_leaves_no_lock_behind() {
    let outage = outage(Kind::Failover, "patroni2", 20_000, [0, 19_900, 19_910]);
    let changes = [
        api(10_050, "patroni1", MemberState::NotRunning { word: "starting".to_owned() }),
        key(29_000, true),
        key(29_200, false),
        leader(29_250, Some("patroni1"), Some("patroni2")),
        api(29_400, "patroni2", PRIMARY),
    ];
    let all = parts(&outage, &[&patroni_before(), &changes]);
    assert_eq!(all[0].0, PartName::Restart, "{all:?}");
}
