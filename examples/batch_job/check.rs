//! Totals, once from the files and once from the database. They have to be the same.

use std::collections::BTreeSet;
use std::path::Path;

use crate::store::{self, Database};

/// A total, from both sides.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) what: &'static str,
    pub(crate) in_file: String,
    pub(crate) in_database: String,
}

impl Check {
    fn new(what: &'static str, in_file: &impl ToString, in_database: &impl ToString) -> Self {
        Self { what, in_file: in_file.to_string(), in_database: in_database.to_string() }
    }

    pub(crate) fn holds(&self) -> bool {
        self.in_file == self.in_database
    }
}

/// Reads the file of the airports again, in the plainest way. The rows that were rejected are not in the database.
pub(crate) fn airports(file: &Path, rejected: usize, db: &Database) -> Result<Check, rusqlite::Error> {
    let found = store::rows(db)?;
    let rows = csv::Reader::from_path(file).map(|file| file.into_records().count());
    let rows =
        rows.map_or_else(|_| "unreadable".to_owned(), |rows| rows.saturating_sub(rejected).to_string());
    Ok(Check::new("airports", &rows, &found))
}

/// Reads the file of the temperatures again, in the plainest way.
pub(crate) fn temperatures(file: &Path, db: &Database) -> Result<Vec<Check>, rusqlite::Error> {
    let found: (i64, i64, f64, f64, f64) = db.lock().query_row(
        "SELECT count(*), coalesce(sum(readings), 0), coalesce(min(low), 0.0), coalesce(max(high), 0.0),
            coalesce(sum(mean * readings), 0.0)
         FROM days",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
    )?;
    let Ok(totals) = Totals::of(file) else {
        return Ok(vec![Check::new("days", &"unreadable", &found.0)]);
    };
    Ok(vec![
        Check::new("days", &totals.days.len(), &found.0),
        Check::new("readings", &totals.readings, &found.1),
        Check::new("lowest", &tenths(totals.low), &tenths(found.2)),
        Check::new("highest", &tenths(totals.high), &tenths(found.3)),
        Check::new("sum", &tenths(totals.sum), &tenths(found.4)),
    ])
}

/// Readings have one digit behind the point, and so have their sums.
fn tenths(degrees: f64) -> String {
    format!("{degrees:.1}")
}

#[derive(Debug, Default)]
struct Totals {
    days: BTreeSet<String>,
    readings: usize,
    low: f64,
    high: f64,
    sum: f64,
}

impl Totals {
    fn of(file: &Path) -> Result<Self, csv::Error> {
        let mut totals = Self { low: f64::INFINITY, high: f64::NEG_INFINITY, ..Self::default() };
        for row in csv::Reader::from_path(file)?.deserialize() {
            let (date, degrees): (String, f64) = row?;
            totals.days.extend(date.split(' ').next().map(str::to_owned));
            totals.readings += 1;
            totals.low = totals.low.min(degrees);
            totals.high = totals.high.max(degrees);
            totals.sum += degrees;
        }
        Ok(totals)
    }
}
