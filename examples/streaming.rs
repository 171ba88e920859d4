//! A pipeline without an end, and two ways to end it.
//!
//! ```text
//! cargo run --release --example streaming
//! cargo run --release --example streaming -- --for 1s
//! ```
//!
//! A sensor plays back a year of real hourly temperatures, over and over, a thousand readings a second. The readings
//! become °C, go in batches of 24, and the mean of each batch is sent over a slow line.
//!
//! The first Ctrl-C cancels a token: nothing more is read, what is under way is finished, and the report is printed.
//! The second cancels another one: what is under way is dropped. `--for 1s` does after that time what the first
//! Ctrl-C does.

use std::future;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Parser;
use futures_util::stream::{self, Stream};
use pipeline::{ErrorMode, Report, pipeline, source, stage};
use serde::Deserialize;
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/seattle-temps.csv");

/// How many outputs there are for each that is printed.
const EVERY: u64 = 20;

/// Send the readings of a sensor over a slow line, until somebody presses Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "streaming")]
struct Args {
    /// Stop after this long, such as 1s or 2min, as the first Ctrl-C would
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    time: Option<Duration>,
}

#[derive(Debug, Clone, Deserialize)]
struct Reading {
    date: String,
    temp: f64,
}

/// What is sent of a batch.
#[derive(Debug, Clone)]
struct Mean {
    from: String,
    to: String,
    celsius: f64,
}

#[stage]
fn to_celsius(reading: Reading) -> Reading {
    Reading { temp: (reading.temp - 32.0) / 1.8, ..reading }
}

#[stage]
fn mean(batch: &[Reading]) -> Mean {
    let date = |reading: Option<&Reading>| reading.map(|reading| reading.date.clone()).unwrap_or_default();
    let (sum, count) =
        batch.iter().fold((0.0, 0.0), |(sum, count), reading| (sum + reading.temp, count + 1.0));
    Mean { from: date(batch.first()), to: date(batch.last()), celsius: sum / count }
}

/// A line that takes a while, and now and then loses what it was given.
#[derive(Debug, Default)]
struct Line {
    calls: AtomicU64,
}

#[derive(Debug, thiserror::Error)]
#[error("the line is bad")]
struct Noise;

impl Line {
    async fn send(&self, _: &Mean) -> Result<(), Noise> {
        time::sleep(Duration::from_millis(200)).await;
        if self.calls.fetch_add(1, Ordering::Relaxed) % 25 == 24 { Err(Noise) } else { Ok(()) }
    }
}

/// While all 16 calls are taken, the others wait; and when enough of them do, so does the sensor.
#[stage(concurrency = 16, retries = 3, delay = "20ms", jitter, timeout = "1s")]
async fn send(mean: &Mean, #[state] line: &Line) -> Result<Mean, Noise> {
    line.send(mean).await?;
    Ok(mean.clone())
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let readings = match read(Path::new(FILE)) {
        Ok(readings) => readings,
        Err(error) => {
            eprintln!("error: {FILE}: {error}");
            return ExitCode::FAILURE;
        }
    };
    if args.time.is_none() {
        eprintln!("Ctrl-C ends it");
    }
    let report = run(sensor(readings), args.time).await;
    // What was dropped was not sent.
    if writeln!(io::stdout(), "\n{report}").is_ok() && report.is_success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn run(readings: impl Stream<Item = Reading> + Send + 'static, time: Option<Duration>) -> Report {
    let (finish, abandon) = (CancellationToken::new(), CancellationToken::new());
    tokio::spawn(watch(time, finish.clone(), abandon.clone()));

    // A sensor that falls silent leaves a batch half full: after 100 ms it goes as it is. Failures are logged and
    // counted, and not kept: this may run for a year.
    let means = pipeline![to_celsius => batch(24, "100ms") => mean => send]
        .with(Line::default())
        .on_error(ErrorMode::Lenient)
        .cancel_on(finish.clone())
        .cancel_on(abandon);

    let mut outputs = means.stream(source::stream(readings));
    let mut sent = 0_u64;
    while let Some(output) = outputs.next().await {
        let line = match output {
            Ok(Mean { from, to, celsius }) => {
                sent += 1;
                if !sent.is_multiple_of(EVERY) {
                    continue;
                }
                format!("{sent:>6} sent   {from} to {to}: {celsius:>5.1} °C")
            }
            Err(failure) => failure.to_string(),
        };
        // Where nobody reads what is printed, that is another way to ask for the end.
        if writeln!(io::stdout(), "{line}").is_err() {
            finish.cancel();
        }
    }
    outputs.report().await
}

/// Cancels the first token when it is time or at the first Ctrl-C, and the second token at the next one.
async fn watch(time: Option<Duration>, finish: CancellationToken, abandon: CancellationToken) {
    tokio::select! {
        () = ctrl_c() => {}
        () = after(time) => {}
    }
    eprintln!("\nfinishing what is under way; Ctrl-C drops it");
    finish.cancel();
    ctrl_c().await;
    eprintln!("\ndropping what is under way");
    abandon.cancel();
}

async fn ctrl_c() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("cannot hear Ctrl-C: {error}");
        future::pending::<()>().await;
    }
}

async fn after(time: Option<Duration>) {
    match time {
        Some(time) => time::sleep(time).await,
        None => future::pending().await,
    }
}

fn read(file: &Path) -> Result<Vec<Reading>, csv::Error> {
    csv::Reader::from_path(file)?.into_deserialize().collect()
}

/// The readings, over and over, one a millisecond.
fn sensor(readings: Vec<Reading>) -> impl Stream<Item = Reading> + Send {
    let mut clock = time::interval(Duration::from_millis(1));
    // Who could not listen for a while missed nothing: the sensor waited.
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    stream::unfold((clock, readings.into_iter().cycle()), |(mut clock, mut readings)| async {
        clock.tick().await;
        readings.next().map(|reading| (reading, (clock, readings)))
    })
}
