//! The member that a selector means, asked from Patroni and etcd.

use futures_util::future::join_all;

use crate::lab::error::{Down, LabError};
use crate::lab::handle::Lab;
use crate::lab::member::Member;
use crate::lab::processes::running::Running;
use crate::lab::status::http::etcd_leads;
use crate::model::cluster::selector::Selector;
use crate::patroni::{PatroniApi, Role, leader};

impl Lab {
    /// The member that is meant, at this moment. The leader is the one that answers 200 to
    /// `/primary`.
    ///
    /// # Errors
    /// When the name is no member's, or no member has that role now.
    pub async fn select(&self, selector: &Selector) -> Result<Member, LabError> {
        let (found, reason) = match selector {
            Selector::Leader => (self.leader().await, "no Patroni answers as the primary"),
            Selector::Replica => (self.replica().await, "no running member replicates"),
            Selector::EtcdLeader => (self.etcd_leader().await, "no etcd says that it leads"),
            Selector::EtcdAny => (self.any_etcd().await, "no etcd runs"),
            Selector::Member(name) => {
                return Member::named(name).ok_or_else(|| LabError::NoMember {
                    lab: self.name.clone(),
                    name: name.clone(),
                });
            }
        };
        found.ok_or_else(|| LabError::NobodyIs {
            lab: self.name.clone(),
            selector: selector.to_string(),
            reason: reason.to_owned(),
        })
    }

    /// The member that is to be started or resumed: of its kind, the one that is down. A member
    /// that is down has no role, so `leader` and `replica` both mean a member of Patroni.
    ///
    /// # Errors
    /// When the name is no member's, or a role fits none that is down, or several.
    pub async fn select_down(&self, selector: &Selector, down: Down) -> Result<Member, LabError> {
        let candidates = match selector {
            Selector::Leader | Selector::Replica => Member::PATRONI,
            Selector::EtcdLeader | Selector::EtcdAny => Member::ETCD,
            Selector::Member(_) => return self.select(selector).await,
        };
        let is_down = |member: &Member| match down {
            Down::Stopped => self.running(*member) == Running::Stopped,
            Down::Frozen => self.processes(*member).iter().any(|process| process.is_paused),
        };
        let members: Vec<Member> = candidates.into_iter().filter(is_down).collect();
        match members.as_slice() {
            [member] => Ok(*member),
            _ => Err(LabError::NotOneDown {
                lab: self.name.clone(),
                selector: selector.to_string(),
                state: down,
                members,
            }),
        }
    }

    async fn leader(&self) -> Option<Member> {
        let leader = leader(&self.apis()).await?;
        self.patroni_urls()
            .iter()
            .zip(Member::PATRONI)
            .find_map(|(url, member)| (url == leader.api.url()).then_some(member))
    }

    /// The first by name; one that is known to stream before one that says no more than that it
    /// is a replica.
    async fn replica(&self) -> Option<Member> {
        let apis = self.apis();
        let leader = self.leader().await;
        let answers = join_all(apis.iter().map(PatroniApi::member)).await;
        let mut replicas =
            Member::PATRONI.into_iter().zip(answers).filter_map(|(member, answer)| {
                let status = answer.ok()?;
                let runs = matches!(status.state.as_str(), "running" | "streaming");
                (status.role == Role::Replica && runs).then_some(member)
            });
        replicas.find(|member| Some(*member) != leader)
    }

    pub(in crate::lab) async fn etcd_leader(&self) -> Option<Member> {
        let answers = join_all(self.state.ports.etcd_client.map(etcd_leads)).await;
        let leads = |(member, answer): (Member, _)| matches!(answer, Ok(true)).then_some(member);
        Member::ETCD.into_iter().zip(answers).find_map(leads)
    }

    /// One that runs, and rather one that does not lead.
    async fn any_etcd(&self) -> Option<Member> {
        let leader = self.etcd_leader().await;
        let runs = |member: &Member| self.running(*member) == Running::Running;
        let mut running = Member::ETCD.into_iter().filter(runs);
        running.clone().find(|member| Some(*member) != leader).or_else(|| running.next())
    }
}
