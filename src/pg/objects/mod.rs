//! The database objects: schema `pgchaos`, with its users and their events.
//!
//! - [`schema`]: makes, reads and removes them, from `seeds/`. `transaction`: in which transaction.
//! - [`tables`]: what the catalogue says of tables that are there already. [`flaws`]: what can be wrong
//!   with them. [`ids`]: how many ids are left.
//! - [`trial`]: tries the load's write and read.
//! - [`setting_origin`]: where a setting of a session comes from. [`identifier`]: names in SQL for a
//!   person to type.

pub mod flaws;
pub mod identifier;
pub mod ids;
pub mod schema;
pub mod setting_origin;
pub mod tables;
mod transaction;
pub mod trial;
