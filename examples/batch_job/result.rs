//! What came of the night, for a person to read in the morning.

use std::fmt;
use std::path::{Path, PathBuf};

use pipeline::{Failure, Report};
use rusqlite::OptionalExtension;

use crate::check::{self, Check};
use crate::days::Summary;
use crate::rejected::Rejected;
use crate::store::Database;

/// The reports of both pipelines, and what the database says.
#[derive(Debug)]
pub(crate) struct Night {
    database: PathBuf,
    files: [PathBuf; 2],
    reports: [Report; 2],
    checks: Vec<Check>,
    coldest: Option<Summary>,
    warmest: Option<Summary>,
    /// The days that have more or fewer than 24 readings. Where clocks go forward, one has 23.
    uneven: Vec<(String, u32)>,
}

impl Night {
    /// Asks the database, and the files once more.
    pub(crate) fn new(
        files: [PathBuf; 2],
        reports: [Report; 2],
        database: PathBuf,
        db: &Database,
    ) -> Result<Self, rusqlite::Error> {
        let rejected = reports[0].failures().iter().filter(|failure| rejected(failure).is_some()).count();
        let mut checks = vec![check::airports(&files[0], rejected, db)?];
        checks.extend(check::temperatures(&files[1], db)?);
        let coldest = day(db, "SELECT day, readings, low, mean, high FROM days ORDER BY mean LIMIT 1")?;
        let warmest = day(db, "SELECT day, readings, low, mean, high FROM days ORDER BY mean DESC LIMIT 1")?;
        let uneven = "SELECT day, readings FROM days WHERE readings <> 24 ORDER BY day";
        let uneven = db
            .lock()
            .prepare(uneven)?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok(Self { database, files, reports, checks, coldest, warmest, uneven })
    }

    /// Whether nothing failed but rows that were rejected, and all totals are the same on both sides.
    pub(crate) fn is_success(&self) -> bool {
        self.failures().next().is_none() && self.checks.iter().all(Check::holds)
    }

    /// What failed, and in which file.
    fn failures(&self) -> impl Iterator<Item = (&Path, &Failure)> {
        let files = self.files.iter().zip(&self.reports);
        let failures = files.flat_map(|(file, report)| report.failures().iter().map(move |it| (&**file, it)));
        failures.filter(|(_, failure)| rejected(failure).is_none())
    }

    fn rejected(&self) -> impl Iterator<Item = &Rejected> {
        self.reports.iter().flat_map(Report::failures).filter_map(rejected)
    }
}

fn rejected(failure: &Failure) -> Option<&Rejected> {
    failure.error.downcast_ref()
}

fn day(db: &Database, query: &str) -> rusqlite::Result<Option<Summary>> {
    let day = db.lock().query_row(query, [], |row| {
        Ok(Summary {
            day: row.get(0)?,
            readings: row.get(1)?,
            low: row.get(2)?,
            mean: row.get(3)?,
            high: row.get(4)?,
        })
    });
    day.optional()
}

impl fmt::Display for Night {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (file, report) in self.files.iter().zip(&self.reports) {
            let name = file.file_name().unwrap_or(file.as_os_str());
            writeln!(f, "{}: {report}\n", name.display())?;
        }
        for (which, day) in [("coldest", &self.coldest), ("warmest", &self.warmest)] {
            if let Some(Summary { day, low, mean, high, .. }) = day {
                writeln!(f, "{which} day   {day}: {low:.1} to {high:.1} °F, {mean:.1} on average")?;
            }
        }
        for (day, readings) in &self.uneven {
            writeln!(f, "uneven day    {day}: {readings} readings")?;
        }
        let codes: Vec<_> = self.rejected().map(|row| row.code.as_str()).collect();
        if !codes.is_empty() {
            writeln!(f, "rejected      {} airports: {}", codes.len(), codes.join(" "))?;
        }
        for (file, failure) in self.failures() {
            writeln!(f, "failed        {}: {:#}", file.display(), failure.error)?;
        }

        writeln!(f, "\n{:<10}{:>12}{:>17}", "total", "in the file", "in the database")?;
        for check in &self.checks {
            let Check { what, in_file, in_database } = check;
            let verdict = if check.holds() { "" } else { "  DIFFERENT" };
            writeln!(f, "{what:<10}{in_file:>12}{in_database:>17}{verdict}")?;
        }
        let database = self.database.display();
        let holds = if self.is_success() { "holds" } else { "does NOT hold" };
        writeln!(f, "\n{database} {holds} what the files hold.")
    }
}
