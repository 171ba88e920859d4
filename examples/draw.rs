//! The pictures in `docs/`, drawn from the pipelines of two examples.
//!
//! ```text
//! cargo run --example draw --features svg
//! cargo run --example draw --features svg -- --check
//! ```
//!
//! `ingest` is drawn as it stands. `dashboard` is drawn with what came of a run over all of its users: the requests go
//! to its server's code without a network between, on a clock that stands still while anything is computed and jumps
//! where everybody waits. So each run takes the same time to the microsecond, on any machine, and the pictures are the
//! same to the last byte.
//!
//! With `--check` it writes nothing, and exits with 1 if what is in `docs/` is not what it would write.

// What a picture does not need of them is not dead in the examples.
#[allow(dead_code)]
#[path = "ingest/airports.rs"]
mod airports;
#[path = "dashboard/desk.rs"]
mod desk;
#[allow(dead_code)]
#[path = "ingest/fetch.rs"]
mod fetch;
#[allow(dead_code)]
#[path = "ingest/journal.rs"]
mod journal;
#[allow(dead_code)]
#[path = "ingest/line.rs"]
mod line;
#[path = "dashboard/page.rs"]
mod page;
#[allow(dead_code)]
#[path = "ingest/rejected.rs"]
mod rejected;
mod site {
    //! The server of `dashboard`, called directly.

    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode};
    use serde::de::DeserializeOwned;
    use tower::ServiceExt;

    #[derive(Debug)]
    pub(crate) struct Site(pub(crate) Router);

    #[derive(Debug, thiserror::Error)]
    pub(crate) enum ApiError {
        #[error("{0}")]
        Refused(StatusCode),
        #[error(transparent)]
        Http(#[from] axum::http::Error),
        #[error(transparent)]
        Body(#[from] axum::Error),
        #[error(transparent)]
        Json(#[from] serde_json::Error),
    }

    impl Site {
        pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
            let request = Request::get(path).body(Body::empty())?;
            let Ok(response) = self.0.clone().oneshot(request).await;
            match response.status() {
                StatusCode::OK => {
                    let body = to_bytes(response.into_body(), usize::MAX).await?;
                    Ok(serde_json::from_slice(&body)?)
                }
                status => Err(ApiError::Refused(status)),
            }
        }
    }

    pub(crate) fn is_transient(error: &ApiError) -> bool {
        matches!(error, ApiError::Refused(status) if status.is_server_error())
    }
}
#[allow(dead_code)]
#[path = "ingest/store.rs"]
mod store;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::{fs, io};

use clap::Parser;
use pipeline::ErrorMode;
use pipeline::graph::Graph;

use crate::journal::Journal;
use crate::line::{App, Written};
use crate::page::UserId;
use crate::site::Site;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

/// Draw the pictures in docs/.
#[derive(Debug, Parser)]
#[command(name = "draw")]
struct Args {
    /// Write nothing; fail if the pictures are not what they should be
    #[arg(long)]
    check: bool,
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let Args { check } = Args::parse();
    let mut stale = Vec::new();
    for (name, graph) in [("ingest", ingest()?), ("dashboard", dashboard().await?)] {
        println!("{name}\n\n{graph}\n");
        let file = Path::new(FOLDER).join(name).with_extension("svg");
        let image = graph.to_svg();
        if !check {
            fs::create_dir_all(FOLDER)?;
            fs::write(&file, image)?;
        } else if !is_in(&file, &image)? {
            stale.push(file);
        }
    }
    Ok(conclude(check, &stale))
}

/// The line of `ingest`. Nothing is fetched and nothing is stored.
fn ingest() -> Result<Graph, Box<dyn std::error::Error>> {
    let app = App {
        http: reqwest::Client::new(),
        db: store::open(":memory:".as_ref())?,
        written: Written::default(),
    };
    Ok(line::ingest(app, 8, &Arc::new(Journal::default())).graph())
}

/// `dashboard`, with what came of a run.
async fn dashboard() -> Result<Graph, Box<dyn std::error::Error>> {
    let dashboard = page::dashboard().with(Site(desk::router()?)).on_error(ErrorMode::Collect);
    let report = dashboard.drain((1..=desk::USERS).map(UserId)).await?;
    Ok(dashboard.graph().with_report(&report))
}

/// Whether that is in the file. Git may have made the ends of its lines those of the machine.
fn is_in(file: &Path, image: &str) -> io::Result<bool> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(text.replace("\r\n", "\n") == image),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn conclude(check: bool, stale: &[PathBuf]) -> ExitCode {
    let name = |file: &PathBuf| format!("docs/{}", file.file_name().unwrap_or_default().display());
    match (check, stale) {
        (false, _) => println!("Both are drawn in docs/."),
        (true, []) => println!("Both are in docs/ as they should be."),
        (true, _) => {
            let names: Vec<_> = stale.iter().map(name).collect();
            eprintln!("error: {} is not the picture of what is in the code now", names.join(" and "));
            eprintln!("  Draw it anew, look at it, and check it in: cargo run --example draw --features svg");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
