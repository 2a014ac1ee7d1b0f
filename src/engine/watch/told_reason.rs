//! For which reason it was told that an API or a page cannot be asked, and when another reason is told.

/// How often in a row another reason has to come before it is told. A text that is another one each time, as a foreign
/// page's, is told once.
const OTHER_BEFORE_TOLD: u32 = 3;

/// What was told of one API.
#[derive(Debug, Default)]
pub(super) struct ToldReason {
    is_told: bool,
    reason: Option<String>,
    /// Another reason, and how often it came in a row.
    other: Option<(String, u32)>,
}

impl ToldReason {
    /// It was told that the API cannot be asked, or where it was before.
    pub(super) fn told_before(is_told: bool) -> Self {
        Self { is_told, ..Self::default() }
    }

    /// It cannot be asked for this reason: whether that is to be told now. The first reason is told where `is_certain`.
    pub(super) fn cannot_be_asked(&mut self, reason: &str, is_certain: bool) -> bool {
        if self.is_told && self.reason.as_deref() == Some(reason) {
            self.other = None;
            return false;
        }
        let times = match &self.other {
            Some((other, times)) if other == reason => times + 1,
            _ => 1,
        };
        let is_news = if self.is_told { times >= OTHER_BEFORE_TOLD } else { is_certain };
        if is_news {
            *self = Self { is_told: true, reason: Some(reason.to_owned()), ..Self::default() };
        } else {
            self.other = Some((reason.to_owned(), times));
        }
        is_news
    }

    /// It answers: whether that is to be told, as the contrary was.
    pub(super) fn answers(&mut self) -> bool {
        std::mem::take(self).is_told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An API that is stopped, and comes back with a certificate that has expired.
    #[test]
    fn a_reason_that_has_become_another_one_is_told_once_it_lasts() {
        let mut told = ToldReason::default();
        let mut tells = |reason| told.cannot_be_asked(reason, true);
        assert!(tells("refused"));
        assert!(!tells("refused"));
        assert_eq!([(); 5].map(|()| tells("expired")), [false, false, true, false, false]);
        assert_eq!([(); 4].map(|()| tells("refused")), [false, false, true, false]);
        assert!(told.answers() && !told.answers());
    }

    #[test]
    fn a_text_that_is_another_one_each_time_is_told_once() {
        let mut told = ToldReason::default();
        let pages = (0..40).map(|n| format!("no JSON: page {}", n % 4));
        assert_eq!(pages.filter(|page| told.cannot_be_asked(page, true)).count(), 1);
    }

    #[test]
    fn silence_is_told_once_it_is_certain() {
        let mut told = ToldReason::default();
        assert!(!told.cannot_be_asked("no answer", false));
        assert!(told.cannot_be_asked("no answer", true));
        assert!(ToldReason::told_before(true).answers());
    }
}
