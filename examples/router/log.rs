//! The log: what a service might have been told in a year, out of two files of real data.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::airports::Airport;
use crate::{Event, Reading};

const AIRPORTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/airports.csv");
const TEMPERATURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/seattle-temps.csv");

/// How many lines are cut off.
pub(crate) const CUT_OFF: usize = 2;
const HOURS_OF_A_MONTH: usize = 730;

/// Writes the log, and says how many lines it has.
pub(crate) fn write(path: &Path) -> Result<usize, Box<dyn std::error::Error>> {
    let mut log = Log { out: BufWriter::new(File::create(path)?), lines: 0 };
    let mut airports = read::<Airport>(AIRPORTS)?.into_iter();
    for (hour, reading) in read::<Reading>(TEMPERATURES)?.into_iter().enumerate() {
        if hour % HOURS_OF_A_MONTH == 0 {
            log.event(&Event::Alive { since: reading.at.clone() })?;
            log.line(r#"{"event":"firmware_update","version":"2.1"}"#)?;
        }
        if hour == 1_000 || hour == 5_000 {
            let whole = serde_json::to_string(&Event::Alive { since: reading.at.clone() })?;
            log.line(&whole[..whole.len() / 2])?;
        }
        log.event(&Event::Reading(reading))?;
        // An airport is heard of every other or third hour, until all of them were.
        if hour % 5 < 2 {
            airports.next().map(|airport| log.event(&Event::Airport(airport))).transpose()?;
        }
    }
    for airport in airports {
        log.event(&Event::Airport(airport))?;
    }
    log.out.flush()?;
    Ok(log.lines)
}

fn read<T: DeserializeOwned>(file: &str) -> Result<Vec<T>, csv::Error> {
    csv::Reader::from_path(file)?.into_deserialize().collect()
}

struct Log {
    out: BufWriter<File>,
    lines: usize,
}

impl Log {
    fn event(&mut self, event: &Event) -> Result<(), Box<dyn std::error::Error>> {
        self.line(&serde_json::to_string(event)?)
    }

    fn line(&mut self, text: &str) -> Result<(), Box<dyn std::error::Error>> {
        writeln!(self.out, "{text}")?;
        self.lines += 1;
        Ok(())
    }
}
