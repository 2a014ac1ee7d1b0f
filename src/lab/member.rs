//! The seven parts of a lab, by name.

use std::fmt;

/// One part of a lab: `etcd1` to `etcd3`, `patroni1` to `patroni3`, `haproxy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member {
    kind: MemberKind,
    /// 0 to 2 among those of its kind.
    index: usize,
}

/// The kind of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MemberKind {
    /// An etcd server.
    Etcd,
    /// Patroni with its PostgreSQL.
    Patroni,
    /// The proxy.
    HaProxy,
}

impl Member {
    /// The etcd servers.
    pub const ETCD: [Self; 3] = three(MemberKind::Etcd);

    /// Patroni with PostgreSQL.
    pub const PATRONI: [Self; 3] = three(MemberKind::Patroni);

    /// The proxy.
    pub const HAPROXY: Self = Self { kind: MemberKind::HaProxy, index: 0 };

    /// All of them, in the order in which they are started.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ETCD.into_iter().chain(Self::PATRONI).chain([Self::HAPROXY])
    }

    /// The member of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|member| member.to_string() == name)
    }

    /// Its kind.
    #[must_use]
    pub fn kind(self) -> MemberKind {
        self.kind
    }

    /// 0 to 2 among those of its kind.
    pub(in crate::lab) fn index(self) -> usize {
        self.index
    }
}

const fn three(kind: MemberKind) -> [Member; 3] {
    [Member { kind, index: 0 }, Member { kind, index: 1 }, Member { kind, index: 2 }]
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            MemberKind::Etcd => write!(f, "etcd{}", self.index + 1),
            MemberKind::Patroni => write!(f, "patroni{}", self.index + 1),
            MemberKind::HaProxy => f.write_str("haproxy"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_found_by_its_name() {
        let names: Vec<String> = Member::all().map(|member| member.to_string()).collect();
        let all = ["etcd1", "etcd2", "etcd3", "patroni1", "patroni2", "patroni3", "haproxy"];
        assert_eq!(names, all);
        assert!(Member::all().all(|member| Member::named(&member.to_string()) == Some(member)));
        assert_eq!(Member::named("patroni4"), None);
    }
}
