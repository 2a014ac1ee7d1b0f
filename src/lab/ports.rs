//! The ports of a lab's members. All of them are on 127.0.0.1.
//!
//! | | usual | with base port P |
//! |---|---|---|
//! | write port | 5500 | P |
//! | read port | 5501 | P + 1 |
//! | HAProxy's page | 7500 | P + 2 |
//! | Patroni's APIs | 8001 to 8003 | P + 3 to P + 5 |
//! | PostgreSQL servers | 5511 to 5513 | P + 6 to P + 8 |
//! | etcd, for clients | 5521 to 5523 | P + 9 to P + 11 |
//! | etcd, for its peers | 5531 to 5533 | P + 12 to P + 14 |
//!
//! The usual ones that people use are those of the Compose cluster.

use serde::{Deserialize, Serialize};

use crate::lab::member::{Member, MemberKind};

/// How many ports a lab has.
pub(in crate::lab) const PORTS: u16 = 15;

/// The ports of a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// Leads to the primary.
    pub write: u16,
    /// Leads to a replica.
    pub read: u16,
    /// HAProxy's page.
    pub page: u16,
    /// The REST APIs of patroni1 to patroni3.
    pub patroni: [u16; 3],
    /// The PostgreSQL servers of patroni1 to patroni3.
    pub postgresql: [u16; 3],
    /// etcd1 to etcd3, for clients.
    pub etcd_client: [u16; 3],
    /// etcd1 to etcd3, for each other.
    pub etcd_peer: [u16; 3],
}

impl Ports {
    /// The usual ones, or those from `base` on.
    #[must_use]
    pub fn new(base: Option<u16>) -> Self {
        let three = |first: u16| [first, first + 1, first + 2];
        match base {
            None => Self {
                write: 5500,
                read: 5501,
                page: 7500,
                patroni: three(8001),
                postgresql: three(5511),
                etcd_client: three(5521),
                etcd_peer: three(5531),
            },
            Some(base) => Self {
                write: base,
                read: base + 1,
                page: base + 2,
                patroni: three(base + 3),
                postgresql: three(base + 6),
                etcd_client: three(base + 9),
                etcd_peer: three(base + 12),
            },
        }
    }

    /// Those of one member.
    #[must_use]
    pub fn of(&self, member: Member) -> Vec<u16> {
        let index = member.index();
        match member.kind() {
            MemberKind::Etcd => vec![self.etcd_client[index], self.etcd_peer[index]],
            MemberKind::Patroni => vec![self.patroni[index], self.postgresql[index]],
            MemberKind::HaProxy => vec![self.write, self.read, self.page],
        }
    }

    /// All of them, each with its member.
    pub fn all(&self) -> impl Iterator<Item = (u16, Member)> {
        let ports = *self;
        Member::all()
            .flat_map(move |member| ports.of(member).into_iter().map(move |port| (port, member)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_base_port_moves_all_of_them_into_one_block() {
        let ports: BTreeSet<u16> = Ports::new(Some(15_000)).all().map(|(port, _)| port).collect();
        assert_eq!(ports, (15_000..15_000 + PORTS).collect());
    }

    #[test]
    fn no_two_of_the_usual_ones_are_the_same() {
        let ports: BTreeSet<u16> = Ports::new(None).all().map(|(port, _)| port).collect();
        assert_eq!(ports.len(), usize::from(PORTS));
    }
}
