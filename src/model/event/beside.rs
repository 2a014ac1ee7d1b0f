//! What a run asks beside its load, as it was told to: what is typed to have it again. Never a secret.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::foreign;
use crate::model::load::target::Target;
use crate::model::load::values;

/// In the place of a member's name: those that Patroni names.
pub const AUTO: &str = "auto";

/// What a run asks beside its load.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// The members that are watched at their own addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberToWatch>,
    /// Where replicas are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Target>,
    /// Where it is verified, if not where it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Target>,
    /// The file of the proxy's settings, by its whole path.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_message",
        skip_serializing_if = "Option::is_none"
    )]
    pub haproxy_config: Option<String>,
    /// The backend in it that leads to the primary, where it was named.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_name",
        skip_serializing_if = "Option::is_none"
    )]
    pub haproxy_backend: Option<String>,
    /// The port in it that clients connect to, where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub haproxy_port: Option<u16>,
}

/// A member that is watched, as it was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberToWatch {
    /// Its name; `auto` for those that Patroni names.
    #[serde(deserialize_with = "read_member")]
    pub name: String,
    /// Where it is, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

/// A record may come from anywhere: what is no name could be typed as several members.
fn read_member<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    values::name(&String::deserialize(from)?).map_err(D::Error::custom)
}

impl Beside {
    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether anything of it is not all that was said: it was shortened, or is no text.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        let files = [&self.haproxy_config, &self.haproxy_backend].into_iter().flatten();
        let members = self.members.iter().filter_map(|member| member.target.as_ref());
        files.into_iter().any(|text| text.ends_with('…') || text.contains('\u{fffd}'))
            || self.members.iter().any(|one| one.target.is_none() && one.name != AUTO)
            || members.chain(&self.read).chain(&self.verify).any(Target::is_cut)
    }

    /// With each text no longer than a report has it.
    #[must_use]
    pub fn shortened(&self) -> Self {
        let of_member = |member: &MemberToWatch| MemberToWatch {
            name: member.name.clone(),
            target: member.target.as_ref().map(Target::shortened),
        };
        Self {
            members: self.members.iter().map(of_member).collect(),
            read: self.read.as_ref().map(Target::shortened),
            verify: self.verify.as_ref().map(Target::shortened),
            ..self.clone()
        }
    }
}
