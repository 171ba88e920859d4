//! What there is to know of an airport from where it is.

use pipeline::stage;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Airport {
    pub(crate) iata: String,
    pub(crate) city: String,
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
}

impl Airport {
    pub(crate) fn has_no_town(&self) -> bool {
        self.city == "NA"
    }
}

/// A large airport, and how far away it is.
#[derive(Debug, Clone)]
pub(crate) struct Hub {
    pub(crate) iata: &'static str,
    pub(crate) km: f64,
}

const HUBS: [(&str, f64, f64); 6] = [
    ("ANC", 61.174, -149.996),
    ("ATL", 33.640, -84.427),
    ("DEN", 39.858, -104.667),
    ("HNL", 21.319, -157.922),
    ("JFK", 40.640, -73.779),
    ("SFO", 37.619, -122.375),
];

#[stage]
pub(crate) fn code(airport: &Airport) -> String {
    airport.iata.clone()
}

/// By the sun: an hour for each 15 degrees from Greenwich.
#[stage]
pub(crate) fn time_zone(airport: &Airport) -> i32 {
    #[allow(clippy::cast_possible_truncation)] // From -12 to 12.
    let hours = (airport.longitude / 15.0).round() as i32;
    hours
}

#[stage]
pub(crate) fn nearest_hub(airport: &Airport) -> Hub {
    let distances =
        HUBS.map(|(iata, latitude, longitude)| Hub { iata, km: distance(airport, latitude, longitude) });
    let nearer = |one: Hub, other: Hub| if other.km < one.km { other } else { one };
    let [first, others @ ..] = distances;
    others.into_iter().fold(first, nearer)
}

/// Along the great circle, by the haversine formula, in kilometres.
fn distance(from: &Airport, latitude: f64, longitude: f64) -> f64 {
    const RADIUS: f64 = 6371.0;
    let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
    let along =
        from.latitude.to_radians().cos() * latitude.to_radians().cos() * half(from.longitude, longitude);
    2.0 * RADIUS * (half(from.latitude, latitude) + along).sqrt().asin()
}
