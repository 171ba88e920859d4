//! A night batch: two files into one database, and no success before the database holds what the files do.
//!
//! ```text
//! cargo run --release --example batch_job
//! cargo run --release --example batch_job -- --help
//! ```
//!
//! Two pipelines run side by side. One stores 3,376 airports, row by row, with the stages of `ingest`. The other takes
//! a year of hourly temperatures apart into days, and stores one row a day: how many readings, the lowest, the mean, the
//! highest. What fails, fails alone and is named. In the end the totals in the database are held against those of the
//! files, which are read once more for that; if they differ, or if anything failed, it exits with 1.

#[path = "../ingest/airports.rs"]
mod airports;
mod check;
mod days;
mod file;
#[path = "../ingest/rejected.rs"]
mod rejected;
mod result;
#[path = "../ingest/store.rs"]
mod store;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use pipeline::{ErrorMode, pipeline};

use crate::airports::{parse, validate};
use crate::days::{summarize, upsert_days};
use crate::file::{by_day, read};
use crate::result::Night;
use crate::store::{Database, upsert};

const AIRPORTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/airports.csv");
const TEMPERATURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/seattle-temps.csv");

/// Store airports and the temperatures of each day in SQLite, and check that nothing is missing.
///
/// Run it twice: the rows stay the same.
#[derive(Debug, Parser)]
#[command(name = "batch_job")]
struct Args {
    /// Airports, as CSV: iata,name,city,state,country,latitude,longitude
    #[arg(long, value_name = "FILE", default_value = AIRPORTS, hide_default_value = true)]
    airports: PathBuf,

    /// Hourly temperatures, as CSV: date,temp
    #[arg(long, value_name = "FILE", default_value = TEMPERATURES, hide_default_value = true)]
    temperatures: PathBuf,

    /// The SQLite file for the rows; it is made if it is not there
    #[arg(long, value_name = "FILE", default_value = "night.db")]
    database: PathBuf,
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
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        // Where nobody reads what is printed, there is nobody to tell so either.
        Ok(night) if write!(io::stdout(), "{night}").is_ok() && night.is_success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(trouble) => {
            eprintln!("error: {trouble}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<Night, Trouble> {
    let path = args.database.clone();
    let night = async {
        let db = store::open(&path)?;
        days::create(&db)?;
        work(args, &db).await
    };
    night.await.map_err(|error| Trouble::Database { path, error })
}

async fn work(args: Args, db: &Database) -> Result<Night, rusqlite::Error> {
    let Args { airports, temperatures, database } = args;
    let rows = pipeline![read => parse => each => validate => batch(500, "50ms") => upsert];
    let rows = rows.with(db.clone()).on_error(ErrorMode::Collect);
    // A day has not always 24 readings, so days are made by their dates. A batch is of as many days as come.
    let year = pipeline![read => by_day => each => summarize => batch(100, "50ms") => upsert_days];
    let year = year.with(db.clone()).on_error(ErrorMode::Collect);

    let (rows, year) = tokio::join!(rows.drain([airports.clone()]), year.drain([temperatures.clone()]));
    // Only a strict run is given up at a failure.
    let reports = [rows, year].map(|report| report.unwrap_or_else(|aborted| aborted.report));

    Night::new([airports, temperatures], reports, database, db)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::in_memory;

    async fn night(temperatures: &str, db: &Database) -> Result<Night, rusqlite::Error> {
        days::create(db)?;
        let database = PathBuf::from("in memory");
        work(Args { airports: AIRPORTS.into(), temperatures: temperatures.into(), database }, db).await
    }

    #[tokio::test]
    async fn two_nights_leave_what_the_files_hold() -> Result<(), rusqlite::Error> {
        let db = in_memory();
        for _ in 0..2 {
            let night = night(TEMPERATURES, &db).await?;
            assert!(night.is_success(), "{night}");
        }
        let sums = "SELECT count(*), sum(readings) FROM days";
        let sums: (i64, i64) = db.lock().query_row(sums, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        assert_eq!(sums, (365, 8759));
        assert_eq!(store::rows(&db)?, 3364);
        Ok(())
    }

    #[tokio::test]
    async fn a_file_of_something_else_is_no_success_and_the_other_one_is_stored()
    -> Result<(), rusqlite::Error> {
        let db = in_memory();
        let night = night(AIRPORTS, &db).await?;
        assert!(!night.is_success());
        assert!(night.to_string().contains("stage `by_day` failed: the columns are not"), "{night}");
        assert_eq!(store::rows(&db)?, 3364);
        Ok(())
    }
}
