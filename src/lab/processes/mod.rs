//! The processes of a lab: which they are, whether they live, and how they end.

pub(in crate::lab) mod ending;
pub(in crate::lab) mod log_lock;
pub(in crate::lab) mod port_owner;
pub(in crate::lab) mod proc;
pub(in crate::lab) mod running;
pub(in crate::lab) mod scan;
pub(in crate::lab) mod shared_memory;
pub(in crate::lab) mod signal;
