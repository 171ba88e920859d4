//! Each event its own way: `match { pattern if guard => value => chain, … }`.
//!
//! ```text
//! cargo run --example router
//! ```
//!
//! It reads a log of 12,161 events in JSON Lines, which it has first written from real data (`log.rs`): hourly
//! temperatures, airports, signs of life, a kind of event that this program does not know, and two lines that were cut
//! off. Frost is told apart from other weather, airports without a town from those with one; each kind has a way of its
//! own through the pipeline, longer or shorter, and all of them end as a [`Note`]. What went which way is in the
//! report.
//!
//! It exits with 1 if an event is lost on its way.

mod airports;
mod log;

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};
use std::process::ExitCode;

use pipeline::graph::{Graph, NodeKind};
use pipeline::{Context, ErrorMode, Pipeline, Stage, pipeline, stage};
use serde::{Deserialize, Serialize};

use crate::airports::{Airport, Hub, code, nearest_hub, time_zone};

/// A line of the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    Reading(Reading),
    Airport(Airport),
    Alive {
        since: String,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reading {
    #[serde(alias = "date")]
    at: String,
    #[serde(alias = "temp")]
    fahrenheit: f64,
}

/// What becomes of an event, whichever way it goes.
#[derive(Debug)]
enum Note {
    Frost(String),
    Weather { celsius: f64 },
    Airport { iata: String, zone: i32, hub: Hub },
    NoTown { iata: String },
    Nothing,
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    File(#[from] io::Error),
    #[error("cut off, or no event: {0}")]
    Json(#[from] serde_json::Error),
}

#[stage]
fn parse(line: io::Result<String>) -> Result<Event, ReadError> {
    Ok(serde_json::from_str(&line?)?)
}

#[stage]
fn to_celsius(reading: Reading) -> (String, f64) {
    (reading.at, (reading.fahrenheit - 32.0) / 1.8)
}

#[stage]
fn warn_of_frost(at: &str, celsius: f64) -> Note {
    Note::Frost(format!("{at}: {celsius:.1} °C, and colder on the ground"))
}

/// Takes what `(code, time_zone, nearest_hub)` gives: one parameter for each.
#[stage]
fn file_away(iata: String, zone: i32, hub: Hub) -> Note {
    Note::Airport { iata, zone, hub }
}

/// A note, and the line of the log that it is of.
#[stage]
fn number(note: Note, #[context] cx: &Context) -> (usize, Note) {
    (cx.index() + 1, note)
}

/// From a line to a note.
fn router() -> Pipeline<io::Result<String>, impl Stage<io::Result<String>, (), Out = (usize, Note)>> {
    pipeline![
        parse
            => match {
                Event::Reading(reading) if reading.fahrenheit < 39.0 => reading => to_celsius => warn_of_frost,
                Event::Reading(reading) => reading => to_celsius => |(_, celsius)| Note::Weather { celsius },
                Event::Airport(airport) if airport.has_no_town() => airport.iata => |iata| Note::NoTown { iata },
                Event::Airport(airport) => airport => (code, time_zone, nearest_hub) => file_away,
                Event::Alive { .. } | Event::Unknown => () => |()| Note::Nothing,
            }
            => number
    ]
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("events.jsonl");
    let lines = log::write(&file)?;

    let router = router().on_error(ErrorMode::Collect);
    let mut notes = router.stream(BufReader::new(std::fs::File::open(&file)?).lines());
    let mut sums = Sums::default();
    while let Some(note) = notes.next().await {
        match note {
            Ok((line, note)) => sums.add(line, note),
            Err(failure) => println!("line {:>5}  {}", failure.index + 1, failure.error),
        }
    }
    let report = notes.report().await;
    sums.print();

    println!("\nWhat went which way:\n");
    let graph = router.graph().with_report(&report);
    let ways = ways(&graph);
    for (pattern, count) in &ways {
        println!("  {count:>6}  {pattern}");
    }
    println!("\n{graph}");

    let routed: usize = ways.iter().map(|(_, count)| count).sum();
    let failed = report.items_failed();
    if report.items_in() == lines && routed + failed == lines && failed == log::CUT_OFF {
        Ok(ExitCode::SUCCESS)
    } else {
        eprintln!("error: of {lines} lines {routed} went some way and {failed} failed");
        Ok(ExitCode::FAILURE)
    }
}

/// The patterns of the `match`, and how many events went the way of each.
fn ways(graph: &Graph) -> Vec<(&str, usize)> {
    let chooses: Vec<_> = graph.nodes().map(|node| node.kind() == NodeKind::Choice).collect();
    let ways = graph.edges().filter(|edge| chooses[edge.from()]);
    ways.map(|edge| (edge.label(), edge.items().unwrap_or(0))).collect()
}

/// What all notes come to.
#[derive(Debug, Default)]
struct Sums {
    frosts: Vec<(usize, String)>,
    celsius: f64,
    readings: u32,
    no_town: Vec<String>,
    zones: BTreeMap<i32, usize>,
    hubs: BTreeMap<&'static str, usize>,
    farthest: Option<(f64, String, Hub)>,
}

impl Sums {
    fn add(&mut self, line: usize, note: Note) {
        match note {
            Note::Frost(what) => self.frosts.push((line, what)),
            Note::Weather { celsius } => {
                self.celsius += celsius;
                self.readings += 1;
            }
            Note::Airport { iata, zone, hub } => {
                *self.zones.entry(zone).or_default() += 1;
                *self.hubs.entry(hub.iata).or_default() += 1;
                if self.farthest.as_ref().is_none_or(|(km, ..)| hub.km > *km) {
                    self.farthest = Some((hub.km, iata, hub));
                }
            }
            Note::NoTown { iata } => self.no_town.push(iata),
            Note::Nothing => {}
        }
    }

    fn print(&self) {
        for (line, what) in self.frosts.iter().take(3) {
            println!("line {line:>5}  {what}");
        }
        println!("...         and {} more hours of frost", self.frosts.len().saturating_sub(3));
        println!("otherwise   {:.1} °C on average", self.celsius / f64::from(self.readings.max(1)));
        println!("no town     {}", self.no_town.join(" "));
        let hubs: Vec<_> = self.hubs.iter().map(|(hub, count)| format!("{hub} {count}")).collect();
        println!("nearest hub {}", hubs.join(", "));
        let zones: Vec<_> = self.zones.iter().map(|(zone, count)| format!("{zone:+} {count}")).collect();
        println!("time zone   {}", zones.join(", "));
        if let Some((km, iata, hub)) = &self.farthest {
            println!("farthest    {iata}, {km:.0} km from {}", hub.iata);
        }
    }
}
