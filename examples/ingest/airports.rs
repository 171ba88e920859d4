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

/// Lets those rows pass that can be relied on. The others fail here, each by itself.
#[stage]
pub(crate) fn validate(row: Result<Row, Rejected>) -> Result<Airport, Rejected> {
    let Row { iata, name, city, state, country, latitude, longitude } = row?;
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

    fn checked(rows: &str) -> Vec<Result<Airport, Rejected>> {
        let rows = parse(&format!("{HEADER}{rows}")).expect("the header is whole");
        rows.into_iter().map(validate).collect()
    }

    fn reason(row: &str) -> Option<Reason> {
        checked(row).into_iter().find_map(Result::err).map(|rejected| rejected.reason)
    }

    #[test]
    fn a_good_row_is_kept_as_it_is() {
        let rows = checked("SFO,\"Intl, San Francisco\",San Francisco,CA,USA,37.6,-122.4\n");
        let [Ok(airport)] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!(airport.name, "Intl, San Francisco");
        assert_eq!((airport.latitude, airport.longitude), (37.6, -122.4));
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
    fn a_row_that_cannot_be_read_is_a_row_and_the_rest_goes_on() {
        let rows = checked("AAA,too,few\nSFO,Name,San Francisco,CA,USA,37.6,-122.4\n");
        let [Err(rejected), Ok(_)] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((rejected.code.as_str(), rejected.reason), ("line 2", Reason::Unreadable));
    }

    #[test]
    fn a_page_of_something_else_fails_as_a_whole() {
        let error = parse("<html><body>Welcome</body></html>").expect_err("this is no CSV of airports");
        assert!(matches!(error, ParseError::Column("iata")), "{error}");
    }
}
