//! Fail, fix, replay: the items that a job could not do are kept in a file, and the job that can does those alone.
//!
//! Of 3,376 airports 12 have `NA` in place of city and state. A parser that insists on both rejects them, rightly or not.
//! Nothing is lost by that: each goes to a file, as it was, with what was wrong with it.

use std::path::Path;
use std::process::ExitCode;

use pipeline::dead_letters::JsonLines;
use pipeline::{ErrorMode, Report, pipeline, stage};
use serde::{Deserialize, Serialize};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/airports.csv");

/// A row of the file, as it is written there. `Clone` and `Serialize` are for its dead letter, `Deserialize` for both
/// ways in.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    iata: String,
    name: String,
    city: String,
    state: String,
    country: String,
    latitude: String,
    longitude: String,
}

#[derive(Debug)]
struct Airport {
    iata: String,
    name: String,
    /// City and state, where they are known.
    town: Option<(String, String)>,
    country: String,
    latitude: f64,
    longitude: f64,
}

#[derive(Debug, thiserror::Error)]
enum ParseError {
    #[error("{iata} is in no town: the {what} is `NA`")]
    NoTown { iata: String, what: &'static str },
    #[error("{iata} is nowhere: `{coordinate}` is no coordinate")]
    Nowhere { iata: String, coordinate: String },
}

/// The first version.
#[stage]
fn parse(row: &Row) -> Result<Airport, ParseError> {
    let missing = [("city", &row.city), ("state", &row.state)].into_iter().find(|(_, text)| *text == "NA");
    match missing {
        Some((what, _)) => Err(ParseError::NoTown { iata: row.iata.clone(), what }),
        None => airport(row, Some((row.city.clone(), row.state.clone()))),
    }
}

/// The one that has learned: an airport need not be in a town.
#[stage]
fn parse_again(row: &Row) -> Result<Airport, ParseError> {
    let known = row.city != "NA" && row.state != "NA";
    airport(row, known.then(|| (row.city.clone(), row.state.clone())))
}

fn airport(row: &Row, town: Option<(String, String)>) -> Result<Airport, ParseError> {
    let coordinate = |text: &str| {
        let nowhere = |_| ParseError::Nowhere { iata: row.iata.clone(), coordinate: text.to_owned() };
        text.parse::<f64>().map_err(nowhere)
    };
    Ok(Airport {
        iata: row.iata.clone(),
        name: row.name.clone(),
        town,
        country: row.country.clone(),
        latitude: coordinate(&row.latitude)?,
        longitude: coordinate(&row.longitude)?,
    })
}

/// Stands for the place where airports go.
#[stage]
async fn store(airport: Airport) {
    if airport.town.is_none() {
        let Airport { iata, name, country, latitude, longitude, .. } = airport;
        println!("  {iata}  {name}, {country} ({latitude:.2}, {longitude:.2})");
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let rejected = folder.path().join("rejected.jsonl");

    println!("The job, with a strict parser:\n");
    let rows = csv::Reader::from_path(FILE)?.into_deserialize::<Row>().collect::<Result<Vec<_>, _>>()?;
    let job = pipeline![parse => store].on_error(ErrorMode::Collect);
    let first = job.dead_letters(JsonLines::create(&rejected)?).drain(rows).await?;
    println!("{first}");

    println!("\nWhat it leaves behind in {}, which begins with\n", name(&rejected));
    println!("  {}\n", std::fs::read_to_string(&rejected)?.lines().next().unwrap_or_default());
    for letter in JsonLines::read::<Row>(&rejected)? {
        let letter = letter?;
        println!("  item {}: {}", letter.index, letter.error);
    }

    // This may be a day later, in another process. What fails again goes to a file of its own.
    println!("\nThe same with a parser that has learned, for those items alone:\n");
    let again = folder.path().join("rejected-again.jsonl");
    let job = pipeline![parse_again => store].on_error(ErrorMode::Collect);
    let second = job.dead_letters(JsonLines::create(&again)?).drain(JsonLines::items(&rejected)?).await?;
    println!("\n{second}");

    let left = JsonLines::items::<Row>(&again)?.len();
    Ok(conclude(&first, &second, left))
}

/// Whether each item that came in came out, in the first run or in the second.
fn conclude(first: &Report, second: &Report, left: usize) -> ExitCode {
    let lost = first.letters_lost() + second.letters_lost();
    let done = first.items_out() + second.items_out();
    println!(
        "\n{} in, {done} stored: {} at once, {} replayed, {left} left",
        first.items_in(),
        first.items_out(),
        second.items_out()
    );
    if lost == 0 && left == 0 && second.items_in() == first.items_failed() && done == first.items_in() {
        ExitCode::SUCCESS
    } else {
        eprintln!("Not every airport was stored.");
        ExitCode::FAILURE
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
