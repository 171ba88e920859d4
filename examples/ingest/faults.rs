//! What goes wrong at the server, in the same way each time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::StatusCode;

/// The server has fallen over, and may be up again a moment later.
const CRASH: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;

/// What a request gets in place of the page.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// 429, with the wait as a number of seconds. Who comes back earlier gets it again.
    BusyForSeconds(u64),
    /// 429, with the wait as a date so many seconds from now. Who comes back earlier gets it again.
    BusyUntilDate(u64),
    /// No page, and this status.
    Status(StatusCode),
    /// The page, but only after this long.
    Slow(Duration),
    /// Half of the page, and the end of the connection.
    Cut,
}

/// What a request is to be answered with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Page,
    PageAfter(Duration),
    HalfAPage,
    Status(StatusCode),
    /// With the value of `Retry-After`.
    Busy(String),
}

/// The faults of each page, counted from 1: one a request, and then the page.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    script: HashMap<usize, Vec<Fault>>,
    /// A page that never comes.
    broken: Option<usize>,
    visits: Mutex<HashMap<usize, Visits>>,
}

/// What happened at a page so far.
#[derive(Debug, Default)]
struct Visits {
    faults: usize,
    /// A 429 that holds until then.
    busy: Option<Busy>,
}

#[derive(Debug, Clone, Copy)]
struct Busy {
    until: SystemTime,
    as_date: bool,
}

impl Faults {
    /// These and no others.
    pub(crate) fn new(script: impl IntoIterator<Item = (usize, Vec<Fault>)>) -> Self {
        Self { script: script.into_iter().collect(), ..Self::default() }
    }

    /// What is to be expected of a server on a bad day.
    pub(crate) fn usual() -> Self {
        Self::new([
            (4, vec![Fault::BusyForSeconds(1)]),
            (6, vec![Fault::Status(CRASH)]),
            (9, vec![Fault::BusyUntilDate(2)]),
            (12, vec![Fault::Slow(Duration::from_secs(5))]),
            (17, vec![Fault::Status(CRASH), Fault::Status(CRASH)]),
            (21, vec![Fault::Cut]),
            (28, vec![Fault::Status(CRASH), Fault::Cut]),
        ])
    }

    /// The same, and perhaps a page that never comes.
    pub(crate) fn and_broken(self, page: Option<usize>) -> Self {
        Self { broken: page, ..self }
    }

    /// What this request gets.
    pub(crate) fn reply(&self, page: usize, now: SystemTime) -> Reply {
        if self.broken == Some(page) {
            return Reply::Status(CRASH);
        }
        let mut visits = self.visits();
        let visits = visits.entry(page).or_default();
        if let Some(busy) = visits.busy.filter(|busy| now < busy.until) {
            return busy.reply(now);
        }
        let Some(fault) = self.script.get(&page).and_then(|faults| faults.get(visits.faults)) else {
            return Reply::Page;
        };
        visits.faults += 1;
        let mut busy = |seconds, as_date| visits.busy.insert(Busy::new(now, seconds, as_date)).reply(now);
        match *fault {
            Fault::BusyForSeconds(seconds) => busy(seconds, false),
            Fault::BusyUntilDate(seconds) => busy(seconds, true),
            Fault::Status(status) => Reply::Status(status),
            Fault::Slow(time) => Reply::PageAfter(time),
            Fault::Cut => Reply::HalfAPage,
        }
    }

    /// What is counted here is whole after each line, so a panic elsewhere does no harm to it.
    fn visits(&self) -> MutexGuard<'_, HashMap<usize, Visits>> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Busy {
    fn new(now: SystemTime, seconds: u64, as_date: bool) -> Self {
        let mut until = now + Duration::from_secs(seconds);
        if as_date {
            // A date in a header has no parts of seconds, and the server has to keep to what it said.
            let since = until.duration_since(UNIX_EPOCH).unwrap_or_default();
            until = UNIX_EPOCH + Duration::from_secs(since.as_secs());
        }
        Self { until, as_date }
    }

    fn reply(self, now: SystemTime) -> Reply {
        if self.as_date {
            return Reply::Busy(httpdate::fmt_http_date(self.until));
        }
        let left = self.until.duration_since(now).unwrap_or_default();
        Reply::Busy(left.as_millis().div_ceil(1000).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + millis)
    }

    fn busy(wait: &str) -> Reply {
        Reply::Busy(wait.to_owned())
    }

    #[test]
    fn each_fault_costs_one_request_and_then_the_page_comes() {
        let faults = Faults::new([(2, vec![Fault::Status(CRASH), Fault::Cut])]);
        let replies = [2, 1, 2, 2, 2].map(|page| faults.reply(page, at(0)));
        assert_eq!(replies, [Reply::Status(CRASH), Reply::Page, Reply::HalfAPage, Reply::Page, Reply::Page]);
    }

    #[test]
    fn a_busy_server_says_for_how_long_and_means_it() {
        let faults = Faults::new([(1, vec![Fault::BusyForSeconds(3)])]);
        assert_eq!(faults.reply(1, at(0)), busy("3"));
        assert_eq!(faults.reply(1, at(1_500)), busy("2"));
        assert_eq!(faults.reply(1, at(2_999)), busy("1"));
        assert_eq!(faults.reply(1, at(3_000)), Reply::Page);
    }

    #[test]
    fn a_busy_server_names_a_date_and_keeps_to_it() {
        let faults = Faults::new([(1, vec![Fault::BusyUntilDate(2)])]);
        let date = httpdate::fmt_http_date(at(2_000));
        assert_eq!(faults.reply(1, at(700)), busy(&date));
        assert_eq!(faults.reply(1, at(1_999)), busy(&date));
        assert_eq!(faults.reply(1, at(2_000)), Reply::Page);
    }

    #[test]
    fn a_broken_page_never_comes() {
        let faults = Faults::usual().and_broken(Some(3));
        assert!((0..10).all(|hour| faults.reply(3, at(hour * 3_600_000)) == Reply::Status(CRASH)));
    }
}
