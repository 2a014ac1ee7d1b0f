//! The superuser of a lab's PostgreSQL servers, as in the Compose cluster.

/// Its name.
pub(in crate::lab) const USER: &str = "postgres";

/// Its password.
pub(in crate::lab) const PASSWORD: &str = "postgres";
