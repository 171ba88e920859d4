//! Rows of text → airports, and what is wrong with the rest.

use pipeline::stage;
use serde::Deserialize;

use crate::rejected::{Reason, Rejected};

/// A row as it is written.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    iata: String,
    name: String,
    city: String,
    state: String,
    country: String,
    latitude: String,
    longitude: String,
}

/// A row that can be relied on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Airport {
    pub(crate) iata: String,
    pub(crate) name: String,
    pub(crate) city: String,
    pub(crate) state: String,
    pub(crate) country: String,
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
}

/// A page that is not a page of airports at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ParseError {
    #[error("the answer is not CSV: {0}")]
    Csv(#[from] csv::Error),
    #[error("the answer has no column `{0}`: is this the address of the airports?")]
    Column(&'static str),
}

/// The rows of a page: those that are fit to be stored, and those that are not.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// How many rows the page has.
    pub(crate) read: u64,
    pub(crate) airports: Vec<Airport>,
    pub(crate) rejected: Vec<Rejected>,
}

/// Takes a page apart. A row that cannot be read is a row all the same: it is handed on as rejected.
#[stage]
pub(crate) fn parse(body: &str) -> Result<Vec<Result<Row, Rejected>>, ParseError> {
    const COLUMNS: [&str; 7] = ["iata", "name", "city", "state", "country", "latitude", "longitude"];
    let mut reader = csv::Reader::from_reader(body.as_bytes());
    let header = reader.headers()?.clone();
    if let Some(missing) = COLUMNS.into_iter().find(|column| header.iter().all(|name| name != *column)) {
        return Err(ParseError::Column(missing));
    }
    let rows = reader.records().map(|record| {
        let row = record.and_then(|record| record.deserialize(Some(&header)));
        row.map_err(|error: csv::Error| {
            let code = error.position().map_or_else(|| "?".to_owned(), |at| format!("line {}", at.line()));
            Rejected { code, reason: Reason::Unreadable }
        })
    });
    Ok(rows.collect())
}

/// Sorts the rows of a page into those to store and those to leave out.
#[stage]
pub(crate) fn validate(rows: Vec<Result<Row, Rejected>>) -> Checked {
    let mut checked = Checked::default();
    for row in rows {
        checked.read += 1;
        match row.and_then(check) {
            Ok(airport) => checked.airports.push(airport),
            Err(rejected) => checked.rejected.push(rejected),
        }
    }
    checked
}

fn check(row: Row) -> Result<Airport, Rejected> {
    let Row { iata, name, city, state, country, latitude, longitude } = row;
    let reject = |code: &str, reason| Rejected { code: code.to_owned(), reason };
    if iata.trim().is_empty() {
        return Err(reject(&name, Reason::NoCode));
    }
    if [&city, &state].into_iter().any(|place| matches!(place.trim(), "" | "NA")) {
        return Err(reject(&iata, Reason::NoPlace));
    }
    match (degrees(&latitude, 90.0), degrees(&longitude, 180.0)) {
        (Some(latitude), Some(longitude)) => {
            Ok(Airport { iata, name, city, state, country, latitude, longitude })
        }
        _ => Err(reject(&iata, Reason::OffTheGlobe)),
    }
}

/// An angle of at most `most` degrees either way. (NaN is in no range.)
fn degrees(text: &str, most: f64) -> Option<f64> {
    text.trim().parse().ok().filter(|degrees| (-most..=most).contains(degrees))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "iata,name,city,state,country,latitude,longitude\n";

    fn checked(rows: &str) -> Checked {
        validate(parse(&format!("{HEADER}{rows}")).expect("the header is whole"))
    }

    fn reason(row: &str) -> Option<Reason> {
        checked(row).rejected.first().map(|rejected| rejected.reason)
    }

    #[test]
    fn a_good_row_is_kept_as_it_is() {
        let Checked { read: _, airports, rejected } =
            checked("SFO,\"Intl, San Francisco\",San Francisco,CA,USA,37.6,-122.4\n");
        assert!(rejected.is_empty());
        assert_eq!(airports[0].name, "Intl, San Francisco");
        assert_eq!((airports[0].latitude, airports[0].longitude), (37.6, -122.4));
    }

    #[test]
    fn a_row_without_a_city_or_a_state_is_rejected() {
        assert_eq!(reason("YAP,Yap,NA,NA,Micronesia,9.5,138.1\n"), Some(Reason::NoPlace));
        assert_eq!(reason("YAP,Yap,Colonia,NA,Micronesia,9.5,138.1\n"), Some(Reason::NoPlace));
        assert_eq!(reason("YAP,Yap,,YP,Micronesia,9.5,138.1\n"), Some(Reason::NoPlace));
    }

    #[test]
    fn coordinates_have_to_be_on_the_globe() {
        for (latitude, longitude) in [("91", "0"), ("0", "-180.1"), ("north", "0"), ("NaN", "0"), ("0", "")] {
            let row = format!("XXX,Name,City,ST,USA,{latitude},{longitude}\n");
            assert_eq!(reason(&row), Some(Reason::OffTheGlobe), "{row}");
        }
        assert_eq!(reason("XXX,Name,City,ST,USA,-90,180\n"), None);
    }

    #[test]
    fn a_row_that_cannot_be_read_is_counted_and_the_rest_goes_on() {
        let checked = checked("AAA,too,few\nSFO,Name,San Francisco,CA,USA,37.6,-122.4\n");
        assert_eq!(checked.rejected, [Rejected { code: "line 2".to_owned(), reason: Reason::Unreadable }]);
        assert_eq!((checked.read, checked.airports.len()), (2, 1));
    }

    #[test]
    fn a_page_of_something_else_fails_as_a_whole() {
        let error = parse("<html><body>Welcome</body></html>").expect_err("this is no CSV of airports");
        assert!(matches!(error, ParseError::Column("iata")), "{error}");
    }
}
