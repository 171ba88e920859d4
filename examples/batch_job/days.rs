//! What is kept of a day, and where.

use pipeline::stage;
use rusqlite::params;

use crate::file::{Day, Row};
use crate::store::{Database, is_locked};

/// A day in one row. Temperatures are in °F, as they were measured.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Summary {
    /// As SQLite writes dates: 2010-03-14.
    pub(crate) day: String,
    pub(crate) readings: u32,
    pub(crate) low: f64,
    pub(crate) mean: f64,
    pub(crate) high: f64,
}

/// Why there is no row for a day.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadDay {
    #[error("`{0}` is no date like 2010/03/14")]
    Date(String),
    #[error("line {0}: `{1}` is no temperature")]
    Temperature(u64, String),
    #[error("line {0}: `{1}` is no full hour like 23:00")]
    Time(u64, String),
    #[error("line {0}: there is a reading of {1} already")]
    Twice(u64, String),
}

/// Makes one row of a day. One bad reading fails its day: a mean over a part of a day is not the mean of the day.
#[stage]
pub(crate) fn summarize(day: &Day) -> Result<Summary, BadDay> {
    let date = iso(&day.date).ok_or_else(|| BadDay::Date(day.date.clone()))?;
    let mut hours = [false; 24];
    let mut summary =
        Summary { day: date, readings: 0, low: f64::INFINITY, mean: 0.0, high: f64::NEG_INFINITY };
    let mut sum = 0.0;
    for Row { line, time, temperature } in &day.rows {
        let seen = hour(time).and_then(|hour| hours.get_mut(hour));
        let seen = seen.ok_or_else(|| BadDay::Time(*line, time.clone()))?;
        if std::mem::replace(seen, true) {
            return Err(BadDay::Twice(*line, time.clone()));
        }
        let degrees: f64 = temperature
            .parse()
            .ok()
            .filter(|degrees: &f64| degrees.is_finite())
            .ok_or_else(|| BadDay::Temperature(*line, temperature.clone()))?;
        summary.readings += 1;
        summary.low = summary.low.min(degrees);
        summary.high = summary.high.max(degrees);
        sum += degrees;
    }
    summary.mean = sum / f64::from(summary.readings);
    Ok(summary)
}

/// 2010/03/14 → 2010-03-14
fn iso(date: &str) -> Option<String> {
    let parts: Vec<_> = date.split('/').collect();
    let [year, month, day] = parts.as_slice() else { return None };
    let number = |text: &str, digits, range: std::ops::RangeInclusive<u32>| {
        text.len() == digits && text.parse().is_ok_and(|number| range.contains(&number))
    };
    let is_date = number(year, 4, 0..=9999) && number(month, 2, 1..=12) && number(day, 2, 1..=31);
    is_date.then(|| parts.join("-"))
}

/// 23:00 → 23
fn hour(time: &str) -> Option<usize> {
    time.strip_suffix(":00")?.parse().ok()
}

/// Makes the table where it is not there.
pub(crate) fn create(db: &Database) -> rusqlite::Result<()> {
    let table = "CREATE TABLE IF NOT EXISTS days (
        day TEXT PRIMARY KEY,
        readings INTEGER NOT NULL,
        low REAL NOT NULL,
        mean REAL NOT NULL,
        high REAL NOT NULL
    )";
    db.lock().execute_batch(table)
}

const UPSERT: &str = "
    INSERT INTO days (day, readings, low, mean, high) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (day) DO UPDATE SET readings = excluded.readings, low = excluded.low, mean = excluded.mean,
        high = excluded.high";

/// Stores a batch of days, in one transaction: all of them or none. A day that is there already is brought up to date.
#[stage(blocking, concurrency = 1, retries = 5, delay = "50ms", jitter, retry_if = is_locked)]
pub(crate) fn upsert_days(days: &[Summary], #[state] db: &Database) -> rusqlite::Result<u64> {
    let mut db = db.lock();
    let transaction = db.transaction()?;
    let mut upsert = transaction.prepare(UPSERT)?;
    let mut rows = 0;
    for Summary { day, readings, low, mean, high } in days {
        rows += upsert.execute(params![day, readings, low, mean, high])? as u64;
    }
    drop(upsert);
    transaction.commit()?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(rows: &[(&str, &str)]) -> Result<Summary, BadDay> {
        let rows = rows.iter().zip(2..).map(|((time, temperature), line)| Row {
            line,
            time: (*time).to_owned(),
            temperature: (*temperature).to_owned(),
        });
        summarize(&Day { date: "2010/03/14".to_owned(), rows: rows.collect() })
    }

    #[test]
    fn a_day_is_as_many_readings_as_it_has() -> Result<(), BadDay> {
        let summary = day(&[("00:00", "40"), ("01:00", "38.5"), ("23:00", "44.5")])?;
        let expected =
            Summary { day: "2010-03-14".to_owned(), readings: 3, low: 38.5, mean: 41.0, high: 44.5 };
        assert_eq!(summary, expected);
        Ok(())
    }

    #[test]
    fn a_bad_reading_fails_its_day_and_says_where_it_stands() {
        let why = |rows: &[_]| day(rows).err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(why(&[("00:00", "40"), ("01:00", "warm")]), "line 3: `warm` is no temperature");
        assert_eq!(why(&[("00:00", "NaN")]), "line 2: `NaN` is no temperature");
        assert_eq!(why(&[("24:00", "40")]), "line 2: `24:00` is no full hour like 23:00");
        assert_eq!(why(&[("", "40")]), "line 2: `` is no full hour like 23:00");
        assert_eq!(why(&[("05:00", "40"), ("05:00", "40")]), "line 3: there is a reading of 05:00 already");
    }

    #[test]
    fn a_date_is_one_that_sqlite_knows() {
        assert_eq!(iso("2010/12/31").as_deref(), Some("2010-12-31"));
        for date in ["2010/13/01", "2010/1/1", "2010-01-01", "today", ""] {
            assert_eq!(iso(date), None, "{date}");
        }
    }
}
