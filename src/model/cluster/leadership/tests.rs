//! Literal looks in, what is told of the leader out.

use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn status(leads: bool, replica: bool, timeline: u32, unlocked: bool) -> LookAnswer {
    let (state, timeline) = ("running".to_owned(), Some(timeline));
    let key = if unlocked { KeyWord::Free } else { KeyWord::Held };
    let role = if replica { MemberRole::Replica } else { MemberRole::Primary };
    LookAnswer::Status(Status { leads, state, role, timeline, key, store_seen: None })
}

fn leads(timeline: u32) -> LookAnswer {
    status(true, false, timeline, false)
}

/// It has the key, and is a replica on the old timeline still.
fn not_promoted_yet(timeline: u32) -> LookAnswer {
    status(true, true, timeline, false)
}

fn follows() -> LookAnswer {
    status(false, true, 1, false)
}

fn unlocked() -> LookAnswer {
    status(false, true, 1, true)
}

/// Looks at the members a, b and c: member, time in ms, answer. Each look takes 10 ms.
fn told(looks: &[(&str, u64, LookAnswer)]) -> Vec<String> {
    told_of(true, looks)
}

fn told_of(all_asked: bool, looks: &[(&str, u64, LookAnswer)]) -> Vec<String> {
    let mut leadership = Leadership::default();
    leadership.all_are_asked(all_asked);
    ["a", "b", "c"].into_iter().for_each(|member| leadership.expect(member));
    let name = |name: Option<String>| name.unwrap_or_else(|| "nobody".to_owned());
    let mut told = Vec::new();
    for (member, asked, answer) in looks {
        let look = Look { asked: ms(*asked), at: ms(*asked + 10), answer: answer.clone() };
        if let Some(seen) = leadership.look(member, &look) {
            let timeline = seen.timeline.map(|n| format!(" on {n}")).unwrap_or_default();
            let after = seen.not_before.map(|at| format!(" after {}", at.as_millis()));
            let (from, to) = (name(seen.from), name(seen.to));
            told.push(format!("{asked}: {from} → {to}{timeline}{}", after.unwrap_or_default()));
        }
    }
    told
}

#[test]
fn the_first_look_tells_who_leads_and_later_ones_only_changes() {
    let looks = [
        ("b", 0, follows()),
        ("a", 0, leads(1)),
        ("c", 0, follows()),
        ("a", 250, leads(1)),
        ("b", 250, follows()),
    ];
    assert_eq!(told(&looks), ["0: nobody → a on 1"]);
}

#[test]
fn that_nobody_leads_is_told_when_all_were_asked() {
    let looks = [("a", 0, follows()), ("b", 0, unlocked()), ("c", 0, follows())];
    assert_eq!(told(&looks), ["0: nobody → nobody"]);
    assert_eq!(told(&looks[..2]), Vec::<String>::new());
    assert_eq!(told_of(false, &looks), Vec::<String>::new(), "one that is not asked may lead");
}

#[test]
fn a_leader_that_is_killed_leads_until_the_others_say_that_the_key_is_free() {
    let looks = [
        ("a", 0, leads(1)),
        ("b", 0, follows()),
        ("a", 250, LookAnswer::Gone),
        ("b", 250, follows()),
        ("a", 500, LookAnswer::Gone),
        ("b", 5_000, unlocked()),
        ("b", 5_250, not_promoted_yet(1)),
        ("b", 5_500, leads(2)),
    ];
    assert_eq!(
        told(&looks),
        ["0: nobody → a on 1", "5000: a → nobody after 250", "5250: nobody → b after 5000"]
    );
}

#[test]
fn a_look_that_failed_is_no_change() {
    let looks = [
        ("a", 0, leads(1)),
        ("b", 0, follows()),
        ("a", 250, LookAnswer::Silent),
        ("b", 250, follows()),
        ("a", 1_500, leads(1)),
    ];
    assert_eq!(told(&looks), ["0: nobody → a on 1"]);
}

/// As Patroni 3.0.2 answered: c reports no leader for two seconds while b leads already.
#[test]
fn old_news_of_a_third_do_not_depose_a_new_leader_that_is_slow() {
    let looks = [
        ("a", 0, leads(1)),
        ("c", 0, follows()),
        ("a", 250, follows()),
        ("c", 300, unlocked()),
        ("b", 350, leads(2)),
        ("b", 600, LookAnswer::Silent),
        ("c", 700, unlocked()),
        ("b", 1_700, leads(2)),
    ];
    assert_eq!(
        told(&looks),
        ["0: nobody → a on 1", "250: a → nobody after 0", "350: nobody → b on 2 after 250"]
    );
}

#[test]
fn without_etcd_the_leaders_own_word_counts_and_it_leads_anew_afterwards() {
    let looks = [
        ("a", 0, leads(4)),
        ("b", 0, follows()),
        ("a", 250, follows()),
        ("b", 250, follows()),
        ("a", 9_000, not_promoted_yet(4)),
        ("a", 9_250, leads(5)),
    ];
    assert_eq!(
        told(&looks),
        ["0: nobody → a on 4", "250: a → nobody after 0", "9000: nobody → a after 250"]
    );
}

#[test]
fn a_leader_that_is_promoted_again_leads_anew() {
    let looks = [("a", 0, leads(2)), ("a", 250, not_promoted_yet(2)), ("a", 500, leads(3))];
    assert_eq!(told(&looks), ["0: nobody → a on 2", "500: a → a on 3"]);
}

#[test]
fn of_two_that_claim_to_lead_the_newest_does() {
    let looks = [
        ("a", 0, leads(1)),
        ("b", 0, follows()),
        ("a", 250, LookAnswer::Silent),
        ("b", 6_000, leads(2)),
        // Thawed: it took the key back, as Patroni 3.0.2 was seen to do.
        ("a", 9_000, leads(1)),
        ("b", 9_100, leads(2)),
        ("a", 9_250, leads(1)),
        ("b", 9_350, follows()),
    ];
    assert_eq!(
        told(&looks),
        ["0: nobody → a on 1", "6000: a → b on 2 after 0", "9000: b → a on 1 after 6000"]
    );
}

#[test]
fn when_the_newest_gives_up_the_older_claim_stands() {
    let looks =
        [("a", 0, leads(1)), ("b", 100, leads(2)), ("a", 250, leads(1)), ("b", 350, follows())];
    assert_eq!(
        told(&looks),
        ["0: nobody → a on 1", "100: a → b on 2 after 0", "350: b → a after 100"]
    );
}
