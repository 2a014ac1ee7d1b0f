//! What a drill has broken and not mended yet, in the order in which it is to be undone.

use serde::{Deserialize, Serialize};

use crate::model::scenario::step::Action;

/// One thing that has to be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Undo {
    /// Done to a member: `start`, `resume` or `heal`.
    Member {
        /// What undoes it.
        action: String,
        /// The member.
        member: String,
        /// Its name in the scenario, for hooks.
        target: String,
    },
    /// A command of the scenario's.
    Command {
        /// A line for the shell, or a program with its arguments.
        words: Vec<String>,
        /// Whether it is a line for the shell.
        shell: bool,
    },
}

/// All damage of a drill, in the order in which it was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// What has to be undone.
    pub undo: Vec<Undo>,
}

impl Damage {
    /// Notes what undoes an action that is about to be done to a member: pgchaos may be killed
    /// before it could note that afterwards. Not for actions that the cluster cannot undo.
    pub fn before(&mut self, action: Action, member: &str, target: &str) {
        if let Some(undo) = action.undone_by() {
            self.forget(undo.name(), member);
            self.undo.push(Undo::Member {
                action: undo.name().to_owned(),
                member: member.to_owned(),
                target: target.to_owned(),
            });
        }
    }

    /// Forgets what an action that was done to a member has undone.
    pub fn after(&mut self, action: Action, member: &str) {
        match action {
            // A node that is started again has fresh processes, and none of them is frozen.
            Action::Start => {
                self.forget("start", member);
                self.forget("resume", member);
            }
            Action::Resume => self.forget("resume", member),
            Action::Heal => {
                for undo in ["start", "resume", "heal"] {
                    self.forget(undo, member);
                }
            }
            Action::Kill
            | Action::Stop
            | Action::Pause
            | Action::Partition
            | Action::Switchover
            | Action::KillPostmaster
            | Action::PauseWalsenders => {}
        }
    }

    /// In the order in which it is to be undone: what is cut off is connected and what is frozen
    /// thawed before anything is started, and what others need is started first.
    #[must_use]
    pub fn in_order(&self) -> Vec<Undo> {
        let rank = |undo: &Undo| match undo {
            Undo::Member { action, .. } if action == "heal" => 0,
            Undo::Member { action, .. } if action == "resume" => 1,
            Undo::Member { member, .. } if member.starts_with("etcd") => 2,
            Undo::Member { .. } => 3,
            Undo::Command { .. } => 4,
        };
        let mut undo = self.undo.clone();
        undo.sort_by_key(rank);
        undo
    }

    /// Forgets what is undone.
    pub fn undone(&mut self, undo: &Undo) {
        self.undo.retain(|other| other != undo);
    }

    fn forget(&mut self, undo_action: &str, of_member: &str) {
        self.undo.retain(|undo| match undo {
            Undo::Member { action, member, .. } => !(action == undo_action && member == of_member),
            Undo::Command { .. } => true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(damage: &Damage) -> Vec<String> {
        let words = |undo: &Undo| match undo {
            Undo::Member { action, member, .. } => format!("{action} {member}"),
            Undo::Command { words, .. } => words.join(" "),
        };
        damage.in_order().iter().map(words).collect()
    }

    #[test]
    fn what_is_broken_is_undone_once_and_in_order() {
        let mut damage = Damage::default();
        damage.before(Action::Kill, "patroni1", "leader");
        damage.before(Action::Stop, "patroni1", "leader");
        damage.before(Action::Stop, "etcd1", "etcd:any");
        damage.before(Action::Pause, "patroni2", "leader");
        damage.before(Action::Partition, "patroni3", "patroni3");
        damage.before(Action::Switchover, "patroni3", "leader");
        let order = ["heal patroni3", "resume patroni2", "start etcd1", "start patroni1"];
        assert_eq!(left(&damage), order);
        damage.after(Action::Start, "etcd1");
        damage.after(Action::Heal, "patroni3");
        assert_eq!(left(&damage), ["resume patroni2", "start patroni1"]);
    }

    #[test]
    fn walsenders_that_were_frozen_are_gone_with_their_server() {
        let mut damage = Damage::default();
        damage.before(Action::PauseWalsenders, "patroni1", "leader");
        damage.before(Action::Kill, "patroni1", "old");
        damage.after(Action::Kill, "patroni1");
        assert_eq!(left(&damage), ["resume patroni1", "start patroni1"]);
        damage.after(Action::Start, "patroni1");
        assert!(left(&damage).is_empty());
    }
}
