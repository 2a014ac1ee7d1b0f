//! Patroni's settings that are in force, which may not be those that it was told.

use serde::Serialize;

use crate::model::cluster::software::PatroniSettings;
use crate::model::prediction::release::PatroniRelease;

/// The least that newer versions take, in seconds (`_validate_and_adjust_timeouts` in Patroni's
/// `config.py`; the release notes of 3.2.0 say 2 for `loop_wait`, documentation and source 1).
const TTL_MIN_S: u64 = 20;
const LOOP_WAIT_MIN_S: u64 = 1;
const RETRY_TIMEOUT_MIN_S: u64 = 3;

/// Patroni's settings that are in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatroniInForce {
    /// The settings as the members keep to them.
    pub settings: PatroniSettings,
    /// Patroni's version, where it is known.
    pub release: Option<PatroniRelease>,
    /// What the version has made of settings that it does not take.
    pub adjusted: Vec<AdjustedSetting>,
}

/// A setting that is not in force as it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AdjustedSetting {
    /// Its name.
    pub setting: &'static str,
    /// What Patroni was told, in seconds.
    pub told_s: u64,
    /// What is in force, in seconds.
    pub in_force_s: u64,
    /// Why.
    pub because: AdjustmentReason,
}

/// Why a setting is not in force as it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentReason {
    /// It is less than the version takes.
    Minimum,
    /// `loop_wait + 2 · retry_timeout` would be more than `ttl`.
    Rule,
}

/// What is in force of these settings: `/config` shows what Patroni was told, and a warning in its log
/// is all that says otherwise. Versions before 3.2.0 take everything. Without a version the settings
/// stand as they were told.
#[must_use]
pub fn in_force(told: &PatroniSettings, release: Option<PatroniRelease>) -> PatroniInForce {
    let mut settings = *told;
    if release.is_some_and(|release| !release.has_failsafe_mode()) {
        settings.failsafe_mode = Some(false);
    }
    if !release.is_some_and(PatroniRelease::adjusts_timeouts) {
        return PatroniInForce { settings, release, adjusted: Vec::new() };
    }
    settings.ttl_s = told.ttl_s.max(TTL_MIN_S);
    settings.loop_wait_s = told.loop_wait_s.max(LOOP_WAIT_MIN_S);
    settings.retry_timeout_s = told.retry_timeout_s.max(RETRY_TIMEOUT_MIN_S);
    let (ttl_s, twice_s) = (settings.ttl_s, settings.retry_timeout_s.saturating_mul(2));
    let mut cut = (false, false);
    if twice_s.saturating_add(LOOP_WAIT_MIN_S) > ttl_s {
        cut = (settings.loop_wait_s > LOOP_WAIT_MIN_S, true);
        settings.loop_wait_s = LOOP_WAIT_MIN_S;
        settings.retry_timeout_s = (ttl_s - LOOP_WAIT_MIN_S) / 2;
    } else if settings.loop_wait_s.saturating_add(twice_s) > ttl_s {
        cut = (true, false);
        settings.loop_wait_s = ttl_s - twice_s;
    }
    let adjusted = [
        ("ttl", told.ttl_s, settings.ttl_s, false),
        ("loop_wait", told.loop_wait_s, settings.loop_wait_s, cut.0),
        ("retry_timeout", told.retry_timeout_s, settings.retry_timeout_s, cut.1),
    ];
    let adjusted = adjusted.into_iter().filter(|(_, told_s, in_force_s, _)| told_s != in_force_s);
    let adjusted = adjusted.map(|(setting, told_s, in_force_s, is_cut)| {
        let because = if is_cut { AdjustmentReason::Rule } else { AdjustmentReason::Minimum };
        AdjustedSetting { setting, told_s, in_force_s, because }
    });
    PatroniInForce { settings, release, adjusted: adjusted.collect() }
}

impl PatroniInForce {
    /// Whether the leader goes on without the store as long as all members answer it.
    #[must_use]
    pub fn is_failsafe(&self) -> bool {
        self.settings.failsafe_mode == Some(true)
    }

    /// The same with changed settings; `None` where this version would clamp them, or the change breaks
    /// `loop_wait + 2 · retry_timeout ≤ ttl`, which older versions do not hold.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut PatroniSettings)) -> Option<Self> {
        let mut settings = self.settings;
        change(&mut settings);
        let sum_s = settings.retry_timeout_s.saturating_mul(2).saturating_add(settings.loop_wait_s);
        let times = |settings: &PatroniSettings| {
            (settings.ttl_s, settings.loop_wait_s, settings.retry_timeout_s)
        };
        // What breaks the rule already is no reason against a change of something else.
        let keeps_rule = sum_s <= settings.ttl_s || times(&settings) == times(&self.settings);
        let changed = in_force(&settings, self.release);
        (changed.adjusted.is_empty() && keeps_rule).then_some(changed)
    }
}
