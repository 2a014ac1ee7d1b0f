//! The leader of a cluster, and whether all members follow it.

use std::collections::BTreeSet;
use std::fmt;

use futures_util::future::join_all;

use super::api::PatroniApi;
use super::shapes::{Cluster, ClusterMember, MemberStatus, Role};

/// The member that leads: its API answers 200 to `/primary`.
#[derive(Debug, Clone)]
pub struct LeadingMember {
    /// Its name; `None` where neither it nor `/cluster` tells which member this API is.
    pub name: Option<String>,
    /// Its API.
    pub api: PatroniApi,
    /// What it says about itself.
    pub status: MemberStatus,
}

/// All members are on one timeline, and replicas stream from the leader.
#[derive(Debug, Clone)]
pub struct Converged {
    /// The leader.
    pub leader: LeadingMember,
    /// The timeline.
    pub timeline: u32,
    /// All names.
    pub members: Vec<String>,
}

/// What is still missing, in words, one a reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct NotConverged(pub Vec<String>);

impl fmt::Display for NotConverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" · "))
    }
}

/// The leader by `/primary`, which is trusted over `/cluster`: `/cluster` still names a leader
/// when etcd has no quorum. Takes one deadline of the APIs at most, and a second one when the
/// name must be looked up.
///
/// Should several claim it, the one on the highest timeline is taken.
pub async fn leader(apis: &[PatroniApi]) -> Option<LeadingMember> {
    let found = leaders(apis).await.into_iter().max_by_key(|leader| leader.status.timeline)?;
    Some(named(found).await)
}

async fn leaders(apis: &[PatroniApi]) -> Vec<LeadingMember> {
    let answers = join_all(apis.iter().map(PatroniApi::primary)).await;
    let leads = |(api, answer): (&PatroniApi, _)| {
        match answer {
            Ok(Some(status)) => Some(status),
            _ => None,
        }
        .map(|status: MemberStatus| LeadingMember {
            name: status.patroni.name.clone(),
            api: api.clone(),
            status,
        })
    };
    apis.iter().zip(answers).filter_map(leads).collect()
}

/// Looks the name up in `/cluster`, which has it beside the URL: Patroni 3.0 does not tell it.
async fn named(mut leader: LeadingMember) -> LeadingMember {
    if leader.name.is_none()
        && let Ok(cluster) = leader.api.cluster().await
    {
        leader.name = name_of(&cluster, &leader.api);
    }
    leader
}

/// The name of the member with this API, by its `api_url`.
#[must_use]
pub fn name_of(cluster: &Cluster, api: &PatroniApi) -> Option<String> {
    let is_this = |member: &&ClusterMember| url_of(member).as_deref() == Some(api.url());
    cluster.members.iter().find(is_this).map(|member| member.name.clone())
}

/// Whether each of a cluster's members is among those that were asked. One that the cluster names no more is none of its
/// members, so that names count, not numbers; those `unnamed`, so many, may be any of them.
pub fn are_all_asked<'a>(
    members: impl Iterator<Item = &'a str>,
    is_asked: impl Fn(&str) -> bool,
    unnamed: usize,
) -> bool {
    members.filter(|name| !is_asked(name)).count() <= unnamed
}

/// The URL of a member's API, as [`PatroniApi::url`] gives it.
#[must_use]
pub fn url_of(member: &ClusterMember) -> Option<String> {
    super::api::base_of(member.api_url.as_deref()?).ok()
}

/// Whether `expected` members have converged: exactly one leads, by `/primary`; every API that was
/// given says that its PostgreSQL runs, on the leader's timeline; the cluster has exactly so many
/// members, all of them running or streaming on that timeline, and the leader has a walsender
/// that streams to each. Takes three deadlines of the APIs at most.
///
/// # Errors
///
/// With what is still missing, in words.
pub async fn convergence(apis: &[PatroniApi], expected: usize) -> Result<Converged, NotConverged> {
    let mut leaders = leaders(apis).await;
    if leaders.len() > 1 {
        let urls: Vec<&str> = leaders.iter().map(|leader| leader.api.url()).collect();
        return Err(NotConverged(vec![format!("several lead: {}", urls.join(", "))]));
    }
    let Some(leader) = leaders.pop() else {
        return Err(NotConverged(vec!["no member answers as the primary".to_owned()]));
    };
    let leader = named(leader).await;
    let Some(timeline) = leader.status.timeline else {
        return Err(NotConverged(vec![format!("{} tells no timeline", leader.api.url())]));
    };
    let cluster = match leader.api.cluster().await {
        Ok(cluster) => cluster,
        Err(error) => return Err(NotConverged(vec![error.to_string()])),
    };
    let mut missing = of_apis(apis, timeline).await;
    missing.extend(of_cluster(&cluster, &leader, timeline, expected));
    if !missing.is_empty() {
        return Err(NotConverged(missing));
    }
    let members = cluster.members.into_iter().map(|member| member.name).collect();
    Ok(Converged { leader, timeline, members })
}

/// What is missing by the members' own APIs: `/cluster` may be out of date.
async fn of_apis(apis: &[PatroniApi], timeline: u32) -> Vec<String> {
    let answers = join_all(apis.iter().map(PatroniApi::member)).await;
    let mut missing = Vec::new();
    for (api, answer) in apis.iter().zip(answers) {
        match answer {
            Err(error) => missing.push(error.to_string()),
            Ok(status) if status.state != "running" && status.state != "streaming" => {
                missing.push(format!("{} is {}", api.url(), status.state));
            }
            Ok(status) if status.timeline != Some(timeline) => {
                let on = on_timeline(status.timeline);
                missing.push(format!("{} is {on}, the leader on {timeline}", api.url()));
            }
            Ok(_) => {}
        }
    }
    missing
}

fn of_cluster(
    cluster: &Cluster,
    leader: &LeadingMember,
    timeline: u32,
    expected: usize,
) -> Vec<String> {
    let mut missing = Vec::new();
    if cluster.members.len() != expected {
        missing.push(format!("the cluster has {} members, not {expected}", cluster.members.len()));
    }
    let streaming: BTreeSet<&str> = leader
        .status
        .replication
        .iter()
        .filter(|sender| sender.state.as_deref() == Some("streaming"))
        .filter_map(|sender| sender.application_name.as_deref())
        .collect();
    for member in &cluster.members {
        let name = &member.name;
        // A cascading replica streams from another one, which the leader cannot see.
        let cascades = member.tags.contains_key("replicatefrom");
        if !matches!(member.state.as_str(), "running" | "streaming") {
            missing.push(format!("{name} is {}", member.state));
        } else if member.timeline != Some(timeline) {
            let on = on_timeline(member.timeline);
            missing.push(format!("{name} is {on}, the leader on {timeline}"));
        } else if member.role == Role::Replica && !cascades && !streaming.contains(name.as_str()) {
            missing.push(format!("{name} does not stream from the leader"));
        }
    }
    missing
}

fn on_timeline(timeline: Option<u32>) -> String {
    timeline.map_or_else(|| "on no known timeline".to_owned(), |n| format!("on timeline {n}"))
}
