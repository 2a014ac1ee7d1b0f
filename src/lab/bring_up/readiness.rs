//! Waits until a lab works, seen from Patroni, from HAProxy, and from a client.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::lab::bring_up::configuration;
use crate::lab::error::{LabError, LogTail};
use crate::lab::handle::Lab;
use crate::lab::member::{Member, MemberKind};
use crate::lab::processes::scan::{ProcessRole, scan};
use crate::lab::progress::TellProgress;
use crate::lab::status::http::{Pools, etcd_leads, etcd_serves_peers, pools};
use crate::lab::status::session::show;
use crate::patroni::{MemberStatus, PatroniApi, PatroniError, convergence, leader};
use crate::tls::TlsClient;

/// How long a lab may take: far more than it needs on a busy machine.
pub(in crate::lab) const WORKS_WITHIN: Duration = Duration::from_secs(180);

const POLL_EVERY: Duration = Duration::from_millis(100);

/// It usually answers within a tenth of that.
const PEER_ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// For Patroni to write its settings into etcd.
const CHANGE_DEADLINE: Duration = Duration::from_secs(5);

impl Lab {
    /// Waits until a member that was started works: it says that its PostgreSQL runs, or its etcd
    /// or HAProxy answers.
    ///
    /// # Errors
    /// When it ends, or does not work within three minutes.
    pub async fn wait_for(&self, member: Member) -> Result<(), LabError> {
        let end = Instant::now() + WORKS_WITHIN;
        while !self.is_of_use(member).await {
            none_ended(self, &[member]).await?;
            if Instant::now() > end {
                return Err(not_in_time(self, format!("{member} does not answer"), member));
            }
            sleep(POLL_EVERY).await;
        }
        Ok(())
    }

    async fn is_of_use(&self, member: Member) -> bool {
        let ports = &self.state.ports;
        match member.kind() {
            MemberKind::Etcd => etcd_leads(ports.etcd_client[member.index()]).await.is_ok(),
            MemberKind::HaProxy => pools(ports.page).await.is_ok(),
            MemberKind::Patroni => match self.apis().get(member.index()) {
                Some(api) => !is_unwell(&api.member().await),
                None => false,
            },
        }
    }
}

/// Waits until an etcd answers its peers, but not for long: it is no error when it does not.
pub(in crate::lab) async fn wait_for_peer(lab: &Lab, member: Member) {
    let port = lab.state.ports.etcd_peer[member.index()];
    let end = Instant::now() + PEER_ANSWERS_WITHIN;
    while Instant::now() < end && !etcd_serves_peers(port).await {
        sleep(POLL_EVERY / 5).await;
    }
}

/// Waits until one etcd leads the others.
pub(in crate::lab) async fn wait_for_etcd(
    lab: &Lab,
    began: Instant,
    told: TellProgress<'_>,
) -> Result<(), LabError> {
    let end = Instant::now() + WORKS_WITHIN;
    loop {
        if let Some(member) = lab.etcd_leader().await {
            told(format!("{member} leads etcd after {}", since(began)));
            return Ok(());
        }
        none_ended(lab, &Member::ETCD).await?;
        if Instant::now() > end {
            return Err(not_in_time(lab, "no etcd leads".to_owned(), Member::ETCD[0]));
        }
        sleep(POLL_EVERY).await;
    }
}

/// Waits for three PostgreSQL servers on one timeline, and for Patroni's settings to be those of
/// the profile.
pub(in crate::lab) async fn wait_for_cluster(
    lab: &Lab,
    began: Instant,
    told: TellProgress<'_>,
) -> Result<(), LabError> {
    let end = Instant::now() + WORKS_WITHIN;
    let apis = lab.apis();
    let mut led = false;
    let converged = loop {
        none_ended(lab, &Member::ETCD).await?;
        none_ended(lab, &Member::PATRONI).await?;
        if !led && let Some(leader) = leader(&apis).await {
            let name = leader.name.as_deref().unwrap_or("a member");
            told(format!("{name} leads PostgreSQL after {}", since(began)));
            led = true;
        }
        match convergence(&apis, Member::PATRONI.len()).await {
            Ok(converged) => break converged,
            Err(missing) if Instant::now() > end => {
                let explains = first_unwell(&apis).await;
                return Err(not_in_time(lab, missing.to_string(), explains));
            }
            Err(_) => sleep(POLL_EVERY).await,
        }
    };
    let timeline = converged.timeline;
    told(format!("three servers on timeline {timeline} after {}", since(began)));
    settle(lab, &converged.leader).await
}

/// The first member that does not answer, or says that its PostgreSQL does not run.
async fn first_unwell(apis: &[PatroniApi]) -> Member {
    let answers = join_all(apis.iter().map(PatroniApi::member)).await;
    let unwell = answers.iter().position(is_unwell).unwrap_or(0);
    Member::PATRONI[unwell.min(Member::PATRONI.len() - 1)]
}

fn is_unwell(answer: &Result<MemberStatus, PatroniError>) -> bool {
    match answer {
        Ok(status) => !matches!(status.state.as_str(), "running" | "streaming"),
        Err(_) => true,
    }
}

fn since(began: Instant) -> String {
    format!("{:.1} s", began.elapsed().as_secs_f64())
}

/// Fails when one of the members has ended. A process that executes another program has neither
/// environment nor arguments for a moment: one look proves nothing.
async fn none_ended(lab: &Lab, members: &[Member]) -> Result<(), LabError> {
    const LOOKS: u32 = 5;
    let mut gone = None;
    for _ in 0..LOOKS {
        let own = scan(&lab.folders);
        let runs = |member: &&Member| {
            own.get(member)
                .is_some_and(|own| own.iter().any(|process| process.role == ProcessRole::Main))
        };
        gone = members.iter().find(|member| !runs(member)).copied();
        if gone.is_none() {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    match gone {
        None => Ok(()),
        Some(member) => Err(LabError::Ended {
            lab: lab.name.clone(),
            member,
            log: LogTail::of(&lab.log(member)),
        }),
    }
}

/// The settings that a cluster keeps in etcd: it was made with a shorter `loop_wait`, and kept data
/// may have those of another profile.
async fn settle(lab: &Lab, leader: &crate::patroni::LeadingMember) -> Result<(), LabError> {
    let wanted = configuration::dynamic(&lab.state);
    let api = leader.api.with_deadline(CHANGE_DEADLINE);
    let changed = match api {
        Ok(api) => api.change_config(&wanted).await,
        Err(error) => Err(error),
    };
    changed.map_err(LabError::Settings)
}

/// Waits until both ports lead where they should.
pub(in crate::lab) async fn wait_for_ports(lab: &Lab) -> Result<(), LabError> {
    let end = Instant::now() + WORKS_WITHIN;
    let tls = lab.tls_client()?;
    loop {
        let Some(missing) = missing(lab, tls.as_ref()).await else { return Ok(()) };
        if Instant::now() > end {
            return Err(not_in_time(lab, missing, Member::HAPROXY));
        }
        sleep(POLL_EVERY / 2).await;
    }
}

/// What is still missing, in words.
async fn missing(lab: &Lab, tls: Option<&TlsClient>) -> Option<String> {
    let ports = &lab.state.ports;
    let expected = Pools { primary: 1, replicas: 2 };
    match pools(ports.page).await {
        Ok(found) if found == expected => {}
        Ok(Pools { primary, replicas }) => {
            return Some(format!(
                "HAProxy has {primary} primaries and {replicas} replicas, not 1 and 2"
            ));
        }
        Err(error) => return Some(error.to_string()),
    }
    for (port, name, expected) in [(ports.write, "write", "off"), (ports.read, "read", "on")] {
        match show(port, tls, "transaction_read_only").await {
            Ok(found) if found == expected => {}
            Ok(found) => {
                return Some(format!(
                    "the {name} port leads to a server that is read-only: {found}"
                ));
            }
            Err(words) => return Some(format!("the {name} port: {words}")),
        }
    }
    if lab.state.synchronous
        && show(ports.write, tls, "synchronous_standby_names")
            .await
            .is_ok_and(|names| names.is_empty())
    {
        return Some("no replica is synchronous yet".to_owned());
    }
    None
}

fn not_in_time(lab: &Lab, missing: String, explains: Member) -> LabError {
    LabError::NotInTime {
        lab: lab.name.clone(),
        after: WORKS_WITHIN,
        missing,
        member: explains,
        log: LogTail::of(&lab.log(explains)),
    }
}
