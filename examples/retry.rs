//! How a stage is attempted again: retries, backoff, jitter, what is final, and what the other side asks for.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use pipeline::{ErrorKind, StageError, pipeline, stage};

/// A weather station at the end of a bad line.
#[derive(Debug, Default)]
struct Station {
    calls: AtomicU32,
}

#[derive(Debug, thiserror::Error)]
enum StationError {
    #[error("the line is bad")]
    Noise,
    #[error("busy for another {0:?}")]
    Busy(Duration),
    #[error("there is no sensor called `{0}`")]
    NoSensor(String),
}

impl Station {
    /// The first call gets noise, the second one a request to wait, the third one an answer, and so on.
    async fn ask(&self, sensor: &str) -> Result<f64, StationError> {
        match sensor {
            "wind" => match self.calls.fetch_add(1, Ordering::Relaxed) % 3 {
                0 => Err(StationError::Noise),
                1 => Err(StationError::Busy(Duration::from_millis(150))),
                _ => Ok(7.5),
            },
            "rain" => Err(StationError::Noise),
            // Nobody answers in time.
            "tide" => std::future::pending().await,
            _ => Err(StationError::NoSensor(sensor.to_owned())),
        }
    }
}

/// Up to three attempts. Before the second one it waits for up to 20 ms, before the third for up to 40 ms.
#[stage(
    retries = 2,
    backoff = "exponential",
    delay = "20ms",
    max_delay = "1s",
    jitter,
    timeout = "100ms",
    retry_if = may_get_better,
    retry_after = asked_to_wait
)]
async fn measure(sensor: &str, #[state] station: &Station) -> Result<f64, StationError> {
    station.ask(sensor).await
}

/// A sensor that is not there now will not be there in a second.
fn may_get_better(error: &StationError) -> bool {
    !matches!(error, StationError::NoSensor(_))
}

/// The next attempt waits for at least this long, whatever the backoff says.
fn asked_to_wait(error: &StationError) -> Option<Duration> {
    match error {
        StationError::Busy(wait) => Some(*wait),
        StationError::Noise | StationError::NoSensor(_) => None,
    }
}

#[tokio::main]
async fn main() {
    // The seed makes the jitter the same each time. Leave it out where that is of no use.
    let measured = pipeline![measure].with(Station::default()).seed(7);
    for sensor in ["wind", "rain", "tide", "luck"] {
        let started = Instant::now();
        let outcome = measured.run(sensor.to_owned()).await;
        show(sensor, outcome, started.elapsed());
    }

    println!("\nThe same stage, with more patience in this one place:");
    let patient = pipeline![measure.retries(5).timeout("1s").backoff("fixed").delay("5ms")];
    let patient = patient.with(Station::default()).seed(7);
    let started = Instant::now();
    let outcome = patient.run("rain".to_owned()).await;
    show("rain", outcome, started.elapsed());
}

fn show(sensor: &str, outcome: Result<f64, StageError>, elapsed: Duration) {
    let error = match outcome {
        Ok(value) => return println!("{sensor}: {value}, after {} ms", elapsed.as_millis()),
        Err(error) => error,
    };
    println!("{sensor}: {error:#}");
    for attempt in error.failed_attempts() {
        println!("      {attempt}, then a wait of {:?}", attempt.wait());
    }
    if error.kind() == ErrorKind::TimedOut {
        println!("      (a timeout is of one attempt, and is retried like a failure)");
    }
    if let Some(StationError::NoSensor(name)) = error.downcast_ref() {
        println!("      (final after one attempt: `{name}` may be a typo)");
    }
}
