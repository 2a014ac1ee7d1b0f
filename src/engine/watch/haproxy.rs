//! Watches HAProxy's page beside the load: which servers it sends to, and whether it can be read. It
//! changes nothing of the load and of its verdict.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::patroni::PatroniWatch;
use super::told_reason::ToldReason;
use crate::engine::signal::Signal;
use crate::engine::teller::Teller;
use crate::haproxy::{HaproxyError, HaproxyPage};
use crate::model::cluster::member_states::SILENT_BEFORE_TOLD;
use crate::model::cluster::proxy::{ProxyPage, ProxyServer, ProxyStates, SERVERS_MAX};
use crate::model::event::What;

/// The deadline of each look: a page that takes longer tells nothing that is still true.
pub const DEADLINE: Duration = Duration::from_secs(1);

/// How often, which is how exactly a change is known.
const EVERY: Duration = Duration::from_millis(100);

/// The task that looks.
pub(crate) struct ProxyWatcher {
    page: HaproxyPage,
    teller: Teller,
    states: ProxyStates,
    told: PageTold,
    /// It was told that there are more servers than are told of.
    told_more: bool,
}

impl ProxyWatcher {
    /// Watches this page.
    pub(crate) fn new(page: HaproxyPage, teller: Teller) -> Self {
        let (states, told) = (ProxyStates::default(), PageTold::default());
        Self { page, teller, states, told, told_more: false }
    }

    /// Looks until the writers have ended. Where Patroni is watched, its members' names are waited for
    /// first: servers are told by them.
    pub(crate) async fn run(mut self, patroni: Option<PatroniWatch>, stop: CancellationToken) {
        let look_for_ever = async {
            if let Some(patroni) = patroni {
                patroni.begun().await;
            }
            loop {
                let asked = self.teller.clock.now();
                let looked = self.page.servers().await;
                self.looked(asked, looked).await;
                tokio::time::sleep_until(self.teller.clock.instant(asked + EVERY)).await;
            }
        };
        tokio::select! {
            () = look_for_ever => {}
            () = stop.cancelled() => {}
        }
    }

    /// Tells what is new of a look that was asked then.
    async fn looked(&mut self, asked: Duration, looked: Result<Vec<ProxyServer>, HaproxyError>) {
        let at = self.teller.clock.now();
        if let Some(mut page) = self.told.look(asked, looked.as_ref().err()) {
            page.url = self.page.url().to_string();
            self.teller.fact_at(at, What::ProxyPage(page)).await;
        }
        let Ok(servers) = looked else { return };
        let (news, left_out) = self.states.look(asked, &servers);
        for one in news {
            let (change, address) = (one.change, one.address);
            self.teller.tell(Signal::ProxyChanged { at, change, address }).await;
        }
        if left_out > 0 && !std::mem::replace(&mut self.told_more, true) {
            let message = format!(
                "HAProxy's page has more than {SERVERS_MAX} servers: {left_out} more, of which \
                 nothing is told"
            );
            self.teller.warn(message).await;
        }
    }
}

/// What was told of the page itself.
#[derive(Debug, Default)]
struct PageTold {
    reason: ToldReason,
    /// Looks in a row without an answer.
    silent: u32,
    /// Why it cannot be read, as it was told; `Some(None)` where it can, `None` before anything was told.
    told: Option<Option<String>>,
    /// When the last look was asked that found it as it was told.
    as_told: Option<Duration>,
}

impl PageTold {
    /// Takes in a look that was asked then. What there is to tell, its URL aside.
    fn look(&mut self, asked: Duration, error: Option<&HaproxyError>) -> Option<ProxyPage> {
        let is_silence = error.is_some_and(HaproxyError::is_silence);
        self.silent = if is_silence { self.silent.saturating_add(1) } else { 0 };
        let now = error.map(ToString::to_string);
        let is_news = match &now {
            None => self.reason.answers() || self.told.is_none(),
            Some(reason) => {
                let is_certain = !is_silence || self.silent >= SILENT_BEFORE_TOLD;
                self.reason.cannot_be_asked(reason, is_certain)
            }
        };
        let not_before = self.as_told;
        if is_news {
            self.told = Some(now.clone());
        }
        if self.told.as_ref() == Some(&now) {
            self.as_told = Some(asked);
        }
        is_news.then(|| ProxyPage {
            url: String::new(),
            not_before,
            gone: error.is_some_and(HaproxyError::is_gone),
            error: now,
        })
    }
}

#[cfg(test)]
#[path = "haproxy/tests.rs"]
mod tests;
