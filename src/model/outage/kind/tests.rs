use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

fn at(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0)
}

/// A member with a name and an address of its own.
fn server(member: &str, timeline: u32, started: i64) -> Server {
    Server {
        member: Some(member.to_owned()),
        address: Some(format!("10.0.0.{}", member.len())),
        port: Some(5432),
        timeline: Some(timeline),
        system_identifier: Some("7".to_owned()),
        postmaster_start: at(started),
        ..Server::default()
    }
}

/// One of which only the loopback address is known.
fn local(port: u16, timeline: u32, started: i64) -> Server {
    let address = Some("127.0.0.1".to_owned());
    Server { member: None, address, port: Some(port), ..server("", timeline, started) }
}

fn replica(server: Server) -> Server {
    Server { in_recovery: true, ..server }
}

fn between(before: Server, after: Server, errors: &[Class], reasons: &[ServerReason]) -> Sightings {
    Sightings {
        before: Some(before),
        after: Some(after),
        errors: errors.iter().copied().collect(),
        reasons: reasons.iter().copied().collect(),
        ..Sightings::default()
    }
}

fn names(names: &[&str]) -> Replicas {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Replicas { names, ..Replicas::default() }
}

/// The rows of the table, each by what is seen of a real cause, and what comes near to them.
#[test]
#[expect(clippy::too_many_lines, reason = "a table of evidence")]
fn every_kind_by_its_evidence() {
    use Class::{
        Auth, ConnectionLost as Lost, NoBackend, Overloaded as Full, Refused, Sql, Starting,
        Timeout,
    };
    use ServerReason::{
        Crash, Denied, Goodbye, NotReady, Other, Overloaded, PostmasterDied, ReadOnly, TimeLimit,
    };
    let a = |timeline, started| server("a", timeline, started);
    let b = |timeline, started| server("bb", timeline, started);
    let with_checkpointer = |started| Server { checkpointer_start: at(started), ..a(1, 10) };
    let set_read_only = Server { read_only: true, ..a(1, 10) };
    let hidden = |server: Server| Server { timeline: None, ..server };
    let seen = |mut sightings: Sightings, read_only: Server| {
        sightings.read_only.push(read_only);
        sightings
    };
    let streaming = |mut sightings: Sightings, replicas: &[&str]| {
        sightings.replicas = names(replicas);
        sightings
    };
    let patroni_says = |mut sightings: Sightings, old_primary| {
        sightings.old_primary = old_primary;
        sightings
    };
    let gave_up = |sightings: Sightings| Sightings { gave_up: true, ..sightings };
    let failover = || between(a(1, 10), b(2, 20), &[Lost], &[]);
    let goodbye = || between(a(1, 10), b(2, 20), &[Lost], &[Goodbye]);
    let lost = |before: Server, after: Server| between(before, after, &[Lost], &[]);
    let stayed =
        |errors: &[Class], reasons: &[ServerReason]| between(a(1, 10), a(1, 10), errors, reasons);
    let table = [
        // switchover
        ("goodbye, and it streams", streaming(goodbye(), &["a"]), Kind::Switchover),
        ("goodbye, and it answers", seen(goodbye(), replica(a(1, 30))), Kind::Switchover),
        (
            "Patroni says that it handed over, though no goodbye was heard",
            patroni_says(failover(), OldPrimary::HandedOver),
            Kind::Switchover,
        ),
        // failover
        ("another, higher", failover(), Kind::Failover),
        ("a goodbye alone", goodbye(), Kind::Failover),
        ("it streams, and said nothing", streaming(failover(), &["a"]), Kind::Failover),
        (
            "Patroni says that it fell, and it streams again",
            patroni_says(streaming(goodbye(), &["a"]), OldPrimary::Fell),
            Kind::Failover,
        ),
        (
            "Patroni does not say yet",
            patroni_says(streaming(goodbye(), &["a"]), OldPrimary::Unsettled),
            Kind::Failover,
        ),
        (
            "its postmaster died, and its Patroni gave the key back",
            patroni_says(
                between(a(1, 10), b(2, 20), &[Lost], &[PostmasterDied]),
                OldPrimary::HandedOver,
            ),
            Kind::Failover,
        ),
        (
            "its host was away",
            streaming(between(a(1, 10), b(2, 20), &[Lost, Timeout], &[Goodbye]), &["a"]),
            Kind::Failover,
        ),
        // demotion
        (
            "the same, higher, goodbye",
            between(a(1, 10), a(2, 20), &[Lost], &[Goodbye]),
            Kind::Demotion,
        ),
        ("the same, higher, gave up", gave_up(lost(a(1, 10), a(2, 20))), Kind::Demotion),
        // restart
        ("a new start", lost(a(1, 10), a(1, 20)), Kind::Restart),
        ("a new start on a higher timeline", lost(a(1, 10), a(2, 20)), Kind::Restart),
        ("a new start on a lower timeline", lost(a(2, 10), a(1, 20)), Kind::Restart),
        ("a new start, timeline hidden", lost(hidden(a(1, 10)), hidden(a(1, 20))), Kind::Restart),
        ("57P02", stayed(&[Lost, Starting], &[Crash, NotReady]), Kind::Restart),
        (
            "a younger checkpointer",
            lost(with_checkpointer(11), with_checkpointer(60)),
            Kind::Restart,
        ),
        ("on loopback, same timeline", lost(local(5432, 1, 10), local(5432, 1, 20)), Kind::Restart),
        // terminated
        ("57P01", stayed(&[Lost], &[Goodbye]), Kind::Terminated),
        ("57P05", stayed(&[Lost], &[TimeLimit]), Kind::Terminated),
        ("57P01, then no room", stayed(&[Lost, Full], &[Goodbye, Overloaded]), Kind::Terminated),
        // read_only
        ("25006", stayed(&[Class::ReadOnly], &[ReadOnly]), Kind::ReadOnly),
        ("read-only after the connect", seen(stayed(&[Lost], &[]), set_read_only), Kind::ReadOnly),
        // overloaded
        ("53300", stayed(&[Lost, Full], &[Overloaded]), Kind::Overloaded),
        ("a way that fails, and 53300", stayed(&[Refused, Full], &[Overloaded]), Kind::Unknown),
        // denied
        ("42501", stayed(&[Sql], &[Denied]), Kind::Denied),
        ("28000", stayed(&[Lost, Auth], &[Denied]), Kind::Denied),
        ("28000 and 53300", stayed(&[Auth, Full], &[Denied, Overloaded]), Kind::Denied),
        // connection
        ("no word", stayed(&[Lost, Refused, NoBackend], &[]), Kind::Connection),
        ("no word, some silence", stayed(&[Lost, Timeout], &[]), Kind::Connection),
        (
            "a replica answered meanwhile",
            seen(stayed(&[Lost], &[]), replica(b(1, 5))),
            Kind::Connection,
        ),
        // stall
        ("silence", stayed(&[Timeout], &[]), Kind::Stall),
        ("not even an error", stayed(&[], &[]), Kind::Stall),
        ("silence to the end", Sightings { after: None, ..stayed(&[Timeout], &[]) }, Kind::Stall),
        // unknown
        ("57P03 alone", stayed(&[Lost, Starting], &[NotReady]), Kind::Unknown),
        ("the table was dropped", stayed(&[Sql], &[Other]), Kind::Unknown),
        ("53300 and 57P03", stayed(&[Full, Starting], &[Overloaded, NotReady]), Kind::Unknown),
        ("cut, to the end", Sightings { after: None, ..stayed(&[Lost], &[]) }, Kind::Unknown),
        ("another, same timeline", lost(a(1, 10), b(1, 20)), Kind::Unknown),
        ("another, lower timeline", lost(a(2, 10), b(1, 20)), Kind::Unknown),
        ("another, timeline hidden", lost(hidden(a(1, 10)), b(2, 20)), Kind::Unknown),
        (
            "another cluster",
            lost(a(1, 10), Server { system_identifier: Some("8".to_owned()), ..b(2, 20) }),
            Kind::Unknown,
        ),
        (
            "another, lower, though it handed over",
            patroni_says(lost(a(2, 10), b(1, 20)), OldPrimary::HandedOver),
            Kind::Unknown,
        ),
        ("nothing is known", Sightings::default(), Kind::Unknown),
        ("only the end is known", Sightings { before: None, ..failover() }, Kind::Unknown),
        (
            "on loopback, higher timeline",
            lost(local(5432, 1, 10), local(5432, 2, 20)),
            Kind::Unknown,
        ),
    ];
    for (name, sightings, kind) in table {
        assert_eq!(sightings.kind(), kind, "{name}");
    }
}

/// Where only a loopback address is known, of a server that is another one's neighbour or not.
#[test]
fn loopback_proves_no_sameness() {
    use ServerReason::Goodbye;
    let moved = |port| {
        between(local(5432, 1, 10), local(port, 2, 20), &[Class::ConnectionLost], &[Goodbye])
    };
    assert_eq!(moved(5432).kind(), Kind::Unknown, "behind a sidecar all are alike");
    assert_eq!(moved(5433).kind(), Kind::Failover, "a member keeps its port");

    let both_were_up = Sightings { both_were_up: true, ..moved(5432) };
    assert_eq!(both_were_up.kind(), Kind::Failover, "two postmasters at one time");

    let socket =
        |timeline, start| Server { address: None, port: None, ..local(0, timeline, start) };
    let by_socket = |timeline, start| {
        between(socket(1, 10), socket(timeline, start), &[Class::ConnectionLost], &[]).kind()
    };
    assert_eq!(by_socket(1, 10), Kind::Connection, "a start is one server's");
    assert_eq!(by_socket(1, 20), Kind::Restart, "no other takes writes without a promotion");
    assert_eq!(by_socket(2, 20), Kind::Unknown);

    let answers = |port| Sightings { read_only: vec![replica(local(port, 1, 30))], ..moved(5433) };
    assert_eq!(answers(5432).kind(), Kind::Switchover, "the members share a machine");
    assert_eq!(answers(5434).kind(), Kind::Failover, "a third one");
}

/// All replicas come from one address, and the old primary tells no name.
#[test]
fn the_old_primary_is_told_by_the_name_that_is_new_among_the_replicas() {
    let moved = |before: Option<&[&str]>, after: &[&str]| {
        let goodbye = [ServerReason::Goodbye];
        let mut seen =
            between(local(5432, 1, 10), local(5433, 2, 20), &[Class::ConnectionLost], &goodbye);
        seen.replicas_before = before.map(names);
        seen.replicas = names(after);
        seen.kind()
    };
    let followed = Some(&["p2", "p3"][..]);
    assert_eq!(moved(followed, &["p1", "p3"]), Kind::Switchover);
    assert_eq!(moved(followed, &["p1"]), Kind::Switchover, "the third is not there yet");
    assert_eq!(moved(followed, &["p3"]), Kind::Failover, "the old one does not follow");
    assert_eq!(moved(followed, &[]), Kind::Failover);
    assert_eq!(
        moved(followed, &["p1", "p2", "p3"]),
        Kind::Failover,
        "the new primary is none of them"
    );
    assert_eq!(moved(followed, &["p1", "p4"]), Kind::Failover, "either could be a new member");
    assert_eq!(moved(None, &["p1", "p3"]), Kind::Failover, "it was not looked before");
    let sidecars = |after: &[&str]| {
        let goodbye = [ServerReason::Goodbye];
        let mut seen =
            between(local(5432, 1, 10), local(5432, 2, 20), &[Class::ConnectionLost], &goodbye);
        seen.replicas_before = followed.map(names);
        seen.replicas = names(after);
        seen.kind()
    };
    assert_eq!(sidecars(&["p1", "p3"]), Kind::Switchover, "p2 leads, and p1 follows");
    assert_eq!(sidecars(&["p2", "p3"]), Kind::Unknown, "the same members follow");
    assert_eq!(moved(Some(&["walreceiver"]), &["walreceiver"]), Kind::Failover, "all are alike");

    let mut silent = between(local(5432, 1, 10), local(5433, 2, 20), &[Class::ConnectionLost], &[]);
    silent.replicas_before = Some(names(&["p2"]));
    silent.replicas = names(&["p1"]);
    assert_eq!(silent.kind(), Kind::Failover, "it said no goodbye");
}

fn from(address: &str) -> Replicas {
    Replicas { addresses: [address.to_owned()].into(), ..Replicas::default() }
}

#[test]
fn an_address_is_the_old_primarys_when_no_other_member_is_there() {
    let nameless = |server: Server| Server { member: None, ..server };
    let moved = |before: Option<&str>, after: Server| {
        let goodbye = [ServerReason::Goodbye];
        let old = nameless(server("a", 1, 10));
        let mut seen = between(old, nameless(after), &[Class::ConnectionLost], &goodbye);
        seen.replicas = from("10.0.0.1");
        seen.replicas_before = before.map(from);
        seen.kind()
    };
    assert_eq!(moved(None, server("bb", 2, 20)), Kind::Switchover);
    assert_eq!(moved(Some("10.0.0.2"), server("bb", 2, 20)), Kind::Switchover);
    assert_eq!(moved(Some("10.0.0.1"), server("bb", 2, 20)), Kind::Failover, "a neighbour of it");
    let beside = Server { port: Some(5433), ..server("a", 2, 20) };
    assert_eq!(moved(None, beside), Kind::Failover, "the new primary is there too");
}

#[test]
fn what_is_known_beyond_the_kind() {
    let a = |started| server("a", 1, started);
    let detail = |sightings: &Sightings| sightings.detail(sightings.kind());
    let crash = between(a(10), a(10), &[Class::ConnectionLost], &[ServerReason::Crash]);
    assert_eq!(detail(&crash), Some(Detail::ProcessCrashed));
    let crash_of_all = between(a(10), a(20), &[Class::ConnectionLost], &[ServerReason::Crash]);
    assert_eq!(detail(&crash_of_all), None, "the postmaster is new");
    let ended = between(a(10), a(10), &[Class::ConnectionLost], &[ServerReason::Goodbye]);
    assert_eq!(detail(&ended), Some(Detail::ByAdministrator));
    let idle = between(a(10), a(10), &[Class::ConnectionLost], &[ServerReason::TimeLimit]);
    assert_eq!(detail(&idle), Some(Detail::ByTimeLimit));

    let limit = SessionLimit { of: LimitOf::Role("app".to_owned()), max: 2 };
    assert_eq!(Filled::of(&limit, 1), None, "another's session fills it");
    let full = between(a(10), a(10), &[Class::Overloaded], &[ServerReason::Overloaded]);
    assert_eq!(detail(&full), None);
    let filled = Filled::of(&limit, 2);
    let own = Sightings { filled: filled.clone(), ..full };
    assert_eq!(detail(&own), filled.map(Detail::OwnSessions));
    let json = serde_json::to_value(detail(&own)).unwrap();
    let expected =
        serde_json::json!({"what": "own_sessions", "own": 2, "of": {"role": "app"}, "max": 2});
    assert_eq!(json, expected);
}

fn any_server() -> impl Strategy<Value = Server> {
    let some = |values: [&'static str; 2]| {
        select(vec![None, Some(values[0]), Some(values[1])])
            .prop_map(|value| value.map(str::to_owned))
    };
    let address =
        select(vec![None, Some("127.0.0.1"), Some("::1"), Some("10.0.0.1"), Some("10.0.0.2")]);
    let identity = (some(["a", "b"]), address, select(vec![None, Some(5432), Some(5433)]));
    // Mostly of one cluster that tells everything.
    let cluster = prop_oneof![8 => Just(Some("7")), 1 => Just(Some("8")), 1 => Just(None)];
    let timeline = prop_oneof![8 => (1..4_u32).prop_map(Some), 1 => Just(None)];
    let start = prop_oneof![8 => (1..4_i64).prop_map(at), 1 => Just(None)];
    let modes = select(vec![(false, false), (true, false), (false, true)]);
    (identity, cluster, timeline, (start, select(vec![None, at(50), at(60)])), modes).prop_map(
        |((member, address, port), cluster, timeline, (start, checkpointer), modes)| Server {
            member,
            address: address.map(str::to_owned),
            port,
            timeline,
            system_identifier: cluster.map(str::to_owned),
            postmaster_start: start,
            checkpointer_start: checkpointer,
            in_recovery: modes.0,
            read_only: modes.1,
            ..Server::default()
        },
    )
}

fn any_replicas() -> impl Strategy<Value = Replicas> {
    let names = subsequence(vec!["a", "b", "c"], 0..=3);
    let addresses = subsequence(vec!["10.0.0.1", "10.0.0.2"], 0..=2);
    (names, addresses).prop_map(|(names, addresses)| Replicas {
        names: names.into_iter().map(str::to_owned).collect(),
        addresses: addresses.into_iter().map(str::to_owned).collect(),
    })
}

fn any_sightings() -> impl Strategy<Value = Sightings> {
    let after = (proptest::option::weighted(0.95, any_server()), any::<bool>());
    let before = proptest::option::weighted(0.95, any_server());
    let errors = subsequence(Class::ALL.to_vec(), 0..=3);
    let reasons = subsequence(ServerReason::ALL.to_vec(), 0..=2);
    let old = select(vec![
        OldPrimary::Unknown,
        OldPrimary::Unknown,
        OldPrimary::Unsettled,
        OldPrimary::HandedOver,
        OldPrimary::Fell,
    ]);
    let read_only = proptest::collection::vec(any_server(), 0..2);
    let replicas = (any_replicas(), proptest::option::of(any_replicas()));
    let flags = (any::<bool>(), any::<bool>());
    (before, after, errors, reasons, (old, flags), read_only, replicas).prop_map(
        |(before, (after, stays), errors, reasons, (old_primary, flags), read_only, replicas)| {
            Sightings {
                // As often as not it is the same server, which random ones are seldom.
                after: if stays && after.is_some() { before.clone() } else { after },
                before,
                both_were_up: flags.0,
                gave_up: flags.1,
                errors: errors.into_iter().collect(),
                reasons: reasons.into_iter().collect(),
                filled: None,
                old_primary,
                read_only,
                replicas: replicas.0,
                replicas_before: replicas.1,
            }
        },
    )
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Relation {
    Same,
    Other,
    Open,
}

/// Each piece of an identity votes, and the surest vote that is one counts.
fn relation(one: &Server, two: &Server) -> Relation {
    let vote = |is_known: bool, is_equal: bool| match (is_known, is_equal) {
        (false, _) => Relation::Open,
        (true, true) => Relation::Same,
        (true, false) => Relation::Other,
    };
    let cluster = match (one.system_identifier.as_deref(), two.system_identifier.as_deref()) {
        (Some("7"), Some("8")) | (Some("8"), Some("7")) => Relation::Other,
        _ => Relation::Open,
    };
    let name = vote(one.member.is_some() && two.member.is_some(), one.member == two.member);
    let start = (one.postmaster_start, &one.system_identifier);
    let is_start = start.0.is_some() && start == (two.postmaster_start, &two.system_identifier);
    let start = if is_start { Relation::Same } else { Relation::Open };
    let addresses = [one, two].map(|server| server.address.as_deref().unwrap_or(""));
    let place = match (one.port, two.port) {
        (None, _) | (_, None) => Relation::Open,
        (Some(one), Some(two)) if one != two => Relation::Other,
        _ => match addresses {
            ["10.0.0.1", "10.0.0.1"] | ["10.0.0.2", "10.0.0.2"] => Relation::Same,
            ["10.0.0.1", "10.0.0.2"] | ["10.0.0.2", "10.0.0.1"] => Relation::Other,
            _ => Relation::Open,
        },
    };
    let votes = [cluster, name, start, place];
    votes.into_iter().find(|vote| *vote != Relation::Open).unwrap_or(Relation::Open)
}

/// The same decision from the other end: by the relation, the order of the timelines and the starts.
#[expect(clippy::too_many_lines, reason = "a table, read from the other end")]
fn reference(seen: &Sightings) -> Kind {
    let silence = seen.errors.is_empty() || seen.errors == [Class::Timeout].into();
    let (Some(before), after) = (&seen.before, &seen.after) else { return Kind::Unknown };
    let Some(after) = after else { return if silence { Kind::Stall } else { Kind::Unknown } };
    if before.system_identifier != after.system_identifier {
        return Kind::Unknown;
    }
    let mut relation = relation(before, after);
    let known = before.timeline.is_some() && after.timeline.is_some();
    if relation == Relation::Open {
        let history =
            known && before.timeline == after.timeline && before.system_identifier.is_some();
        let new_name = reference_new_name(seen) && known && after.timeline > before.timeline;
        relation = match (seen.both_were_up || new_name, history) {
            (true, _) => Relation::Other,
            (false, true) => Relation::Same,
            (false, false) => Relation::Open,
        };
    }
    let higher = known && after.timeline > before.timeline;
    let has = |reason: ServerReason| seen.reasons.contains(&reason);
    if relation == Relation::Other {
        return match (higher, reference_handed_over(seen, before, after)) {
            (false, _) => Kind::Unknown,
            (true, false) => Kind::Failover,
            (true, true) => Kind::Switchover,
        };
    }
    if relation == Relation::Open {
        return Kind::Unknown;
    }
    if higher && (has(ServerReason::Goodbye) || seen.gave_up) {
        return Kind::Demotion;
    }
    match (before.postmaster_start, after.postmaster_start) {
        (Some(one), Some(two)) if one != two => return Kind::Restart,
        (Some(_), Some(_)) if before.timeline == after.timeline => {}
        _ => return Kind::Unknown,
    }
    let younger = before.checkpointer_start.is_some()
        && after.checkpointer_start.is_some()
        && before.checkpointer_start != after.checkpointer_start;
    let set_read_only = seen.read_only.iter().any(|server| {
        server.read_only
            && !server.in_recovery
            && server.postmaster_start == before.postmaster_start
            && server.system_identifier == before.system_identifier
    });
    if has(ServerReason::Crash) || younger {
        return Kind::Restart;
    }
    if has(ServerReason::Goodbye) || has(ServerReason::TimeLimit) {
        return Kind::Terminated;
    }
    if known && (has(ServerReason::ReadOnly) || set_read_only) {
        return Kind::ReadOnly;
    }
    if has(ServerReason::Denied) {
        return Kind::Denied;
    }
    let way = [
        Class::ConnectionLost,
        Class::Refused,
        Class::NoBackend,
        Class::Unreachable,
        Class::Resolve,
    ];
    let full = seen.errors.is_subset(&[Class::ConnectionLost, Class::Overloaded].into());
    match seen.reasons.iter().collect::<Vec<_>>()[..] {
        [ServerReason::Overloaded] if full => Kind::Overloaded,
        [] if way.iter().any(|class| seen.errors.contains(class)) => Kind::Connection,
        // With a word that fits no row, silence around it is not all there was.
        _ if silence => Kind::Stall,
        _ => Kind::Unknown,
    }
}

fn reference_handed_over(seen: &Sightings, before: &Server, after: &Server) -> bool {
    if seen.reasons.contains(&ServerReason::PostmasterDied) {
        return false;
    }
    if seen.old_primary != OldPrimary::Unknown {
        return seen.old_primary == OldPrimary::HandedOver;
    }
    let away = seen.errors.contains(&Class::Timeout) || seen.errors.contains(&Class::Unreachable);
    if away || !seen.reasons.contains(&ServerReason::Goodbye) {
        return false;
    }
    for name in &seen.replicas.names {
        if Some(name) == before.member.as_ref() {
            return true;
        }
    }
    for server in seen.read_only.iter().filter(|server| server.in_recovery) {
        let neighbours = before.address == after.address && before.port != after.port;
        let place = (&server.address, server.port, &server.system_identifier);
        let there = place == (&before.address, before.port, &before.system_identifier);
        let identified = before.address.is_some() && before.system_identifier.is_some();
        match relation(server, before) {
            Relation::Same => return true,
            Relation::Open if neighbours && there && identified => return true,
            _ => {}
        }
    }
    if let Some(address @ ("10.0.0.1" | "10.0.0.2")) = before.address.as_deref() {
        let followed = seen.replicas_before.iter().any(|were| were.addresses.contains(address));
        let is_there = seen.replicas.addresses.contains(address);
        if is_there && !followed && after.address.as_deref() != Some(address) {
            return true;
        }
    }
    reference_new_name(seen)
}

fn reference_new_name(seen: &Sightings) -> bool {
    let Some(were) = &seen.replicas_before else { return false };
    let new = seen.replicas.names.iter().filter(|name| !were.names.contains(*name)).count();
    let left = were.names.iter().filter(|name| !seen.replicas.names.contains(*name)).count();
    new == 1 && left > 0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn kinds_are_those_of_a_decision_from_the_other_end(seen in any_sightings()) {
        prop_assert_eq!(seen.kind(), reference(&seen));
    }

    /// Less evidence never makes another claim about the way of a change of the primary.
    #[test]
    fn without_an_identity_nothing_is_said_of_members(seen in any_sightings()) {
        let hide = |server: Option<Server>| server.map(|server| Server {
            member: None,
            address: Some("127.0.0.1".to_owned()),
            port: Some(5432),
            timeline: None,
            postmaster_start: None,
            ..server
        });
        let (before, after) = (hide(seen.before), hide(seen.after));
        let hidden = Sightings { before, after, both_were_up: false, ..seen };
        prop_assert!(matches!(hidden.kind(), Kind::Unknown | Kind::Stall), "{:?}", hidden.kind());
    }
}
