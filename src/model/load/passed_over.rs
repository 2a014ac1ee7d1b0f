//! Hosts and addresses that were tried in vain before another one served: no outage, but each
//! connect waits for them first.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::fault::{Class, Fault};
use crate::model::foreign;
use crate::model::seconds;

/// One place that did not serve in a connect that another place served in the end; or that served
/// without TLS, where TLS was preferred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// Which writer connected; `None` for a session beside the load: of the set-up, of a watcher, of the verification.
    pub writer: Option<i32>,
    /// Why it did not serve.
    pub fault: Fault,
    /// How long the connect waited for it.
    #[serde(rename = "took_s", with = "seconds")]
    pub took: Duration,
    /// The endpoint that served instead.
    #[serde(deserialize_with = "foreign::read_message")]
    pub served_by: String,
    /// It is the same place, which served without TLS: over TLS, which was preferred, the connect failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub served_without_tls: bool,
}

/// How often a place was passed over for one class of faults, and whether it served without TLS then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassedOverCount {
    /// The endpoint: `host:port`, with the address that was dialled where the host is a name.
    pub host: String,
    /// Why it did not serve.
    pub class: Class,
    /// How often.
    pub count: u64,
    /// How long connects waited for it, all together.
    pub total_s: f64,
    /// Each time it served without TLS then: TLS was preferred, and the connect failed over it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub served_without_tls: bool,
}

/// Places that are told apart. A name can lead to ever new addresses.
const PLACES_MAX: usize = 256;

/// What further places are counted as.
const OTHERS: &str = "others";

/// Everything that was passed over in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PassedOverCounts(BTreeMap<(String, Class, bool), (u64, Duration)>);

impl PassedOverCounts {
    /// Counts one more.
    pub fn add(&mut self, passed_over: &PassedOver) {
        let PassedOver { fault, took, served_without_tls, .. } = passed_over;
        let mut key = (fault.endpoint.clone(), fault.class, *served_without_tls);
        if self.0.len() >= PLACES_MAX && !self.0.contains_key(&key) {
            key.0 = OTHERS.to_owned();
        }
        let (count, total) = self.0.entry(key).or_default();
        *count += 1;
        *total = total.saturating_add(*took);
    }

    /// The counts, by host and class.
    #[must_use]
    pub fn counts(&self) -> Vec<PassedOverCount> {
        self.0
            .iter()
            .map(|((host, class, served_without_tls), (count, total))| PassedOverCount {
                host: host.clone(),
                class: *class,
                count: *count,
                total_s: seconds::of(*total),
                served_without_tls: *served_without_tls,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fault::{Evidence, Phase};

    fn passed_over(endpoint: &str, deadline: bool, took_ms: u64) -> PassedOver {
        let evidence = Evidence { deadline, ..Evidence::default() };
        let fault = Fault::of(&evidence, Phase::Authenticate, endpoint.to_owned(), String::new());
        let took = Duration::from_millis(took_ms);
        let served_by = "b:5432".to_owned();
        PassedOver { writer: Some(1), fault, took, served_by, served_without_tls: false }
    }

    #[test]
    fn places_are_counted_by_class_with_the_time_that_they_cost() {
        let mut counts = PassedOverCounts::default();
        for (deadline, took_ms) in [(true, 3_000), (true, 3_001), (false, 2)] {
            counts.add(&passed_over("a:5432", deadline, took_ms));
        }
        let count = |class, count, total_s| PassedOverCount {
            host: "a:5432".to_owned(),
            class,
            count,
            total_s,
            served_without_tls: false,
        };
        let expected = [count(Class::NoBackend, 1, 0.002), count(Class::Timeout, 2, 6.001)];
        assert_eq!(counts.counts(), expected);
    }

    #[test]
    fn ever_new_places_fill_no_memory() {
        let mut counts = PassedOverCounts::default();
        for place in 0..10_000 {
            counts.add(&passed_over(&format!("a:5432 (10.0.{place})"), true, 1));
        }
        let counts = counts.counts();
        assert_eq!(counts.len(), PLACES_MAX + 1);
        assert_eq!(counts.iter().map(|one| one.count).sum::<u64>(), 10_000);
        assert_eq!(counts.iter().find(|one| one.host == OTHERS).unwrap().count, 9_744);
    }
}
