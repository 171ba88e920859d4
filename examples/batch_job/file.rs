//! Files, and days of rows in them.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use pipeline::stage;

/// A file that is not there stays away. A network drive may be back in a moment.
#[stage(retries = 3, delay = "100ms", jitter, timeout = "10s", retry_if = may_get_better)]
pub(crate) async fn read(path: &Path) -> io::Result<String> {
    tokio::fs::read_to_string(path).await
}

fn may_get_better(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, IsADirectory, NotFound, PermissionDenied};
    !matches!(error.kind(), InvalidData | IsADirectory | NotFound | PermissionDenied)
}

/// The rows of one day, as they are written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) date: String,
    pub(crate) rows: Vec<Row>,
}

/// A reading, as it is written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) line: u64,
    pub(crate) time: String,
    pub(crate) temperature: String,
}

/// A file that is not one of temperatures at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("the file is not CSV: {0}")]
    Csv(#[from] csv::Error),
    #[error("the columns are not `date,temp`: is this the file of the temperatures?")]
    Columns,
}

/// Sorts the rows of a file into days. What is in them is looked at later, day by day.
#[stage]
pub(crate) fn by_day(text: &str) -> Result<Vec<Day>, FileError> {
    // A row with too few fields belongs to its day, and fails with it.
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    if reader.headers()? != ["date", "temp"].as_slice() {
        return Err(FileError::Columns);
    }
    let mut days: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for record in reader.records() {
        let record = record?;
        let field = |column| record.get(column).unwrap_or_default();
        let (date, time) = field(0).split_once(' ').unwrap_or((field(0), ""));
        days.entry(date.to_owned()).or_default().push(Row {
            line: record.position().map_or(0, csv::Position::line),
            time: time.to_owned(),
            temperature: field(1).to_owned(),
        });
    }
    Ok(days.into_iter().map(|(date, rows)| Day { date, rows }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_to_their_days_however_many_and_in_whatever_order() {
        let days = by_day(
            "date,temp\n2010/01/01 00:00,39.4\n2010/01/02 00:00,39.2\n2010/01/01 01:00,39.1\n2010/01/03\n",
        );
        let days = days.expect("the header is whole");
        let found: Vec<_> = days.iter().map(|day| (day.date.as_str(), day.rows.len())).collect();
        assert_eq!(found, [("2010/01/01", 2), ("2010/01/02", 1), ("2010/01/03", 1)]);
        assert_eq!(
            days[0].rows[1],
            Row { line: 4, time: "01:00".to_owned(), temperature: "39.1".to_owned() }
        );
    }

    #[test]
    fn a_file_of_something_else_fails_as_a_whole() {
        assert!(matches!(by_day("iata,name\nSFO,San Francisco\n"), Err(FileError::Columns)));
    }
}
