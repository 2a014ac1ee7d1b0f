//! A survey of the cluster: every host of the connection is dialled, Patroni is asked, and
//! [`decide`] says which server decides.

use std::time::Duration;

use futures_util::future::join_all;
use uuid::Uuid;

use crate::engine::dialer::Dialer;
use crate::engine::verification::patroni_answers;
use crate::model::cluster::decision::{
    Decider, KnownCluster, PatroniAnswers, Undecided, View, decide, is_one_server,
};
use crate::model::cluster::server::Server;
use crate::patroni::PatroniApi;
use crate::pg::sessions::application_name::Purpose;
use crate::pg::sessions::connect::NotOpened;
use crate::pg::sessions::session::Session;

/// Where a run is verified.
#[derive(Debug, Clone)]
pub struct Site {
    /// The connection; all of its hosts are looked at.
    pub dialer: Dialer,
    /// Patroni's APIs, where they name the leader.
    pub patroni: Vec<PatroniApi>,
}

/// How long Patroni's APIs have to answer, in all.
const PATRONI_DEADLINE: Duration = Duration::from_secs(10);

impl Site {
    /// The same with more of Patroni's APIs, which were found meanwhile.
    #[must_use]
    pub fn with_found(mut self, found: Vec<PatroniApi>) -> Self {
        for api in found {
            if self.patroni.iter().all(|one| one.url() != api.url()) {
                self.patroni.push(api);
            }
        }
        self
    }

    /// The same with its sessions named after what they are for.
    #[must_use]
    pub(in crate::engine) fn for_purpose(self, run_id: Uuid, purpose: Purpose) -> Self {
        Self { dialer: self.dialer.for_purpose(run_id, purpose), ..self }
    }
}

/// The server that decides, and the others of the run's cluster that were reached.
pub(in crate::engine) struct Survey {
    pub(in crate::engine) session: Session,
    pub(in crate::engine) decider: Decider,
    /// For other sessions to the same host.
    pub(in crate::engine) dialer: Dialer,
    pub(in crate::engine) others: Vec<ReachedServer>,
    /// One endpoint is the only view of the cluster.
    pub(in crate::engine) is_one_endpoint: bool,
}

/// A server that was reached.
pub(in crate::engine) struct ReachedServer {
    pub(in crate::engine) session: Session,
    pub(in crate::engine) dialer: Dialer,
}

/// No server decides.
pub(in crate::engine) struct Open {
    pub(in crate::engine) why: Undecided,
    /// In words, with the failures of hosts that could not be reached.
    pub(in crate::engine) words: String,
    /// Whether waiting can change it.
    pub(in crate::engine) can_change: bool,
    pub(in crate::engine) reached: Vec<ReachedServer>,
}

/// Surveys the cluster.
pub(in crate::engine) async fn survey(
    site: &Site,
    known: &KnownCluster,
) -> Result<Survey, Box<Open>> {
    let (dialled, answers) = tokio::join!(dial_each(&site.dialer), patroni_answers(&site.patroni));
    let DialledAddresses { mut reached, failures, is_one_endpoint } = dialled;
    let servers: Vec<Server> = reached.iter().map(|one| one.session.server.clone()).collect();
    let several = servers.iter().skip(1).any(|server| !is_one_server(server, &servers[0]));
    let view = match answers {
        Some(answers) => View::Patroni(answers),
        None if is_one_endpoint && !several => View::OneEndpoint,
        None => View::SeveralHosts,
    };
    match decide(known, &view, &servers) {
        Ok(decider) => {
            let ReachedServer { session, dialer } = reached.remove(decider.index);
            // The deciding server may be reached under another name too: drop that session.
            let (others, again) = reached
                .into_iter()
                .partition(|one| !is_one_server(&one.session.server, &session.server));
            close_all(again).await;
            let is_one_endpoint = view == View::OneEndpoint;
            Ok(Survey { session, decider, dialer, others, is_one_endpoint })
        }
        Err(why) => {
            let words = match &why {
                Undecided::NothingAnswers => {
                    format!("no primary takes writes: {}", failures.join(", "))
                }
                _ if failures.is_empty() => why.to_string(),
                _ => format!("{why}; {}", failures.join(", ")),
            };
            // A host that could not be reached may belong to the run's cluster.
            let can_change = why.can_change() || (why.is_foreign() && !failures.is_empty());
            Err(Box::new(Open { why, words, can_change, reached }))
        }
    }
}

/// What the addresses of a connection lead to.
struct DialledAddresses {
    reached: Vec<ReachedServer>,
    failures: Vec<String>,
    is_one_endpoint: bool,
}

async fn dial_each(dialer: &Dialer) -> DialledAddresses {
    let addresses = dialer.each_address().await;
    let is_one_endpoint = Dialer::is_one_endpoint(&addresses);
    let dialled = join_all(addresses.iter().map(Dialer::dial)).await;
    let (mut reached, mut failures) = (Vec::new(), Vec::new());
    for (dialer, dialled) in addresses.into_iter().zip(dialled) {
        match dialled {
            Ok(opened) => reached.push(ReachedServer { session: opened.session, dialer }),
            Err(failed) => {
                let words = |NotOpened { fault, .. }: NotOpened| {
                    format!("{}: {} ({})", fault.endpoint, fault.class, fault.message)
                };
                failures.extend(failed.into_iter().map(words));
            }
        }
    }
    DialledAddresses { reached, failures, is_one_endpoint }
}

/// `None` where Patroni is not asked.
async fn patroni_answers(apis: &[PatroniApi]) -> Option<PatroniAnswers> {
    if apis.is_empty() {
        return None;
    }
    let answers = tokio::time::timeout(PATRONI_DEADLINE, patroni_answers::ask(apis)).await;
    Some(answers.unwrap_or_else(|_| patroni_answers::none_within(apis, PATRONI_DEADLINE)))
}

/// Closes every session.
pub(in crate::engine) async fn close_all(reached: Vec<ReachedServer>) {
    join_all(reached.into_iter().map(|one| one.session.close())).await;
}
