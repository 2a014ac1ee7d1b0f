//! What a run asks beside its load, as it was told to: what is typed to have it again. Never a secret.

use serde::{Deserialize, Deserializer, Serialize};

use crate::model::foreign::{self, MESSAGE_CHARS_MAX, shortened};

/// What a run asks beside its load. Connections are connection strings without any secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// The members that are watched at their own addresses: `auto`, or `NAME=` and a connection.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "read_members")]
    pub members: Vec<String>,
    /// Whether a witness writes to them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub witness: bool,
    /// Where replicas are read.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_message",
        skip_serializing_if = "Option::is_none"
    )]
    pub read: Option<String>,
    /// Where it is verified, if not where it was written.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_message",
        skip_serializing_if = "Option::is_none"
    )]
    pub verify: Option<String>,
    /// The file of the proxy's settings.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_message",
        skip_serializing_if = "Option::is_none"
    )]
    pub haproxy_config: Option<String>,
    /// The backend in it that leads to the primary, where it was named.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_message",
        skip_serializing_if = "Option::is_none"
    )]
    pub haproxy_backend: Option<String>,
    /// The port in it that clients connect to, where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub haproxy_port: Option<u16>,
}

impl Beside {
    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether anything of it is only the beginning of what was said.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        let one = [&self.read, &self.verify, &self.haproxy_config, &self.haproxy_backend];
        one.into_iter().flatten().chain(&self.members).any(|text| text.ends_with('…'))
    }

    /// Each text no longer than a report has it.
    #[must_use]
    pub fn shortened(&self) -> Self {
        let one =
            |text: &Option<String>| text.as_deref().map(|text| shortened(text, MESSAGE_CHARS_MAX));
        Self {
            members: members_shortened(&self.members),
            read: one(&self.read),
            verify: one(&self.verify),
            haproxy_config: one(&self.haproxy_config),
            haproxy_backend: one(&self.haproxy_backend),
            ..self.clone()
        }
    }
}

fn members_shortened(members: &[String]) -> Vec<String> {
    members.iter().map(|member| shortened(member, MESSAGE_CHARS_MAX)).collect()
}

fn read_members<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Vec::<String>::deserialize(from).map(|members| members_shortened(&members))
}
