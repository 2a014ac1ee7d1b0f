//! Members that only Patroni names: each is watched once it answers, at the address by which the members reach each
//! other, as that member of that cluster. From here the address may lead nowhere, or to something else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::looker::{DEADLINE, state};
use crate::engine::dialer::Dialer;
use crate::engine::watch::patroni::{NamedServer, PatroniWatch};
use crate::model::cluster::member_looks::mismatch;
use crate::model::cluster::member_servers::MemberServerState;
use crate::pg::settings::ConnectSettings;

/// Over all addresses of a name.
const DIAL_DEADLINE: Duration = Duration::from_secs(3);

/// Members that are watched at most: a foreign `/cluster` must not make pgchaos connect to the whole world.
pub(super) const MEMBERS_MAX: usize = 64;

/// Where a member is, as Patroni names it.
pub(super) type Place = (String, u16);

/// A member that was tried.
pub(super) struct Probed {
    pub(super) member: String,
    pub(super) place: Place,
    /// How it is connected to, and its cluster's system identifier.
    pub(super) result: Result<(Arc<ConnectSettings>, Option<String>), NotTaken>,
}

/// A member that cannot be watched from here.
pub(super) struct NotTaken {
    /// What there is instead.
    pub(super) is: MemberServerState,
    /// In words.
    pub(super) reason: String,
}

impl NotTaken {
    fn refused(reason: String) -> Self {
        Self { is: MemberServerState::Refused { reason: reason.clone() }, reason }
    }
}

/// Tries the members that Patroni names at other places than these, but for those that are to be tried later.
pub(super) async fn probe(
    patroni: PatroniWatch,
    settings: Arc<ConnectSettings>,
    watched: BTreeMap<String, Option<Place>>,
    not_yet: BTreeSet<(String, Place)>,
) -> Vec<Probed> {
    let named = patroni.servers();
    let is_new = |server: &&NamedServer| match watched.get(&server.member) {
        // One that the user named is where the user says.
        Some(None) => false,
        Some(Some(place)) => *place != (server.host.clone(), server.port),
        None => true,
    };
    let is_due = |server: &&NamedServer| {
        !not_yet.contains(&(server.member.clone(), (server.host.clone(), server.port)))
    };
    let new = named.iter().filter(is_new).filter(is_due).take(MEMBERS_MAX);
    join_all(new.map(|server| probe_one(&patroni, &settings, server))).await
}

async fn probe_one(
    patroni: &PatroniWatch,
    settings: &ConnectSettings,
    server: &NamedServer,
) -> Probed {
    let (member, place) = (server.member.clone(), (server.host.clone(), server.port));
    let Some(settings) = settings.by_patroni_alone(&server.host, server.port) else {
        let none = NotTaken::refused("there is no connection to go by".to_owned());
        return Probed { member, place, result: Err(none) };
    };
    let settings = Arc::new(settings);
    let dialer = Dialer::new(Arc::clone(&settings), DEADLINE).any_server();
    let result = match timeout(DIAL_DEADLINE, dialer.dial()).await {
        Ok(Ok(opened)) => {
            let cluster = patroni.identifier();
            let start = patroni.start_of(&server.member);
            let answers = opened.session.server.clone();
            opened.session.close().await;
            match mismatch(&server.member, &answers, cluster.as_deref(), start) {
                Some(reason) => Err(NotTaken::refused(reason)),
                None => Ok((settings, cluster.or(answers.system_identifier))),
            }
        }
        Ok(Err(failures)) => {
            let last = failures.last().map(|failure| failure.fault.message.clone());
            let reason = last.unwrap_or_else(|| "it cannot be reached".to_owned());
            Err(NotTaken { is: state(&failures), reason })
        }
        Err(_) => Err(NotTaken { is: MemberServerState::Silent, reason: "no answer".to_owned() }),
    };
    Probed { member, place, result }
}
