//! What a lab has on disk, and the user who owns it.

pub(in crate::lab) mod folders;
pub(in crate::lab) mod lock;
pub(in crate::lab) mod os_user;
pub(in crate::lab) mod state;
