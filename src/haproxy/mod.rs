//! HAProxy: what its configuration says.
//!
//! - [`configuration`]: the checks of a backend's servers, from `haproxy.cfg`.

pub mod configuration;
