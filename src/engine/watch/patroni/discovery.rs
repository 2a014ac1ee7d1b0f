//! Finds the members: one API is enough to find the others, where they can be reached.
//!
//! `/cluster` names each member with the URL by which the members reach each other. From here that
//! URL may lead nowhere, as from outside of Docker's network, or to another program. So a member
//! that is only named there is watched once it answers as that member of that cluster. A member
//! that is named at another URL than before has moved, as a restarted container does.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use futures_util::future::join_all;
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::bounds::{DEADLINE, MEMBERS_MAX};
use super::handle::NamedServer;
use crate::http::concealed;
use crate::model::cluster::member_names::MemberNames;
use crate::model::cluster::software::PatroniSettings;
use crate::patroni::cluster_state::{name_of, url_of};
use crate::patroni::{Cluster, ClusterMember, MemberStatus, PatroniApi, PatroniError};

/// What is asked.
pub(super) struct Question {
    /// APIs that were given and have not answered yet.
    pub(super) given: Vec<PatroniApi>,
    /// APIs that are watched.
    pub(super) watched: Vec<PatroniApi>,
    /// The members that are watched, and the URL by which `/cluster` named each of them when it
    /// was found; `None` where it was not named yet.
    pub(super) known: BTreeMap<String, Option<String>>,
    /// The system identifier of the cluster that is watched.
    pub(super) identifier: Option<String>,
    /// APIs that can tell it, while it is not known.
    pub(super) can_identify: Vec<PatroniApi>,
    /// Whether others than those given may be looked for: not while one of them has no name, as
    /// it would be watched twice.
    pub(super) may_find: bool,
}

/// What came of it.
pub(super) struct Discovered {
    /// The names of the members, as far as they are remembered; `None` when no API told.
    pub(super) members: Option<Vec<String>>,
    /// Those beyond [`MEMBERS_MAX`]: neither asked nor remembered.
    pub(super) left_out: usize,
    /// The system identifier of the cluster that is watched, once it is known.
    pub(super) identifier: Option<String>,
    /// Patroni's settings, where an API told them.
    pub(super) settings: Option<PatroniSettings>,
    /// The URL by which `/cluster` names each member.
    pub(super) urls: BTreeMap<String, String>,
    /// Names by the addresses of the servers.
    pub(super) names: Option<MemberNames>,
    /// Where `/cluster` names the servers.
    pub(super) servers: Vec<NamedServer>,
    /// APIs that answered and can be watched from now on.
    pub(super) answered: Vec<Answered>,
    /// Members that are watched, and answered where they are now.
    pub(super) moved: Vec<Answered>,
    /// APIs that did not.
    pub(super) missed: Vec<Missed>,
}

/// An API that answered.
pub(super) struct Answered {
    pub(super) api: PatroniApi,
    pub(super) name: Option<String>,
    /// It was given, not found.
    pub(super) given: bool,
}

/// An API that cannot be watched now.
pub(super) struct Missed {
    pub(super) api_url: String,
    pub(super) name: Option<String>,
    pub(super) reason: String,
    /// It was given, not found.
    pub(super) given: bool,
}

/// Asks, one thing after another: a member has one connection of it at a time, beside that of its looks, as the backlog
/// of its API is short. Takes a few times [`DEADLINE`] at most.
pub(super) async fn find(question: Question) -> Discovered {
    let everybody = || question.watched.iter().chain(&question.given);
    let clusters = join_all(everybody().map(|api| bounded(api, &question))).await;
    let settings = settings(everybody()).await;
    let statuses = join_all(question.given.iter().map(PatroniApi::member)).await;
    let identifying = join_all(question.can_identify.iter().map(PatroniApi::member)).await;
    let cluster = clusters.into_iter().flatten().next();
    let (cluster, left_out) = cluster.unzip();
    let left_out = left_out.unwrap_or(0);
    let mut found = Discovered {
        members: cluster.as_ref().map(|cluster: &Cluster| {
            cluster.members.iter().map(|member| member.name.clone()).collect()
        }),
        left_out,
        identifier: question.identifier,
        settings,
        urls: BTreeMap::new(),
        names: None,
        servers: Vec::new(),
        answered: Vec::new(),
        moved: Vec::new(),
        missed: Vec::new(),
    };
    let mut told = identifying.into_iter().flatten();
    let told = told.find_map(|status| status.database_system_identifier);
    found.identifier = found.identifier.or(told);
    for (api, status) in question.given.iter().zip(statuses) {
        match status {
            Ok(status) => {
                let name = name_of_given(api, &status, cluster.as_ref()).await;
                found.identifier = found.identifier.or(status.database_system_identifier);
                found.answered.push(Answered { api: api.clone(), name, given: true });
            }
            Err(error) => found.missed.push(missed_given(api, &error, cluster.as_ref())),
        }
    }
    let Some(cluster) = cluster else { return found };
    found.names = Some(names(&cluster).await);
    found.servers = cluster.members.iter().filter_map(named_server).collect();
    let named = |member: &ClusterMember| Some((member.name.clone(), url_of(member)?));
    found.urls = cluster.members.iter().filter_map(named).collect();
    let has_moved = |member: &&ClusterMember| {
        let before = question.known.get(&member.name).and_then(Option::as_ref);
        before.is_some_and(|url| found.urls.get(&member.name).is_some_and(|now| now != url))
    };
    let asked = PatroniApi::to_others(everybody());
    let moved = cluster.members.iter().filter(has_moved);
    // A member that does not answer at its new URL is still looked at under the old one, and the
    // looker reports that.
    found.moved = join_all(moved.filter_map(|member| probe(asked?, member, &found.identifier)))
        .await
        .into_iter()
        .flatten()
        .collect();
    let given_are_named =
        found.missed.is_empty() && found.answered.iter().all(|answered| answered.name.is_some());
    if question.may_find && given_are_named {
        probe_others(&mut found, asked, &cluster, &question.known).await;
    }
    found
}

/// Where a member's own server is, as `/cluster` has it.
fn named_server(member: &ClusterMember) -> Option<NamedServer> {
    let (host, port) = (member.host.clone()?, member.port?);
    Some(NamedServer { member: member.name.clone(), host, port })
}

/// The settings as the first of these tells them that answers: they are the whole cluster's.
async fn settings(apis: impl Iterator<Item = &PatroniApi>) -> Option<PatroniSettings> {
    let first = async {
        for api in apis {
            if let Ok(config) = api.config().await {
                return Some(config);
            }
        }
        None
    };
    timeout(DEADLINE, first).await.ok().flatten()
}

/// Asks the members that are named by others and not known yet.
async fn probe_others(
    found: &mut Discovered,
    asked: Option<&PatroniApi>,
    cluster: &Cluster,
    known: &BTreeMap<String, Option<String>>,
) {
    let is_known = |member: &&ClusterMember| {
        known.contains_key(&member.name)
            || found.answered.iter().any(|one| one.name.as_ref() == Some(&member.name))
    };
    let others = cluster.members.iter().filter(|member| !is_known(member));
    for probed in
        join_all(others.filter_map(|member| probe(asked?, member, &found.identifier))).await
    {
        match probed {
            Ok(answered) => found.answered.push(answered),
            Err(missed) => found.missed.push(missed),
        }
    }
}

/// The members as this API names them, and how many more: of a foreign answer no more are kept than
/// can be watched, first those that are known.
async fn bounded(api: &PatroniApi, question: &Question) -> Option<(Cluster, usize)> {
    let mut cluster = api.cluster().await.ok()?;
    let is_known = |member: &ClusterMember| {
        question.known.contains_key(&member.name)
            || url_of(member).is_some_and(|url| question.given.iter().any(|one| one.url() == url))
    };
    if cluster.members.len() > MEMBERS_MAX {
        cluster.members.sort_by_cached_key(|member| !is_known(member));
    }
    let left_out = cluster.members.len().saturating_sub(MEMBERS_MAX);
    cluster.members.truncate(MEMBERS_MAX);
    cluster.members.shrink_to_fit();
    Some((cluster, left_out))
}

fn missed_given(api: &PatroniApi, error: &PatroniError, cluster: Option<&Cluster>) -> Missed {
    let name = cluster.and_then(|cluster| name_of(cluster, api));
    Missed { api_url: api.url().to_owned(), name, reason: error.reason(), given: true }
}

/// Asks a member that only `/cluster` names; `None` when it names no API.
fn probe<'a>(
    asked: &'a PatroniApi,
    member: &'a ClusterMember,
    identifier: &'a Option<String>,
) -> Option<impl Future<Output = Result<Answered, Missed>> + 'a> {
    let url = member.api_url.as_deref()?;
    Some(async move {
        let missed = |api_url: &str, reason: String| Missed {
            api_url: concealed(api_url),
            name: Some(member.name.clone()),
            reason,
            given: false,
        };
        let api = asked.other_member(url, DEADLINE).map_err(|error| missed(url, error.reason()))?;
        let status = api.member().await.map_err(|error| missed(api.url(), error.reason()))?;
        let told = status.patroni.name.as_ref();
        let other_member = told.is_some_and(|name| *name != member.name);
        let other_cluster = matches!(
            (&status.database_system_identifier, identifier),
            (Some(one), Some(two)) if one != two
        );
        if other_member || other_cluster {
            return Err(missed(api.url(), "another Patroni answers there".to_owned()));
        }
        Ok(Answered { api, name: Some(member.name.clone()), given: false })
    })
}

/// The name as the member itself tells it, as newer versions do, else by its URL in `/cluster`,
/// else by that URL's address.
async fn name_of_given(
    api: &PatroniApi,
    status: &MemberStatus,
    cluster: Option<&Cluster>,
) -> Option<String> {
    if let Some(name) = &status.patroni.name {
        return Some(name.clone());
    }
    let cluster = cluster?;
    if let Some(name) = name_of(cluster, api) {
        return Some(name);
    }
    let here = addresses(api.host_and_port()).await;
    let of_members = join_all(cluster.members.iter().map(|member| async move {
        let there = api.other_member(member.api_url.as_deref()?, DEADLINE).ok()?;
        let there = addresses(there.host_and_port()).await;
        Some((member.name.clone(), there))
    }))
    .await;
    let mut same = of_members
        .into_iter()
        .flatten()
        .filter(|(_, there)| there.iter().any(|address| here.contains(address)));
    // Members that share an address cannot be told apart.
    same.next().filter(|_| same.next().is_none()).map(|(name, _)| name)
}

/// The names of the members' servers, as far as their addresses can be found from here.
async fn names(cluster: &Cluster) -> MemberNames {
    let servers = join_all(cluster.members.iter().map(|member| async move {
        let (host, port) = (member.host.as_deref()?, member.port?);
        let addresses: Vec<IpAddr> = match host.parse() {
            Ok(address) => vec![address],
            Err(_) => {
                addresses(&format!("{host}:{port}")).await.iter().map(SocketAddr::ip).collect()
            }
        };
        Some((member.name.as_str(), addresses, port))
    }))
    .await;
    let servers: Vec<_> = servers.into_iter().flatten().collect();
    MemberNames::new(servers.iter().map(|(name, addresses, port)| (*name, &addresses[..], *port)))
}

async fn addresses(host_and_port: &str) -> Vec<SocketAddr> {
    match timeout(DEADLINE, lookup_host(host_and_port)).await {
        Ok(Ok(addresses)) => addresses.collect(),
        _ => Vec::new(),
    }
}
