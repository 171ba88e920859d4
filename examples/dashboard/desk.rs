//! What the server says to which request, from real airports and real temperatures. It takes its time, is unavailable now
//! and then, and sometimes does not answer at all. None of that is drawn by lot.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use tokio::time::sleep;

use crate::page::{Airport, Order, User};

const AIRPORTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/airports.csv");
const TEMPERATURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/seattle-temps.csv");

/// How many users there are, from 1 on.
pub(crate) const USERS: usize = 8;
/// The one who may not see the orders.
const LOCKED: usize = 6;

const NAMES: [&str; USERS] = [
    "Amelia Earhart",
    "Bessie Coleman",
    "Charles Lindbergh",
    "Harriet Quimby",
    "Wiley Post",
    "Jacqueline Cochran",
    "Howard Hughes",
    "Katherine Stinson",
];
const TOWNS: [&str; 10] = ["SEA", "JFK", "ORD", "SFO", "DEN", "ATL", "BOS", "HNL", "ANC", "MIA"];

pub(crate) fn router() -> Result<Router, csv::Error> {
    let airports = csv::Reader::from_path(AIRPORTS)?.into_deserialize().collect::<Result<_, _>>()?;
    let desk = Desk { airports, news: news()?, asked: Mutex::default(), news_asked: AtomicUsize::new(0) };
    Ok(Router::new()
        .route("/users/{id}", get(user))
        .route("/users/{id}/orders", get(orders))
        .route("/news", get(headlines))
        .route("/ideas", get(ideas))
        .with_state(Arc::new(desk)))
}

struct Desk {
    airports: Vec<Airport>,
    news: Vec<String>,
    /// How often the orders of each user were asked for.
    asked: Mutex<BTreeMap<usize, usize>>,
    news_asked: AtomicUsize,
}

type Answer<T> = Result<Json<T>, StatusCode>;

impl Desk {
    fn airport(&self, iata: &str) -> Result<&Airport, StatusCode> {
        self.airports.iter().find(|airport| airport.iata == iata).ok_or(StatusCode::NOT_FOUND)
    }
}

async fn user(State(desk): State<Arc<Desk>>, Path(id): Path<usize>) -> Answer<User> {
    sleep(Duration::from_millis(60)).await;
    let name = id.checked_sub(1).and_then(|index| NAMES.get(index)).ok_or(StatusCode::NOT_FOUND)?;
    let home = desk.airport(TOWNS[id % TOWNS.len()])?.clone();
    Ok(Json(User { name: (*name).to_owned(), home }))
}

/// A user gets them at the first request, at the second or at the third, by number.
async fn orders(State(desk): State<Arc<Desk>>, Path(id): Path<usize>) -> Answer<Vec<Order>> {
    if id == LOCKED {
        return Err(StatusCode::FORBIDDEN);
    }
    sleep(Duration::from_millis(20)).await;
    let asked_before = {
        let mut asked = desk.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let times = asked.entry(id).or_default();
        *times += 1;
        *times - 1
    };
    if asked_before < id % 3 {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    sleep(Duration::from_millis(30)).await;
    let stops = (0..=id % 4 + 1).map(|stop| TOWNS[(id + 3 * stop) % TOWNS.len()]).collect::<Vec<_>>();
    let flight = |way: &[&str]| Order { from: way[0].to_owned(), to: way[1].to_owned() };
    Ok(Json(stops.windows(2).map(flight).collect()))
}

/// Each fourth request gets stuck.
async fn headlines(State(desk): State<Arc<Desk>>) -> Json<Vec<String>> {
    let count = desk.news_asked.fetch_add(1, Ordering::Relaxed);
    sleep(Duration::from_millis(if count % 4 == 3 { 60_000 } else { 40 })).await;
    Json(desk.news.clone())
}

#[derive(Deserialize)]
struct Wanted {
    near: String,
    seen: String,
}

async fn ideas(State(desk): State<Arc<Desk>>, Query(wanted): Query<Wanted>) -> Answer<Vec<Airport>> {
    sleep(Duration::from_millis(50)).await;
    let here = desk.airport(&wanted.near)?;
    let is_new = |airport: &&Airport| airport.iata != here.iata && !wanted.seen.contains(&airport.iata);
    let mut others: Vec<_> = desk.airports.iter().filter(is_new).collect();
    others.sort_by(|a, b| distance(here, a).total_cmp(&distance(here, b)));
    Ok(Json(others.into_iter().take(3).cloned().collect()))
}

/// As an angle, by the haversine formula.
fn distance(a: &Airport, b: &Airport) -> f64 {
    let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
    let across = half(a.longitude, b.longitude);
    let round = half(a.latitude, b.latitude);
    2.0 * (round + a.latitude.to_radians().cos() * b.latitude.to_radians().cos() * across).sqrt().asin()
}

/// The warmest and the coldest hour of the year in Seattle.
fn news() -> Result<Vec<String>, csv::Error> {
    #[derive(Deserialize)]
    struct Hour {
        date: String,
        temp: f64,
    }
    let mut hours =
        csv::Reader::from_path(TEMPERATURES)?.into_deserialize().collect::<Result<Vec<Hour>, _>>()?;
    hours.sort_by(|a, b| a.temp.total_cmp(&b.temp));
    let line = |what: &str, Hour { date, temp }: &Hour| {
        format!("Seattle, {date}: {temp} °F, the {what} hour of the year")
    };
    let ends = [("warmest", hours.last()), ("coldest", hours.first())];
    Ok(ends.into_iter().filter_map(|(what, hour)| Some(line(what, hour?))).collect())
}
