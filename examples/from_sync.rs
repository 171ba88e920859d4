//! A pipeline with async stages, called from a program that is not async: the distance between two airports.
//!
//! ```text
//! cargo run --example from_sync -- SFO HNL
//! ```

use std::io;
use std::path::Path;

use pipeline::{pipeline, stage};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/airports.csv");

/// What is asked for: two codes.
#[derive(Debug)]
struct Trip {
    from: String,
    to: String,
}

/// Latitude and longitude, in degrees.
type Place = (f64, f64);

#[stage(timeout = "5s")]
async fn load(trip: Trip) -> io::Result<(Trip, String)> {
    let text = tokio::fs::read_to_string(Path::new(FILE)).await?;
    Ok((trip, text))
}

/// A tuple from the stage before is taken as so many parameters.
#[stage]
fn locate(trip: &Trip, text: &str) -> Result<(Place, Place), String> {
    let place = |code: &str| find(text, code).ok_or_else(|| format!("there is no airport `{code}`"));
    Ok((place(&trip.from)?, place(&trip.to)?))
}

/// The haversine formula, on a globe with a radius of 6,371 km.
#[stage]
fn distance(from: Place, to: Place) -> f64 {
    let [(lat1, lon1), (lat2, lon2)] = [from, to].map(|(lat, lon)| (lat.to_radians(), lon.to_radians()));
    let (dlat, dlon) = (lat2 - lat1, lon2 - lon1);
    let a = (dlat / 2.0).sin().powi(2) + lat1.cos() * lat2.cos() * (dlon / 2.0).sin().powi(2);
    2.0 * 6371.0 * a.sqrt().asin()
}

fn find(text: &str, code: &str) -> Option<Place> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let row = reader.records().filter_map(Result::ok).find(|row| &row[0] == code)?;
    Some((row[5].parse().ok()?, row[6].parse().ok()?))
}

fn main() {
    let mut codes = std::env::args().skip(1);
    let from = codes.next().unwrap_or_else(|| "SFO".to_owned());
    let to = codes.next().unwrap_or_else(|| "HNL".to_owned());
    let title = format!("{from} to {to}");

    // It brings its own runtime for as long as the call takes.
    match pipeline![load => locate => distance].run_blocking(Trip { from, to }) {
        Ok(kilometres) => println!("{title}: {kilometres:.0} km"),
        Err(error) => {
            eprintln!("{title}: {error:#}");
            std::process::exit(1);
        }
    }
}
