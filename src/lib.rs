//! pgchaos: a failover-aware load generator for PostgreSQL HA clusters.
pub mod cli;
pub mod commands;
pub mod engine;
pub mod model;
pub mod pg;
pub mod report;
