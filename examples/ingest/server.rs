//! A small server that gives out `data/airports.csv` in pages, `?offset=200&limit=100`, and says how many rows there
//! are in `x-total-count`. Some pages cost more than one request: see `faults.rs`.

use std::io;
use std::num::ParseIntError;
use std::sync::Arc;
use std::time::SystemTime;

use futures_util::stream::{self, StreamExt};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header, http};
use hyper_util::rt::TokioIo;
use reqwest::Url;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::faults::{Faults, Reply};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/airports.csv");
const PATH: &str = "/airports";
const TOTAL: &str = "x-total-count";

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
        let site = Arc::new(Site { header, rows, faults });

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}{PATH}", listener.local_addr()?);
        let url = url.parse().map_err(|_| StartError::Address(url))?;
        let task = tokio::spawn(serve(listener, site));
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

/// Answers whoever connects.
async fn serve(listener: TcpListener, site: Arc<Site>) -> io::Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        let site = Arc::clone(&site);
        let service = service_fn(move |request| {
            let site = Arc::clone(&site);
            async move { site.answer(&request).await }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}

struct Site {
    header: csv::StringRecord,
    rows: Vec<csv::StringRecord>,
    faults: Faults,
}

type Body = BoxBody<Bytes, io::Error>;

impl Site {
    async fn answer(&self, request: &Request<Incoming>) -> http::Result<Response<Body>> {
        let refuse = |status| Response::builder().status(status).body(empty());
        if request.uri().path() != PATH {
            return refuse(StatusCode::NOT_FOUND);
        }
        let Ok(Window { offset, limit }) = Window::of(request.uri().query().unwrap_or_default()) else {
            return refuse(StatusCode::BAD_REQUEST);
        };
        let limit = limit.unwrap_or(self.rows.len()).max(1);
        let reply = match *request.method() {
            // Whoever asks for the head only wants to know how many rows there are.
            Method::HEAD => Reply::Page,
            Method::GET => self.faults.reply(offset / limit + 1, SystemTime::now()),
            _ => Reply::Status(StatusCode::METHOD_NOT_ALLOWED),
        };
        let Ok(body) = self.page(offset, limit) else {
            return refuse(StatusCode::INTERNAL_SERVER_ERROR);
        };
        match reply {
            Reply::Page => {}
            Reply::PageAfter(time) => tokio::time::sleep(time).await,
            Reply::HalfAPage => {
                return Response::builder().header(header::CONTENT_LENGTH, body.len()).body(half(&body));
            }
            Reply::Status(status) => return refuse(status),
            Reply::Busy(wait) => {
                let busy = Response::builder().status(StatusCode::TOO_MANY_REQUESTS);
                return busy.header(header::RETRY_AFTER, wait).body(empty());
            }
        }
        let page =
            Response::builder().header(TOTAL, self.rows.len()).header(header::CONTENT_TYPE, "text/csv");
        page.body(Full::from(body).map_err(|never| match never {}).boxed())
    }

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
#[derive(Default)]
struct Window {
    offset: usize,
    limit: Option<usize>,
}

impl Window {
    fn of(query: &str) -> Result<Self, ParseIntError> {
        let mut window = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "offset" => window.offset = value.parse()?,
                "limit" => window.limit = Some(value.parse()?),
                _ => {}
            }
        }
        Ok(window)
    }
}

fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed()
}

/// A part of the body, and the end of the connection in the middle of it.
fn half(body: &[u8]) -> Body {
    let half = Bytes::copy_from_slice(&body[..body.len() / 2]);
    let dies = async {
        // What has been said is sent on its way first.
        tokio::task::yield_now().await;
        Err(io::Error::other("the line went dead"))
    };
    BoxBody::new(StreamBody::new(stream::iter([Ok(Frame::data(half))]).chain(stream::once(dies))))
}
