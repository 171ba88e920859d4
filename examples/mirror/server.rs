//! Two servers of airports in one, and what is wrong with each.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::Airport;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/airports.csv");

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: String,
    desk: Arc<Desk>,
    task: JoinHandle<io::Result<()>>,
}

#[derive(Debug)]
struct Desk {
    airports: HashMap<String, Airport>,
    /// Whether the primary is down.
    is_down: AtomicBool,
    /// Whether the mirror has refused its first request.
    has_refused: AtomicBool,
}

impl Server {
    /// Reads the airports and listens on a port that is free.
    pub(crate) async fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let rows = csv::Reader::from_path(FILE)?.into_deserialize::<Airport>();
        let airports =
            rows.map(|row| row.map(|airport| (airport.iata.clone(), airport))).collect::<Result<_, _>>()?;
        let desk =
            Arc::new(Desk { airports, is_down: AtomicBool::new(false), has_refused: AtomicBool::new(false) });
        let router = Router::new()
            .route("/primary/{iata}", get(primary))
            .route("/mirror/{iata}", get(mirror))
            .with_state(Arc::clone(&desk));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, desk, task })
    }

    pub(crate) fn url(&self, server: &str) -> String {
        format!("{}/{server}", self.address)
    }

    /// From now on the primary refuses everything.
    pub(crate) fn fall_down(&self) {
        self.desk.is_down.store(true, Ordering::Relaxed);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Reply = Result<Json<Airport>, StatusCode>;

impl Desk {
    fn airport(&self, iata: &str) -> Reply {
        self.airports.get(iata).cloned().map(Json).ok_or(StatusCode::NOT_FOUND)
    }
}

/// Knows all, is unavailable for one, and takes too long for others.
async fn primary(State(desk): State<Arc<Desk>>, Path(iata): Path<String>) -> Reply {
    if desk.is_down.load(Ordering::Relaxed) || iata == "JFK" {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let time = if matches!(&*iata, "ORD" | "ANC" | "XYZ") { 60_000 } else { 20 };
    sleep(Duration::from_millis(time)).await;
    desk.airport(&iata)
}

/// Refuses the first request, takes a while for the others, and does not know some.
async fn mirror(State(desk): State<Arc<Desk>>, Path(iata): Path<String>) -> Reply {
    if !desk.has_refused.swap(true, Ordering::Relaxed) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    sleep(Duration::from_millis(80)).await;
    if matches!(&*iata, "SEA" | "HNL" | "BOS") { Err(StatusCode::NOT_FOUND) } else { desk.airport(&iata) }
}
