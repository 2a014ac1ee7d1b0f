//! pgchaos: a failover-aware load generator for PostgreSQL HA clusters.
pub mod engine;
pub mod model;
pub mod pg;
