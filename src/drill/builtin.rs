//! The drills that come with pgchaos, as files.

/// Their names and texts, in the order in which they are best met.
pub const ALL: [(&str, &str); 14] = [
    ("leader-stop", include_str!("builtin/leader-stop.toml")),
    ("leader-kill", include_str!("builtin/leader-kill.toml")),
    ("last-node", include_str!("builtin/last-node.toml")),
    ("replica-stop", include_str!("builtin/replica-stop.toml")),
    ("etcd-minority", include_str!("builtin/etcd-minority.toml")),
    ("etcd-quorum", include_str!("builtin/etcd-quorum.toml")),
    ("etcd-total", include_str!("builtin/etcd-total.toml")),
    ("proxy-down", include_str!("builtin/proxy-down.toml")),
    ("leader-freeze", include_str!("builtin/leader-freeze.toml")),
    ("postgres-crash", include_str!("builtin/postgres-crash.toml")),
    ("switchover", include_str!("builtin/switchover.toml")),
    ("async-loss", include_str!("builtin/async-loss.toml")),
    ("sync-no-loss", include_str!("builtin/sync-no-loss.toml")),
    ("homework", include_str!("builtin/homework.toml")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::check::{Abilities, check};
    use crate::model::scenario::{On, Scenario};

    #[test]
    fn each_can_be_read_and_played_on_the_lab_and_on_compose() {
        for (name, text) in ALL {
            let scenario =
                Scenario::read(name, name, text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(scenario.on, [On::Lab, On::Compose], "{name}");
            for abilities in [Abilities::Lab, Abilities::Compose] {
                check(&scenario, &abilities).unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }
}
