//! Patroni's answers at one moment: which members lead by their own `/primary`, and whether every
//! member answered.
//!
//! `/cluster` is used only for the names of members: the leader that it names is stale without a
//! quorum.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;

use crate::model::cluster::decision::{Leader, MissedApi, PatroniAnswers};
use crate::patroni::cluster_state::{are_all_asked, name_of, url_of};
use crate::patroni::{Cluster, MemberStatus, PatroniApi, PatroniError};

/// The deadline of a call to a member that only `/cluster` names.
const DEADLINE: Duration = Duration::from_secs(2);

/// Members asked at most: a foreign `/cluster` must not make pgchaos ask the whole world.
const MEMBERS_MAX: usize = 64;

/// A member that answered.
struct AnsweredMember {
    api: PatroniApi,
    leads: bool,
    status: MemberStatus,
}

impl AnsweredMember {
    /// What tells members apart: one may be asked at two URLs, and has one postmaster.
    fn key(&self) -> String {
        let start = self.status.postmaster_start_time.map(|start| start.to_rfc3339());
        start.unwrap_or_else(|| self.api.url().to_owned())
    }

    /// Its name, which an older Patroni does not tell: then by the URL at which the cluster names it.
    fn name(&self, cluster: Option<&Cluster>) -> Option<String> {
        self.status.patroni.name.clone().or_else(|| name_of(cluster?, &self.api))
    }
}

/// Whether each member of the cluster is among these.
fn has_all<'a>(cluster: &Cluster, heard: impl Iterator<Item = &'a AnsweredMember>) -> bool {
    let (mut names, mut of_named, mut all) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for one in heard {
        if let Some(name) = one.name(Some(cluster)) {
            names.insert(name);
            of_named.insert(one.key());
        }
        all.insert(one.key());
    }
    // One that was asked at two URLs has a name by one of them only.
    let unnamed = all.difference(&of_named).count();
    let members = cluster.members.iter().map(|member| &*member.name);
    // Without its store Patroni may name none.
    !cluster.members.is_empty() && are_all_asked(members, |name| names.contains(name), unnamed)
}

/// Asks every API that was given and every member that one of them names. Takes a few deadlines of
/// a call at most.
///
/// One question at a time a member: the watcher asks it too, and Patroni's API queues no more than a few
/// connections.
pub(super) async fn ask(given: &[PatroniApi]) -> PatroniAnswers {
    let both = |api| async move { (PatroniApi::look(api).await, PatroniApi::cluster(api).await) };
    let (looks, clusters): (Vec<_>, Vec<_>) =
        join_all(given.iter().map(both)).await.into_iter().unzip();
    let (mut heard, mut missed) = sorted(given, looks);
    // A member that `/cluster` no longer names, as its Patroni is long dead, may be ahead.
    let all_given = heard.len() == given.len();
    let cluster = clusters.into_iter().find_map(Result::ok);
    if let Some(cluster) = cluster.as_ref().filter(|cluster| !has_all(cluster, heard.iter())) {
        let identifier = |one: &AnsweredMember| one.status.database_system_identifier.clone();
        let of_cluster: BTreeSet<String> = heard.iter().filter_map(identifier).collect();
        let (mut found, missed_there) = look_at(&named(cluster, given)).await;
        missed.extend(missed_there);
        // A URL of the members' own network may lead to something else here.
        found.retain(|one| identifier(one).is_some_and(|theirs| of_cluster.contains(&theirs)));
        heard.append(&mut found);
    }
    let mut answers = answers_of(heard, cluster.as_ref());
    answers.all_answered &= all_given;
    PatroniAnswers { missed, ..answers }
}

/// The answers where all of these APIs together took longer than this.
pub(super) fn none_within(given: &[PatroniApi], deadline: Duration) -> PatroniAnswers {
    let missed = |api: &PatroniApi| {
        missed(api, &PatroniError::TimedOut { url: api.url().to_owned(), after: deadline })
    };
    PatroniAnswers { missed: given.iter().map(missed).collect(), ..PatroniAnswers::default() }
}

/// The members that answer at these APIs, and the APIs that do not.
async fn look_at(apis: &[PatroniApi]) -> (Vec<AnsweredMember>, Vec<MissedApi>) {
    let looks = join_all(apis.iter().map(PatroniApi::look)).await;
    sorted(apis, looks)
}

fn sorted(
    apis: &[PatroniApi],
    looks: Vec<Result<(bool, MemberStatus), PatroniError>>,
) -> (Vec<AnsweredMember>, Vec<MissedApi>) {
    let (mut heard, mut not_heard) = (Vec::new(), Vec::new());
    for (api, look) in apis.iter().zip(looks) {
        match look {
            Ok((leads, status)) => heard.push(AnsweredMember { api: api.clone(), leads, status }),
            Err(error) => not_heard.push(missed(api, &error)),
        }
    }
    (heard, not_heard)
}

fn missed(api: &PatroniApi, error: &PatroniError) -> MissedApi {
    MissedApi { url: api.url().to_owned(), reason: error.reason(), tls: error.tls_cause() }
}

/// The members that `/cluster` names at other URLs than those given.
fn named(cluster: &Cluster, given: &[PatroniApi]) -> Vec<PatroniApi> {
    let urls: BTreeSet<String> = cluster.members.iter().filter_map(url_of).collect();
    let asked = PatroniApi::to_others(given);
    urls.into_iter()
        .filter(|url| !given.iter().any(|api| api.url() == url))
        .filter_map(|url| asked?.other_member(&url, DEADLINE).ok())
        .take(MEMBERS_MAX)
        .collect()
}

fn answers_of(heard: Vec<AnsweredMember>, cluster: Option<&Cluster>) -> PatroniAnswers {
    // A member that tells no timeline may be on a higher one.
    let with_timelines = || heard.iter().filter(|one| one.status.timeline.is_some());
    let mut answers = PatroniAnswers {
        any_answered: !heard.is_empty(),
        all_answered: cluster.is_some_and(|cluster| has_all(cluster, with_timelines())),
        ..PatroniAnswers::default()
    };
    let mut members = BTreeSet::new();
    for one in heard {
        let (key, name) = (one.key(), one.name(cluster));
        let AnsweredMember { api, leads, status } = one;
        let name = name.unwrap_or_else(|| api.url().to_owned());
        answers.highest_timeline = answers.highest_timeline.max(status.timeline);
        if members.insert(key) && leads {
            answers.leaders.push(Leader {
                name,
                system_identifier: status.database_system_identifier,
                postmaster_start: status.postmaster_start_time,
                timeline: status.timeline,
            });
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::time::sleep;

    use super::*;

    /// A member's API that answers each call after a moment; how many there were at once at most.
    async fn api() -> (PatroniApi, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let of_server = Arc::clone(&most);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let at_once = now.fetch_add(1, Ordering::SeqCst) + 1;
                of_server.fetch_max(at_once, Ordering::SeqCst);
                let now = Arc::clone(&now);
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let length = stream.read(&mut request).await.unwrap_or(0);
                    sleep(Duration::from_millis(100)).await;
                    let body = match request[..length].starts_with(b"GET /cluster ") {
                        true => r#"{"members":[]}"#,
                        false => {
                            r#"{"state":"running","role":"replica","patroni":{"version":"4.0.7"}}"#
                        }
                    };
                    now.fetch_sub(1, Ordering::SeqCst);
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                    let _ = stream.write_all((head + body).as_bytes()).await;
                });
            }
        });
        (PatroniApi::new(&url, DEADLINE).unwrap(), most)
    }

    /// A member of this name, or an older Patroni's without one, with a postmaster of its own.
    fn heard(name: Option<&str>, second: u32) -> AnsweredMember {
        let named = name.map(|name| format!(r#","name":"{name}""#)).unwrap_or_default();
        let body = format!(
            r#"{{"state":"running","role":"replica","timeline":3,
                 "postmaster_start_time":"2026-11-28 10:00:{second:02}.000+00:00",
                 "patroni":{{"version":"4.0.7"{named}}}}}"#
        );
        let api = PatroniApi::new("http://127.0.0.1:1", DEADLINE).unwrap();
        AnsweredMember { api, leads: false, status: serde_json::from_str(&body).unwrap() }
    }

    #[test]
    fn a_member_that_is_named_no_more_stands_for_none_that_is() {
        let members = |names: &[&str]| -> Cluster {
            let member =
                |name| format!(r#"{{"name":"{name}","role":"replica","state":"running"}}"#);
            let members: Vec<String> = names.iter().map(member).collect();
            serde_json::from_str(&format!(r#"{{"members":[{}]}}"#, members.join(","))).unwrap()
        };
        let all = |cluster: &Cluster, names: &[Option<&str>]| {
            let heard = (0..).zip(names).map(|(n, name)| heard(*name, n)).collect();
            answers_of(heard, Some(cluster)).all_answered
        };
        let cluster = members(&["a", "b", "d"]);
        assert!(all(&cluster, &[Some("a"), Some("b"), Some("d")]));
        assert!(!all(&cluster, &[Some("a"), Some("b"), Some("c")]), "d was not heard");
        assert!(all(&cluster, &[Some("a"), None, None]), "an older Patroni tells no names");
        assert!(!all(&cluster, &[Some("a"), None]));
        let twice = vec![heard(Some("a"), 0), heard(None, 0), heard(Some("b"), 1)];
        assert!(!answers_of(twice, Some(&cluster)).all_answered, "a was asked at two URLs");
        assert!(!all(&members(&[]), &[Some("a")]), "without its store Patroni names none");
    }

    #[tokio::test]
    async fn a_member_is_asked_one_question_at_a_time() {
        let (api, most) = api().await;
        let answers = ask(&[api]).await;
        assert!(answers.any_answered);
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }
}
