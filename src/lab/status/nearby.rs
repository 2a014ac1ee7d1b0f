//! The labs of this user that run now.

use std::fs;

use crate::lab::files::folders;
use crate::lab::handle::Lab;
use crate::lab::member::Member;
use crate::lab::processes::running::Running;

impl Lab {
    /// The labs with a running HAProxy, which have a port to write to, by name. Labs that cannot be
    /// read are left out.
    #[must_use]
    pub fn all_that_serve() -> Vec<Self> {
        let Ok(labs) = folders::labs() else { return Vec::new() };
        let entries = fs::read_dir(labs).into_iter().flatten().flatten();
        let names = entries.filter(|entry| entry.path().join("lab.json").exists());
        let mut names: Vec<String> =
            names.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        let found = names.iter().filter_map(|name| Self::find(name).ok().flatten());
        found.filter(|lab| lab.running(Member::HAPROXY) == Running::Running).collect()
    }
}
