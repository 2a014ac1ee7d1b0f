//! Which members are watched at their own addresses, and how they are connected to.

use std::sync::Arc;

use crate::pg::settings::ConnectSettings;

/// What is to be watched.
#[derive(Debug, Default)]
pub struct MembersPlan {
    /// Members that the user named.
    pub named: Vec<NamedMember>,
    /// How members are connected to that Patroni names, where those are to be watched too.
    pub auto: Option<Arc<ConnectSettings>>,
}

/// A member that the user named.
#[derive(Debug)]
pub struct NamedMember {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub settings: Arc<ConnectSettings>,
}
