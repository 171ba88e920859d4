//! A whole job: real rows, page by page, from a server that does not always answer, into SQLite.
//!
//! ```text
//! cargo run --release --example ingest
//! cargo run --release --example ingest -- --help
//! ```
//!
//! It fetches 3,376 airports from a small HTTP server of its own that behaves as servers do: it is busy, slow, broken
//! or hangs up, now and then. Each page is fetched, parsed, checked and stored in one pipeline (see `job.rs`), and at
//! the end every page and every row is accounted for.

mod airports;
mod attempts;
mod fetch;
mod job;
mod report;
mod server;
mod store;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use pipeline::StageError;
use reqwest::{Client, Url};

use crate::job::{App, Job};
use crate::report::Report;
use crate::server::{Faults, Server};

/// Fetch airports page by page and store them in SQLite.
///
/// Without --url the pages come from a server inside this program, which answers as real ones do: some requests get a
/// 429, a 500, half an answer, or none in time. Run it twice: the rows stay the same.
#[derive(Debug, Parser)]
#[command(name = "ingest", max_term_width = 100)]
struct Args {
    /// The address of the rows, as CSV: either a server that counts them in `x-total-count` and takes `offset` and
    /// `limit`, or a plain file [default: the server inside this program]
    #[arg(long, value_parser = http_url)]
    url: Option<Url>,

    /// The SQLite file to store the rows in; it is made if it is not there
    #[arg(long, value_name = "FILE", default_value = "airports.db")]
    database: PathBuf,

    /// How many rows to ask for at once
    #[arg(long, value_name = "N", default_value = "100")]
    page_size: NonZeroUsize,

    /// How many pages may be on their way at once
    #[arg(long, value_name = "N", default_value = "8")]
    concurrency: NonZeroUsize,

    /// A page that the server inside this program never gives, to see what a failure looks like
    #[arg(long, value_name = "PAGE", conflicts_with = "url")]
    broken: Option<usize>,
}

/// What keeps the job from starting, and what to do about it.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(
        "cannot use the database `{}`: {error}\n  Name a file in a folder that you can write to: --database FILE",
        path.display()
    )]
    Database { path: PathBuf, error: sqlx::Error },
    #[error("cannot ask {url} how many rows it has: {error}\n  {}", advice(error))]
    Source { url: Url, error: StageError },
    #[error("cannot start the server inside this program: {0}\n  Name another one: --url URL")]
    Server(#[from] server::StartError),
    #[error("cannot set up the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        // If nobody reads what is printed, there is nobody to tell so either.
        Ok(report) if write!(io::stdout(), "{report}").is_ok() && report.is_success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(trouble) => {
            eprintln!("error: {trouble}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<Report, Trouble> {
    let Args { url, database, page_size, concurrency, broken } = args;
    let db = match store::open(&database).await {
        Ok(db) => db,
        Err(error) => return Err(Trouble::Database { path: database, error }),
    };
    // The server is stopped when this goes out of scope.
    let (_server, url, http) = match url {
        Some(url) => (None, url, Client::builder()),
        None => {
            let server = Server::start(Faults::usual().and_broken(broken)).await?;
            let url = server.url().clone();
            // No proxy knows the way back into this program.
            (Some(server), url, Client::builder().no_proxy())
        }
    };
    let app = App { http: http.build()?, db: db.clone() };
    let job = Job { url, page_size, concurrency };
    let report = job.run(app).await;
    // SQLite tidies up its files when the last connection is closed.
    db.close().await;
    let ended = match report {
        Ok(report) => Ok(report.stored_in(&database)),
        Err(job::Error::Source(error)) => Err(Trouble::Source { url: job.url, error }),
        Err(job::Error::Database(error)) => Err(Trouble::Database { path: database, error }),
    };
    ended
}

/// What somebody can do about a server that does not say how many rows it has.
fn advice(error: &StageError) -> &'static str {
    match error.downcast_ref::<fetch::FetchError>() {
        Some(fetch::FetchError::Refused { .. }) => "Is this the address of the rows? Name another one: --url URL",
        _ => "Is the server up, and the address right? Name another one: --url URL",
    }
}

/// An address that a web server can be behind.
fn http_url(text: &str) -> Result<Url, String> {
    match text.parse::<Url>() {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        Ok(_) => Err("it has to begin with http:// or https://".to_owned()),
        Err(error) => Err(format!("{error}; it has to look like http://host/path")),
    }
}
