//! The files of a lab, and the user that owns them.

pub(in crate::lab) mod certificates;
pub(in crate::lab) mod folders;
pub(in crate::lab) mod lock;
pub(in crate::lab) mod os_user;
pub(in crate::lab) mod state;
