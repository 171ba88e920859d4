//! A whole job: real rows, page by page, from a server that does not always answer, into SQLite.
//!
//! ```text
//! cargo run --release --example ingest
//! cargo run --release --example ingest -- --help
//! ```
//!
//! It fetches 3,376 airports from a small HTTP server of its own that behaves as servers do: now and then it is busy,
//! slow or broken, or hangs up. One pipeline does all of it (see `line.rs`): pages are fetched and taken apart, their
//! rows are checked one by one, and what is fit goes into the database in batches, while other pages are still on their
//! way. A page or a row that fails, fails alone. In the end every page, request and row is accounted for; if one is
//! missing, it exits with 1 and says which.

mod airports;
mod client;
mod faults;
mod fetch;
mod job;
mod journal;
mod line;
mod rejected;
mod server;
mod store;
mod summary;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use pipeline::StageError;
use reqwest::Url;

use crate::faults::Faults;
use crate::fetch::FetchError;
use crate::job::{Job, JobError};
use crate::server::Server;
use crate::summary::Summary;

/// Fetch airports page by page and store them in SQLite.
///
/// Without --url the pages come from a server inside this program, which answers as real ones do:
/// some requests get a 429, a 500, half an answer, or none in time.
/// Run it twice: the rows stay the same.
#[derive(Debug, Parser)]
#[command(name = "ingest", verbatim_doc_comment)]
struct Args {
    /// Where the rows are, as CSV [default: the server inside this program]
    ///
    /// A server that counts its rows in `x-total-count` is asked for pages, with `offset` and `limit`.
    /// From any other one comes a single plain file. For https, build with `--features tls`.
    #[arg(long, value_parser = http_url, verbatim_doc_comment)]
    url: Option<Url>,

    /// The SQLite file for the rows; it is made if it is not there
    #[arg(long, value_name = "FILE", default_value = "airports.db")]
    database: PathBuf,

    /// How many rows to ask for at a time
    #[arg(long, value_name = "ROWS", default_value = "100")]
    page_size: NonZeroU64,

    /// How many pages may be on their way at once
    #[arg(long, value_name = "PAGES", default_value = "8")]
    concurrency: NonZeroUsize,

    /// Have the server inside this program never give this page, to see what a failure looks like
    #[arg(long, value_name = "PAGE", conflicts_with = "url")]
    broken: Option<usize>,
}

/// What keeps the job from being done, and what to do about it.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(
        "cannot use the database `{}`: {error}\n  \
         Name a file that you can write to, and that no other program keeps locked: --database FILE",
        path.display()
    )]
    Database { path: PathBuf, error: rusqlite::Error },
    #[error("cannot ask {url} what rows it has: {error:#}\n  {}", advice(error))]
    Source { url: Url, error: StageError },
    #[error("cannot start the server inside this program: {0}\n  Name another one: --url URL")]
    Server(#[from] server::StartError),
    #[error("cannot set up the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        // Where nobody reads what is printed, there is nobody to tell so either.
        Ok(summary) if write!(io::stdout(), "{summary}").is_ok() && summary.is_success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(trouble) => {
            eprintln!("error: {trouble}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<Summary, Trouble> {
    let Args { url, database: path, page_size, concurrency, broken } = args;
    let db = match store::open(&path) {
        Ok(db) => db,
        Err(error) => return Err(Trouble::Database { path, error }),
    };
    // The server stops when this goes out of scope.
    let (_server, url, http) = match url {
        Some(url) => (None, url, client::client()),
        None => {
            let server = Server::start(Faults::usual().and_broken(broken)).await?;
            let url = server.url().clone();
            // A proxy would not find the way back into this program.
            (Some(server), url, client::client().no_proxy())
        }
    };
    let job = Job {
        url: url.clone(),
        http: http.build()?,
        database: path.clone(),
        db,
        page_size,
        concurrency: concurrency.get(),
    };
    job.run().await.map_err(|error| match error {
        JobError::Source(error) => Trouble::Source { url, error },
        JobError::Database(error) => Trouble::Database { path, error },
    })
}

/// What somebody can do about a server that does not say what rows it has.
fn advice(error: &StageError) -> &'static str {
    match error.downcast_ref() {
        Some(FetchError::Refused { .. }) => "Is this where the rows are? Name another address: --url URL",
        _ => "Is the server up, and the address right? Name another one: --url URL",
    }
}

/// An address that a web server can be at.
fn http_url(text: &str) -> Result<Url, String> {
    match text.parse::<Url>() {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            client::check(&url).map_err(|error| error.to_string())?;
            Ok(url)
        }
        Ok(_) => Err("it has to begin with http:// or https://".to_owned()),
        Err(error) => Err(format!("{error}; it has to look like http://host/path")),
    }
}
