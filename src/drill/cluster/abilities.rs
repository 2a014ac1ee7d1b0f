//! What a cluster of known members can do, checked before anything is broken.

use crate::model::cluster::selector::Selector;
use crate::model::scenario::instead;
use crate::model::scenario::step::Action;

/// Checks that `action` can be done to `target` in a cluster with the members `known`.
///
/// # Errors
/// Words that say why not.
pub(super) fn can(action: Action, target: &Selector, known: &[&str]) -> Result<(), String> {
    let is_postgresql = match target {
        Selector::Leader | Selector::Replica => true,
        Selector::EtcdLeader | Selector::EtcdAny => false,
        Selector::Member(name) if known.contains(&name.as_str()) => name.starts_with("patroni"),
        Selector::Member(name) => {
            let roles = ["leader", "replica", "etcd:leader", "etcd:any"];
            let names = known.iter().copied().chain(roles);
            return Err(format!("{name:?} names no member; {}", instead(name, names)));
        }
    };
    let needs_postgresql =
        matches!(action, Action::Switchover | Action::KillPostmaster | Action::PauseWalsenders);
    if needs_postgresql && !is_postgresql {
        return Err(format!("{action} needs a member with PostgreSQL, and {target} is none"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_done_is_said_before() {
        let known = ["etcd1", "haproxy", "patroni1"];
        let can = |action, target: &str| can(action, &target.parse().unwrap(), &known);
        assert_eq!(can(Action::Kill, "patroni1"), Ok(()));
        assert_eq!(can(Action::PauseWalsenders, "leader"), Ok(()));
        let error = can(Action::Stop, "patronni1").unwrap_err();
        assert_eq!(error, "\"patronni1\" names no member; did you mean \"patroni1\"?");
        let error = can(Action::Switchover, "etcd:leader").unwrap_err();
        assert!(error.contains("etcd:leader is none"), "{error}");
    }
}
