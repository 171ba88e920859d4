//! Getting pages from a server that does not always give them.

use std::error::Error;
use std::time::Duration;

use pipeline::{retry_after, stage};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode, Url};

/// Where a server says how many rows it has in all.
const TOTAL: &str = "x-total-count";

/// Why a request gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// There was an answer, and it was no.
    #[error("{status}{}", asked(*wait))]
    Refused { status: StatusCode, wait: Option<Duration> },
    /// There was no answer, or not a whole one.
    #[error("{}", with_cause(.0))]
    Broken(reqwest::Error),
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        // The address is known to whoever reads this, and it is long.
        Self::Broken(error.without_url())
    }
}

/// Asks how many rows there are; `None` from a server that does not count them.
#[stage(retries = 3, timeout = "2s", jitter, retry_if = is_transient, retry_after = server_wait)]
pub(crate) async fn count(url: &Url, #[state] http: &Client) -> Result<Option<u64>, FetchError> {
    let response = accepted(http.head(url.clone()).send().await?)?;
    let total = response.headers().get(TOTAL).and_then(|total| total.to_str().ok());
    Ok(total.and_then(|total| total.parse().ok()))
}

/// Fetches one page, whole.
///
/// A server may ask for a longer wait than anybody has the time for; the deadline has the last word.
#[stage(
    retries = 5,
    timeout = "1s",
    deadline = "30s",
    backoff = "exponential",
    delay = "50ms",
    jitter,
    retry_if = is_transient,
    retry_after = server_wait
)]
pub(crate) async fn fetch(url: &Url, #[state] http: &Client) -> Result<String, FetchError> {
    let response = accepted(http.get(url.clone()).send().await?)?;
    Ok(response.text().await?)
}

fn accepted(response: Response) -> Result<Response, FetchError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Err(FetchError::Refused { status, wait: header.and_then(retry_after::parse) })
}

/// Whether the same request may go better another time. What the server calls the client's own mistake, does not.
fn is_transient(error: &FetchError) -> bool {
    match error {
        FetchError::Refused { status, .. } => {
            status.is_server_error()
                || matches!(
                    *status,
                    StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
                )
        }
        FetchError::Broken(error) => !error.is_builder() && !error.is_redirect(),
    }
}

/// How long the server wants to be left alone.
fn server_wait(error: &FetchError) -> Option<Duration> {
    match error {
        FetchError::Refused { wait, .. } => *wait,
        FetchError::Broken(_) => None,
    }
}

fn asked(wait: Option<Duration>) -> String {
    wait.map(|wait| format!(", come back in {:.1}s", wait.as_secs_f64())).unwrap_or_default()
}

/// An error with what is at the bottom of it. reqwest itself says "error sending request", and not why.
fn with_cause(error: &reqwest::Error) -> String {
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(deeper) = cause.and_then(Error::source) {
        cause = Some(deeper);
    }
    match cause {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: StatusCode, wait: Option<Duration>) -> FetchError {
        FetchError::Refused { status, wait }
    }

    #[test]
    fn the_mistakes_of_a_client_are_final() {
        for status in [StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED] {
            assert!(!is_transient(&refused(status, None)), "{status}");
        }
    }

    #[test]
    fn busy_and_broken_servers_are_asked_again() {
        for status in
            [StatusCode::TOO_MANY_REQUESTS, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::BAD_GATEWAY]
        {
            assert!(is_transient(&refused(status, None)), "{status}");
        }
    }

    #[test]
    fn the_wait_that_the_server_asks_for_is_handed_on() {
        let wait = Some(Duration::from_secs(7));
        assert_eq!(server_wait(&refused(StatusCode::SERVICE_UNAVAILABLE, wait)), wait);
        assert_eq!(server_wait(&refused(StatusCode::SERVICE_UNAVAILABLE, None)), None);
    }
}
