//! Outages by their real causes: what each was, how long, and what it left behind.

#[cfg(target_os = "linux")]
#[path = "outages/dialling.rs"]
pub(crate) mod dialling;
#[path = "outages/kinds.rs"]
pub(crate) mod kinds;
#[cfg(target_os = "linux")]
#[path = "outages/kinds_on_lab.rs"]
pub(crate) mod kinds_on_lab;
#[path = "outages/lag.rs"]
pub(crate) mod lag;
#[path = "outages/lengths.rs"]
mod lengths;
#[cfg(target_os = "linux")]
#[path = "outages/namespaces.rs"]
mod namespaces;
#[path = "outages/open.rs"]
pub(crate) mod open;
#[path = "outages/partial.rs"]
pub(crate) mod partial;
#[path = "outages/rejections.rs"]
pub(crate) mod rejections;
#[path = "outages/stalls.rs"]
pub(crate) mod stalls;
#[cfg(target_os = "linux")]
#[path = "outages/whose_on_lab.rs"]
pub(crate) mod whose_on_lab;
