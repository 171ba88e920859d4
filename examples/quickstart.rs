//! The shortest whole pipeline: read a file, parse it, count its rows.

use std::{io, path::Path};

use csv::StringRecord;
use pipeline::{StageError, pipeline, stage};

#[stage(retries = 2, timeout = "5s")]
async fn read(path: &Path) -> io::Result<String> {
    tokio::fs::read_to_string(path).await
}

#[stage]
fn parse(text: &str) -> Result<Vec<StringRecord>, csv::Error> {
    csv::Reader::from_reader(text.as_bytes()).records().collect()
}

#[tokio::main]
async fn main() -> Result<(), StageError> {
    let count = pipeline![read => parse => |rows: Vec<StringRecord>| rows.len()];
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/airports.csv");
    println!("{} airports", count.run(file.into()).await?);
    Ok(())
}
