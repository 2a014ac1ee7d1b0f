//! The database objects: schema `pgchaos`, with its users and their events.
//!
//! - [`schema`]: makes and removes them, from `seeds/`.
//! - [`tables`]: what the catalogue says of tables that are there already, and whether the load can
//!   use them.
//! - [`setting_origin`]: where a setting of a session comes from. [`identifier`]: names in SQL that a
//!   person is to type.

pub mod identifier;
pub mod schema;
pub mod setting_origin;
pub mod tables;
