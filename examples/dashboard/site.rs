//! Where the parts of the page come from: a server that speaks JSON.

use reqwest::{Client, StatusCode, Url};
use serde::de::DeserializeOwned;

/// A client of one server.
#[derive(Debug)]
pub(crate) struct Site {
    http: Client,
    url: Url,
}

/// Why a request gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("{path}: {status}")]
    Refused { path: String, status: StatusCode },
    #[error(transparent)]
    Broken(#[from] reqwest::Error),
}

impl Site {
    pub(crate) fn new(url: Url) -> Result<Self, reqwest::Error> {
        // A proxy would not find the way back into this program.
        Ok(Self { http: Client::builder().no_proxy().build()?, url })
    }

    /// Asks for what is at a path.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        let response =
            self.http.get(format!("{}{path}", self.url.as_str().trim_end_matches('/'))).send().await?;
        match response.status() {
            status if status.is_success() => Ok(response.json().await?),
            status => Err(ApiError::Refused { path: path.to_owned(), status }),
        }
    }
}

/// Whether the same request may go better another time.
pub(crate) fn is_transient(error: &ApiError) -> bool {
    match error {
        ApiError::Refused { status, .. } => status.is_server_error(),
        ApiError::Broken(error) => !error.is_decode(),
    }
}
