//! Hosts that failed before another one served: told the first time at once, then at most every
//! [`EVERY`] with the time that each connect loses, and again when the reason changes.
//!
//! A replica that is listed before its primary is as planned: it is told once.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::fault::Class;
use crate::model::load::passed_over::PassedOver;
use crate::report::layout::{Line, Tone};
use crate::report::numbers::{duration, grouped};
use crate::report::words;

/// How often a host is told for the same reason.
const EVERY: Duration = Duration::from_secs(5);

/// A connect that waits less is not said to wait.
const NOTABLE: Duration = Duration::from_millis(100);

/// Hosts that are remembered. A name can lead to ever new addresses.
const HOSTS_MAX: usize = 256;

/// What was told of each host, by its endpoint.
#[derive(Debug, Default)]
pub(super) struct PassedOverHosts(BTreeMap<String, PassedOverHost>);

#[derive(Debug)]
struct PassedOverHost {
    /// The class, and whether the host served without TLS then.
    why: (Class, bool),
    at: Duration,
    /// Since this host is passed over for this reason.
    count: u64,
    took: Duration,
}

impl PassedOverHosts {
    /// The line, if one is due.
    pub(super) fn add(&mut self, at: Duration, passed_over: &PassedOver) -> Option<Line> {
        let PassedOver { fault, took, .. } = passed_over;
        let host = &fault.endpoint;
        if self.0.len() >= HOSTS_MAX && !self.0.contains_key(host) {
            return None;
        }
        let why = (fault.class, passed_over.served_without_tls);
        let fresh = PassedOverHost { why, at, count: 0, took: Duration::ZERO };
        let is_news = self.0.get(host).is_none_or(|told| told.why != why);
        if is_news {
            self.0.insert(host.clone(), fresh);
        }
        let told = self.0.get_mut(host)?;
        told.count += 1;
        told.took += *took;
        let again = fault.class != Class::ReadOnly && told.at + EVERY <= at;
        if !is_news && !again {
            return None;
        }
        told.at = at;
        Some(line(passed_over, told))
    }

    /// Whether this host was passed over as it closed the connection without a word: what leads to others
    /// proves nothing of the way to it.
    pub(super) fn closes_without_a_word(&self, host: &str) -> bool {
        self.0.get(host).is_some_and(|told| told.why == (Class::NoBackend, false))
    }
}

fn line(passed_over: &PassedOver, told: &PassedOverHost) -> Line {
    let PassedOver { fault, served_by, served_without_tls, .. } = passed_over;
    let tone = if fault.class == Class::ReadOnly { Tone::Plain } else { Tone::Wary };
    let times = if told.count > 1 { format!(" ×{}", grouped(told.count)) } else { String::new() };
    let each = told.took / u32::try_from(told.count).unwrap_or(u32::MAX);
    let cost = match each >= NOTABLE {
        true => format!(", {} of each connect", duration(each)),
        false => String::new(),
    };
    let served = match served_without_tls {
        true => "it serves without TLS".to_owned(),
        false => format!("{served_by} serves"),
    };
    let line = Line::new(tone, "PASSED OVER")
        .rest(format!("{times} {}", fault.endpoint))
        .part(format!("{}{cost}", words::loud_class(fault.class)));
    // What failed there is to be mended, or an attack.
    let line = if *served_without_tls { line.message(fault.message.clone()) } else { line };
    line.part(served)
}
