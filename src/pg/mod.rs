//! Sessions and SQL: what is said to PostgreSQL, and how the connection to it is described.

pub mod settings;
