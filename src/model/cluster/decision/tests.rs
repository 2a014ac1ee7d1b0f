//! Literal clusters, and random ones against the rule written as its words say it.

use proptest::prelude::*;

use super::*;

fn database() -> Database {
    Database { name: "app".to_owned(), oid: 5 }
}

/// A writable server of the run's cluster on this timeline; `start` tells servers apart.
fn server(start: i64, timeline: u32) -> Server {
    Server {
        member: Some(format!("node{start}")),
        timeline: Some(timeline),
        system_identifier: Some("7".to_owned()),
        database: Some(database()),
        postmaster_start: DateTime::from_timestamp(start, 0),
        ..Server::default()
    }
}

fn replica(start: i64, timeline: u32) -> Server {
    Server { in_recovery: true, ..server(start, timeline) }
}

/// A run that saw these timelines, and had writes acknowledged on all of them.
fn acknowledged(timelines: &[u32]) -> KnownCluster {
    KnownCluster {
        system_identifier: Some("7".to_owned()),
        database: Some(database()),
        highest_timeline: timelines.iter().max().copied(),
        acknowledged: timelines.iter().copied().collect(),
        acknowledged_unseen: false,
        shared: BTreeSet::new(),
    }
}

fn leader(start: i64, timeline: u32) -> Leader {
    Leader {
        name: format!("node{start}"),
        system_identifier: Some("7".to_owned()),
        postmaster_start: DateTime::from_timestamp(start, 400_000),
        timeline: Some(timeline),
    }
}

fn word(leaders: &[Leader], highest: u32, all_answered: bool) -> View {
    View::Patroni(PatroniAnswers {
        leaders: leaders.to_vec(),
        highest_timeline: Some(highest),
        all_answered,
        any_answered: true,
        missed: Vec::new(),
    })
}

fn index(decided: Result<Decider, Undecided>) -> Option<usize> {
    decided.ok().map(|decider| decider.index)
}

#[test]
fn an_old_primary_that_is_back_first_in_the_string_does_not_decide() {
    let reached = [server(1, 1), server(2, 2)];
    let decided = decide(&acknowledged(&[1, 2]), &View::SeveralHosts, &reached);
    assert_eq!(decided, Ok(Decider { index: 1, went_back: false }));
}

#[test]
fn the_old_primary_alone_does_not_decide_either() {
    let decided = decide(&acknowledged(&[1, 2]), &View::SeveralHosts, &[server(1, 1)]);
    assert!(matches!(decided, Err(Undecided::BelowAcknowledged { acknowledged: 2, .. })));
    let promoted_since = decide(&acknowledged(&[1, 2]), &View::SeveralHosts, &[server(1, 3)]);
    assert_eq!(index(promoted_since), Some(0));
}

#[test]
fn a_replica_promoted_by_accident_leaves_it_open() {
    let reached = [server(1, 1), server(2, 2)];
    let decided = decide(&acknowledged(&[1]), &View::SeveralHosts, &reached);
    assert!(matches!(&decided, Err(undecided) if undecided.is_about_several()), "{decided:?}");
}

#[test]
fn two_that_were_promoted_alone_share_a_timeline_and_leave_it_open() {
    let reached = [server(1, 2), server(2, 2)];
    let decided = decide(&acknowledged(&[1, 2]), &View::SeveralHosts, &reached);
    assert!(matches!(decided, Err(Undecided::SeveralWritable(_))), "{decided:?}");
}

#[test]
fn one_of_two_that_acknowledged_on_one_timeline_does_not_decide_for_both() {
    let known = KnownCluster { shared: [2].into(), ..acknowledged(&[1, 2]) };
    let decided = decide(&known, &View::SeveralHosts, &[server(1, 2)]);
    assert!(matches!(decided, Err(Undecided::SeveralWritable(_))), "{decided:?}");
    assert_eq!(index(decide(&known, &View::SeveralHosts, &[server(1, 3)])), Some(0));
}

#[test]
fn one_endpoint_decides_by_what_it_serves_and_says_that_history_went_back() {
    let known = acknowledged(&[7, 8]);
    let decided = decide(&known, &View::OneEndpoint, &[server(1, 7)]);
    assert_eq!(decided, Ok(Decider { index: 0, went_back: true }));
    let decided = decide(&known, &View::OneEndpoint, &[replica(1, 8)]);
    assert!(matches!(decided, Err(Undecided::NoPrimary(_))));
}

#[test]
fn patroni_names_the_leader_by_start_and_timeline_and_not_by_its_place() {
    let reached = [server(1, 1), server(2, 2)];
    let known = acknowledged(&[1]);
    assert_eq!(index(decide(&known, &word(&[leader(2, 2)], 2, false), &reached)), Some(1));
    let anew = decide(&known, &word(&[leader(3, 2)], 2, true), &reached);
    assert!(matches!(anew, Err(Undecided::NotReached { .. })), "it was started anew");
    let nobody = decide(&known, &word(&[], 2, true), &reached);
    let words = "Patroni names no leader: no member's /primary answers 200".to_owned();
    assert_eq!(nobody, Err(Undecided::NoLeader { words, tls: None }));
    let two = decide(&known, &word(&[leader(1, 1), leader(2, 2)], 2, true), &reached);
    assert!(matches!(two, Err(Undecided::SeveralLead(_))));
}

/// An API that could not be asked has not said that its member does not lead.
#[test]
fn a_member_that_could_not_be_asked_is_told_from_one_that_does_not_lead() {
    let missed = |n: u32, tls| MissedApi {
        url: format!("https://node{n}:8008"),
        reason: "a reason".to_owned(),
        tls,
    };
    let decided = |any_answered, missed: Vec<MissedApi>| {
        let answers = PatroniAnswers { any_answered, missed, ..PatroniAnswers::default() };
        decide(&acknowledged(&[1]), &View::Patroni(answers), &[server(1, 1)])
    };
    let undecided = |words: &str, tls| Err(Undecided::NoLeader { words: words.to_owned(), tls });
    assert_eq!(
        decided(false, vec![missed(1, None), missed(2, Some(TlsCause::Dates))]),
        undecided(
            "Patroni could not be asked which member leads: https://node1:8008: a reason; https://node2:8008: a reason",
            Some(TlsCause::Dates)
        )
    );
    assert_eq!(
        decided(true, (1..=5).map(|n| missed(n, None)).collect()),
        undecided(
            "Patroni names no leader: no member's /primary answers 200, and not every member could be asked: \
             https://node1:8008: a reason; https://node2:8008: a reason; https://node3:8008: a reason; and 2 more",
            None
        )
    );
}

#[test]
fn a_thawed_leader_decides_only_when_no_member_is_ahead_of_it() {
    let (known, reached) = (acknowledged(&[7, 8]), [server(1, 7)]);
    let ahead = decide(&known, &word(&[leader(1, 7)], 8, true), &reached);
    assert!(matches!(ahead, Err(Undecided::LowerTimeline { .. })), "{ahead:?}");
    let unseen = decide(&known, &word(&[leader(1, 7)], 7, false), &reached);
    assert!(matches!(unseen, Err(Undecided::LowerTimeline { .. })), "{unseen:?}");
    // Its Patroni is dead for so long that the cluster has forgotten it; its PostgreSQL is there.
    let forgotten = [server(1, 7), server(2, 8)];
    let beside = decide(&known, &word(&[leader(1, 7)], 7, true), &forgotten);
    assert!(matches!(beside, Err(Undecided::LowerTimeline { .. })), "{beside:?}");
    let back = decide(&known, &word(&[leader(1, 7)], 7, true), &reached);
    assert_eq!(back, Ok(Decider { index: 0, went_back: true }));
}

#[test]
fn what_is_not_known_to_be_the_runs_is_refused() {
    let other_cluster = Server { system_identifier: Some("8".to_owned()), ..server(1, 1) };
    let hidden = Server { system_identifier: None, ..server(1, 1) };
    let named_alike = Server { database: Some(Database { oid: 6, ..database() }), ..server(1, 1) };
    let known = acknowledged(&[1]);
    for view in [View::OneEndpoint, View::SeveralHosts, word(&[leader(1, 1)], 1, true)] {
        for server in [&other_cluster, &hidden, &named_alike] {
            let decided = decide(&known, &view, std::slice::from_ref(server));
            assert!(matches!(decided, Err(Undecided::Foreign(_))), "{decided:?}");
        }
        let nothing_learned = decide(&KnownCluster::default(), &view, &[server(1, 1)]);
        assert_eq!(nothing_learned, Err(Undecided::NeverLearned));
    }
    let beside = [other_cluster, server(2, 1)];
    assert_eq!(index(decide(&known, &View::SeveralHosts, &beside)), Some(1));
}

#[test]
fn a_server_that_is_reached_by_two_names_is_one() {
    let reached = [server(1, 1), server(1, 1), replica(2, 1)];
    assert_eq!(index(decide(&acknowledged(&[1]), &View::SeveralHosts, &reached)), Some(0));
}

prop_compose! {
    fn any_server()(
        start in 1..4_i64,
        timeline in prop::option::weighted(0.9, 1..4_u32),
        identifier in prop::option::weighted(0.9, prop::sample::select(vec!["7", "7", "7", "8"])),
        oid in prop::option::weighted(0.9, prop::sample::select(vec![5_u32, 5, 5, 6])),
        in_recovery in prop::bool::weighted(0.3),
        read_only in prop::bool::weighted(0.1),
    ) -> Server {
        Server {
            timeline,
            system_identifier: identifier.map(ToOwned::to_owned),
            database: oid.map(|oid| Database { oid, ..database() }),
            in_recovery,
            read_only: read_only && !in_recovery,
            ..server(start, 1)
        }
    }
}

prop_compose! {
    fn any_known()(
        learned in prop::bool::weighted(0.95),
        acknowledged in prop::collection::btree_set(1..4_u32, 0..3),
        seen in prop::option::of(1..4_u32),
        acknowledged_unseen in prop::bool::weighted(0.1),
        all_shared in prop::bool::weighted(0.1),
    ) -> KnownCluster {
        KnownCluster {
            system_identifier: learned.then(|| "7".to_owned()),
            database: learned.then(database),
            highest_timeline: seen.max(acknowledged.last().copied()),
            shared: if all_shared { acknowledged.clone() } else { BTreeSet::new() },
            acknowledged,
            acknowledged_unseen,
        }
    }
}

fn any_view() -> impl Strategy<Value = View> {
    let leader = (1..4_i64, prop::option::weighted(0.9, 1..4_u32), prop::bool::weighted(0.9))
        .prop_map(|(start, timeline, own)| Leader {
            timeline,
            system_identifier: Some(if own { "7" } else { "8" }.to_owned()),
            ..leader(start, 1)
        });
    let word = (prop::collection::vec(leader, 0..3), prop::option::of(1..4_u32), any::<bool>())
        .prop_map(|(leaders, highest_timeline, all_answered)| {
            View::Patroni(PatroniAnswers {
                leaders,
                highest_timeline,
                all_answered,
                ..PatroniAnswers::default()
            })
        });
    prop_oneof![Just(View::OneEndpoint), Just(View::SeveralHosts), word]
}

/// Whether this server decides, as the rule's sentences have it, one after the other.
fn decides(index: usize, known: &KnownCluster, view: &View, reached: &[Server]) -> bool {
    let of_the_run = |server: &Server| {
        known.system_identifier.is_some()
            && server.system_identifier == known.system_identifier
            && server.database.is_some()
            && server.database == known.database
    };
    let own = &reached[index];
    if !of_the_run(own) || own.in_recovery {
        return false;
    }
    match view {
        View::Patroni(word) => {
            let [leader] = word.leaders.as_slice() else { return false };
            let is_it = leader.timeline.is_some()
                && leader.timeline == own.timeline
                && leader.system_identifier == own.system_identifier
                && leader.name == own.name();
            let lower = own.timeline < known.highest_timeline;
            let reached_higher =
                reached.iter().any(|one| of_the_run(one) && one.timeline > own.timeline);
            let none_higher = word.highest_timeline <= own.timeline && !reached_higher;
            is_it && (!lower || (none_higher && word.all_answered))
        }
        View::OneEndpoint => true,
        View::SeveralHosts => {
            let writable: Vec<&Server> =
                reached.iter().filter(|one| of_the_run(one) && one.is_writable()).collect();
            let nothing_acknowledged = known.acknowledged.is_empty() && !known.acknowledged_unseen;
            let unknown = known.acknowledged_unseen
                || writable.iter().any(|server| server.timeline.is_none());
            let best = known.acknowledged.iter().max();
            let on_best = writable.iter().filter(|one| one.timeline.as_ref() == best).count();
            let higher = writable.iter().any(|one| one.timeline.as_ref() > best);
            let is_shared =
                best.is_some_and(|best| known.shared.contains(best) && own.timeline == Some(*best));
            own.is_writable()
                && !is_shared
                && match (writable.len(), nothing_acknowledged, unknown) {
                    (1, true, _) => true,
                    (_, _, true) | (_, true, _) => false,
                    (1, _, _) => own.timeline.as_ref() >= best,
                    _ => own.timeline.as_ref() == best && on_best == 1 && !higher,
                }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_server_that_decides_is_the_rules(
        known in any_known(),
        view in any_view(),
        reached in prop::collection::vec(any_server(), 0..4),
    ) {
        // One endpoint reaches one server; of several hosts no two are the same server.
        let reached: Vec<Server> = match view {
            View::OneEndpoint => reached.into_iter().take(1).collect(),
            _ => {
                let mut starts = BTreeSet::new();
                reached.into_iter().filter(|one| starts.insert(one.postmaster_start)).collect()
            }
        };
        let by_rule: Vec<usize> = (0..reached.len())
            .filter(|index| decides(*index, &known, &view, &reached))
            .collect();
        prop_assert!(by_rule.len() <= 1, "the rule names one: {by_rule:?}");
        match decide(&known, &view, &reached) {
            Ok(decider) => {
                prop_assert_eq!(vec![decider.index], by_rule);
                let own = &reached[decider.index];
                let back = own.timeline.is_some() && own.timeline < known.highest_timeline;
                prop_assert_eq!(decider.went_back, back);
            }
            Err(undecided) => {
                prop_assert_eq!(by_rule, Vec::<usize>::new());
                prop_assert!(!undecided.to_string().is_empty());
            }
        }
    }
}
