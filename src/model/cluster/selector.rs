//! Which part of a cluster is meant: `leader`, `replica`, `etcd:leader`, or a name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One part of a cluster, by its role now or by its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Selector {
    /// The Patroni member that holds the leader key.
    Leader,
    /// A Patroni member that replicates; the first by name when there are several.
    Replica,
    /// The etcd member that leads its cluster.
    EtcdLeader,
    /// Any etcd member that runs; one that does not lead when there is one.
    EtcdAny,
    /// The member of this name: `patroni2`, `etcd1`, `haproxy`.
    Member(String),
}

/// What is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no member: leader, replica, etcd:leader, etcd:any, or a name as patroni1, etcd1, haproxy"
)]
pub struct NoSelector(String);

impl FromStr for Selector {
    type Err = NoSelector;

    fn from_str(text: &str) -> Result<Self, NoSelector> {
        Ok(match text {
            "leader" => Self::Leader,
            "replica" => Self::Replica,
            "etcd:leader" => Self::EtcdLeader,
            "etcd:any" => Self::EtcdAny,
            name if is_name(name) => Self::Member(name.to_owned()),
            _ => return Err(NoSelector(text.to_owned())),
        })
    }
}

/// As services and hosts are named; nothing that a shell or a path would take for something else.
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

impl TryFrom<String> for Selector {
    type Error = NoSelector;

    fn try_from(text: String) -> Result<Self, NoSelector> {
        text.parse()
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> Self {
        selector.to_string()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Leader => "leader",
            Self::Replica => "replica",
            Self::EtcdLeader => "etcd:leader",
            Self::EtcdAny => "etcd:any",
            Self::Member(name) => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_names_are_read_and_written_the_same() {
        for text in ["leader", "replica", "etcd:leader", "etcd:any", "patroni2", "haproxy"] {
            assert_eq!(text.parse::<Selector>().unwrap().to_string(), text);
        }
        assert_eq!("patroni2".parse(), Ok(Selector::Member("patroni2".to_owned())));
    }

    #[test]
    fn what_names_nothing_is_refused_with_what_would() {
        for text in ["", "etcd:", "a b", "../x", "leader;", "-x"] {
            let error = text.parse::<Selector>().unwrap_err();
            assert!(error.to_string().contains("etcd:any"), "{error}");
        }
    }
}
