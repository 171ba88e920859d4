//! Serializes reports, for logs and dashboards. Durations are in seconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::failure::Failure;
use super::stage_report::StageReport;
use super::summary::Report;

/// The fields are named like the methods; `elapsed` is in seconds, `started_at` in seconds since 1970, and `stopped` is `null` or such as `"gracefully"`. Needs the feature `serde`.
///
/// ```
/// use pipeline::pipeline;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let report = pipeline![|x: u32| x * 2].drain(0..10).await?;
/// let json = serde_json::to_value(&report)?;
/// assert_eq!(json["items_out"], 10);
/// assert_eq!(json["stages"][0]["calls"], 10);
/// # Ok(()) }
/// ```
impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Report", 17)?;
        fields.serialize_field("run_id", &self.run)?;
        fields.serialize_field("started_at", &self.started_at.map(seconds_since_epoch))?;
        fields.serialize_field("items_in", &self.items_in)?;
        fields.serialize_field("items_out", &self.items_out)?;
        fields.serialize_field("items_failed", &self.items_failed)?;
        fields.serialize_field("items_cancelled", &self.items_cancelled)?;
        fields.serialize_field("rows_isolated", &self.rows_isolated)?;
        fields.serialize_field("rows_extracted", &self.rows_extracted())?;
        fields.serialize_field("rows_loaded", &self.rows_loaded)?;
        fields.serialize_field("rows_failed", &self.rows_failed())?;
        fields.serialize_field("letters_lost", &self.letters_lost)?;
        fields.serialize_field("observer_panics", &self.observer_panics)?;
        fields.serialize_field("stopped", &self.stopped)?;
        fields.serialize_field("elapsed", &self.elapsed.as_secs_f64())?;
        fields.serialize_field("stages", &self.stages)?;
        fields.serialize_field("failures", &self.failures)?;
        fields.serialize_field("failures_omitted", &self.failures_omitted)?;
        fields.end()
    }
}

fn seconds_since_epoch(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64()
}

/// The fields are named like the methods. `queued` and the latencies `p50`, `p95` and `p99` are in seconds; a latency is
/// `null` if no call was timed. A boundary has no `attempts`, `retries` and `timeouts`, but `batches_closed`. Needs the feature `serde`.
impl Serialize for StageReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let latency = |percentile| self.latency(percentile).as_ref().map(Duration::as_secs_f64);
        // A boundary has no calls that could be repeated.
        let attempts = !self.is_boundary();
        let mut fields = serializer.serialize_struct("StageReport", if attempts { 13 } else { 11 })?;
        fields.serialize_field("name", self.name())?;
        fields.serialize_field("boundary", &self.is_boundary())?;
        fields.serialize_field("calls", &self.calls())?;
        fields.serialize_field("outputs", &self.outputs())?;
        if attempts {
            fields.serialize_field("attempts", &self.attempts())?;
            fields.serialize_field("retries", &self.retries())?;
            fields.serialize_field("timeouts", &self.timeouts())?;
        } else {
            fields.serialize_field("batches_closed", &self.batches_closed())?;
        }
        fields.serialize_field("failed", &self.failed())?;
        fields.serialize_field("cancelled", &self.cancelled())?;
        fields.serialize_field("p50", &latency(50.0))?;
        fields.serialize_field("p95", &latency(95.0))?;
        fields.serialize_field("p99", &latency(99.0))?;
        fields.serialize_field("queued", &self.queued().as_secs_f64())?;
        fields.end()
    }
}

/// The fields of a recorded dead letter without the item; `error` is its text with the chain of its sources. Needs the
/// feature `serde`.
impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Failure", 5)?;
        fields.serialize_field("index", &self.index)?;
        fields.serialize_field("stage", self.error.stage())?;
        fields.serialize_field("kind", &self.error.kind())?;
        fields.serialize_field("error", &format_args!("{:#}", self.error))?;
        fields.serialize_field("attempts", &self.error.attempts())?;
        fields.end()
    }
}
