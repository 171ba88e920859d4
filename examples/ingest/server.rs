//! A small server that gives out `data/airports.csv` in pages, `?offset=200&limit=100`, and says how many rows there
//! are in `x-total-count`. Some pages cost more than one request: see `faults.rs`.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, StreamExt};
use reqwest::Url;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::faults::{Faults, Reply};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/airports.csv");
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    url: Url,
    task: JoinHandle<io::Result<()>>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("{FILE}: {0}")]
    File(#[from] csv::Error),
    #[error("127.0.0.1: {0}")]
    Network(#[from] io::Error),
    #[error("`{0}` is no URL")]
    Address(String),
}

impl Server {
    /// Reads the rows and listens on a port that is free.
    pub(crate) async fn start(faults: Faults) -> Result<Self, StartError> {
        let mut reader = csv::Reader::from_path(FILE)?;
        let header = reader.headers()?.clone();
        let rows = reader.records().collect::<Result<_, _>>()?;
        let router = Router::new().route("/airports", get(airports));
        let router = router.with_state(Arc::new(Site { header, rows, faults }));

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/airports", listener.local_addr()?);
        let url = url.parse().map_err(|_| StartError::Address(url))?;
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, task })
    }

    /// Where the rows are.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Site {
    header: csv::StringRecord,
    rows: Vec<csv::StringRecord>,
    faults: Faults,
}

impl Site {
    fn page(&self, offset: usize, limit: usize) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.header)?;
        for row in self.rows.iter().skip(offset).take(limit) {
            writer.write_record(row)?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }
}

/// What a request asks for; all rows, if it does not say.
#[derive(Deserialize)]
struct Window {
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
}

async fn airports(State(site): State<Arc<Site>>, method: Method, Query(window): Query<Window>) -> Response {
    let Window { offset, limit } = window;
    let limit = limit.unwrap_or(site.rows.len()).max(1);
    let reply = match method {
        // Whoever asks for the head only wants to know how many rows there are.
        Method::HEAD => Reply::Page,
        _ => site.faults.reply(offset / limit + 1, SystemTime::now()),
    };
    let Ok(body) = site.page(offset, limit) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    match reply {
        Reply::Page => {}
        Reply::PageAfter(time) => tokio::time::sleep(time).await,
        Reply::HalfAPage => return half(&body),
        Reply::Status(status) => return status.into_response(),
        Reply::Busy(wait) => {
            return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, wait)]).into_response();
        }
    }
    let headers = [
        (TOTAL, HeaderValue::from(site.rows.len())),
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv")),
    ];
    (headers, body).into_response()
}

/// A response that promises all of the body and breaks off in the middle.
fn half(body: &[u8]) -> Response {
    let half = body[..body.len() / 2].to_vec();
    let dies = async {
        // What has been said is sent on its way first.
        tokio::task::yield_now().await;
        Err(io::Error::other("the line went dead"))
    };
    let parts = stream::iter([Ok(half)]).chain(stream::once(dies));
    let headers = [(header::CONTENT_LENGTH, HeaderValue::from(body.len()))];
    (headers, Body::from_stream(parts)).into_response()
}
