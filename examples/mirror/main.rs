//! Ask one, then the next, then what is left: `((primary | mirror) => remember | recall)`.
//!
//! ```text
//! cargo run --example mirror
//! ```
//!
//! Airports are looked up by their codes, twice on a bad day. In the morning the primary server is slow for some and
//! unavailable for others, and its mirror fills in, which does not know all of them. What they say is remembered in
//! files. In the evening the primary is down, and for what the mirror does not know the files have the last word. Each
//! answer says where it comes from; where there is none, the error has what each of the three said.
//!
//! It exits with 1 if an answer comes from elsewhere than it should.

mod cache;
mod server;

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use pipeline::{ErrorMode, Pipeline, Provide, Stage, StageError, pipeline, stage};
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};

use crate::cache::{Files, recall, remember};
use crate::server::Server;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Airport {
    pub(crate) iata: String,
    pub(crate) name: String,
    pub(crate) city: String,
}

/// An airport, and who said so.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) airport: Airport,
    pub(crate) from: Source,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Primary,
    Mirror,
    Files,
}

/// Where the servers are. They are two types, so that a stage gets the one it asks for.
#[derive(Debug)]
struct Primary(String);
#[derive(Debug)]
struct Mirror(String);

#[derive(Debug, Provide)]
struct App {
    http: Client,
    primary: Primary,
    mirror: Mirror,
    files: Files,
}

#[derive(Debug, thiserror::Error)]
enum LookupError {
    #[error("{0}")]
    Refused(StatusCode),
    #[error(transparent)]
    Broken(#[from] reqwest::Error),
}

/// It has 400 ms and no second try: there is somebody else to ask.
#[stage(timeout = "400ms")]
async fn primary(iata: &str, #[state] at: &Primary, #[state] http: &Client) -> Result<Answer, LookupError> {
    Ok(Answer { airport: look_up(http, &at.0, iata).await?, from: Source::Primary })
}

#[stage(timeout = "2s", retries = 1, delay = "20ms", retry_if = is_transient)]
async fn mirror(iata: &str, #[state] at: &Mirror, #[state] http: &Client) -> Result<Answer, LookupError> {
    Ok(Answer { airport: look_up(http, &at.0, iata).await?, from: Source::Mirror })
}

async fn look_up(http: &Client, server: &str, iata: &str) -> Result<Airport, LookupError> {
    let response = http.get(format!("{server}/{iata}")).send().await?;
    match response.status() {
        status if status.is_success() => Ok(response.json().await?),
        status => Err(LookupError::Refused(status)),
    }
}

fn is_transient(error: &LookupError) -> bool {
    !matches!(error, LookupError::Refused(status) if status.is_client_error())
}

/// An airport, by its code.
fn lookup() -> Pipeline<String, impl Stage<String, App, Out = Answer>> {
    pipeline![((primary | mirror) => remember | recall)]
}

/// What is to come of each code in the morning, and in the evening.
const MORNING: [(&str, Option<Source>); 6] = [
    ("SEA", Some(Source::Primary)),
    ("HNL", Some(Source::Primary)),
    ("JFK", Some(Source::Mirror)),
    ("ORD", Some(Source::Mirror)),
    ("ANC", Some(Source::Mirror)),
    ("XYZ", None),
];
const EVENING: [(&str, Option<Source>); 5] = [
    ("SEA", Some(Source::Files)),
    ("HNL", Some(Source::Files)),
    ("JFK", Some(Source::Mirror)),
    ("ANC", Some(Source::Mirror)),
    ("BOS", None),
];

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let server = Server::start().await?;
    let folder = tempfile::tempdir()?;
    let app = App {
        // A proxy would not find the way back into this program.
        http: Client::builder().no_proxy().build()?,
        primary: Primary(server.url("primary")),
        mirror: Mirror(server.url("mirror")),
        files: Files::new(folder.path()),
    };
    let lookup = lookup().with(app).on_error(ErrorMode::Collect);

    println!("In the morning:\n");
    let morning = ask(&lookup, &MORNING).await;
    server.fall_down();
    println!("\nIn the evening, with the primary server down:\n");
    let evening = ask(&lookup, &EVENING).await;

    if morning && evening {
        Ok(ExitCode::SUCCESS)
    } else {
        eprintln!("error: not every answer came from where it should");
        Ok(ExitCode::FAILURE)
    }
}

/// Looks the airports up and prints what came of it; whether that was what was to come.
async fn ask<F>(lookup: &Pipeline<String, F, App>, expected: &[(&str, Option<Source>)]) -> bool
where
    F: Stage<String, App, Out = Answer> + 'static,
{
    let mut answers = lookup.stream(expected.iter().map(|(iata, _)| (*iata).to_owned()).collect::<Vec<_>>());
    let mut as_expected = true;
    for (iata, from) in expected {
        let Some(outcome) = answers.next().await else { return false };
        match &outcome {
            Ok(Answer { airport: Airport { name, city, .. }, from }) => {
                println!("  {iata}  from {from:<12}  {name}, {city}");
            }
            Err(failure) => {
                println!("  {iata}  from nobody:");
                print_what_each_said(&failure.error);
            }
        }
        as_expected &= outcome.ok().map(|answer| answer.from) == *from;
    }
    println!("\n{}", answers.report().await);
    as_expected
}

/// The error is that of the last one who was asked, and has those of the others with it.
fn print_what_each_said(error: &StageError) {
    for other in error.alternatives() {
        print_what_each_said(other);
    }
    let said = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    println!("       {:<7} says: {said}", error.stage());
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Primary => "the primary",
            Self::Mirror => "its mirror",
            Self::Files => "the files",
        })
    }
}
