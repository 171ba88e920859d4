//! What each request for a page came to.
//!
//! A stage that fails for good lists its failed attempts in its error. A page that came in the end has no error, so
//! the requests are written down here as they happen.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The requests for each page. Clones share what is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Pages>>);

type Pages = BTreeMap<usize, Vec<Request>>;

#[derive(Debug)]
enum Request {
    /// What a request stays at when the timeout of its stage cuts it off.
    Begun,
    Failed(String),
    Succeeded,
}

/// A request that gave no page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FailedRequest {
    /// The position of the page among the pages, from 0.
    pub(crate) page: usize,
    /// Which request for this page it was, from 1.
    pub(crate) attempt: usize,
    pub(crate) said: String,
}

impl Journal {
    /// Writes down that a request begins.
    pub(crate) fn begin(&self, page: usize) {
        self.pages().entry(page).or_default().push(Request::Begun);
    }

    /// Writes down how the request that began last ended.
    pub(crate) fn end<T, E: Display>(&self, page: usize, outcome: &Result<T, E>) {
        if let Some(last) = self.pages().get_mut(&page).and_then(|requests| requests.last_mut()) {
            *last = match outcome {
                Ok(_) => Request::Succeeded,
                Err(error) => Request::Failed(error.to_string()),
            };
        }
    }

    /// How many requests there were.
    pub(crate) fn requests(&self) -> usize {
        self.pages().values().map(Vec::len).sum()
    }

    /// Those that failed, by page and attempt.
    pub(crate) fn failed(&self) -> Vec<FailedRequest> {
        let mut failed = Vec::new();
        for (&page, requests) in &*self.pages() {
            for (request, attempt) in requests.iter().zip(1..) {
                let said = match request {
                    Request::Begun => "no answer in time".to_owned(),
                    Request::Failed(said) => said.clone(),
                    Request::Succeeded => continue,
                };
                failed.push(FailedRequest { page, attempt, said });
            }
        }
        failed
    }

    /// Nothing is left half written where the lock is held, so a panic elsewhere does no harm to it.
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_was_cut_off_is_told_from_one_that_failed_and_one_that_did_not() {
        let journal = Journal::default();
        journal.begin(7);
        journal.begin(7);
        journal.end(7, &Err::<(), _>("500"));
        journal.begin(7);
        journal.end(7, &Ok::<_, String>(()));

        let failed = |attempt, said: &str| FailedRequest { page: 7, attempt, said: said.to_owned() };
        assert_eq!(journal.requests(), 3);
        assert_eq!(journal.failed(), [failed(1, "no answer in time"), failed(2, "500")]);
    }
}
