//! pgchaos: a failover-aware load generator for PostgreSQL HA clusters.
pub mod model;
pub mod report;
