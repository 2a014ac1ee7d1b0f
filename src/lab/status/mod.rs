//! What a lab is at this moment, asked from Patroni, etcd, HAProxy and the processes.

pub(in crate::lab) mod http;
pub(in crate::lab) mod members;
mod nearby;
mod roles;
pub(in crate::lab) mod session;
