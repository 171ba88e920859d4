//! Reports and error kinds as JSON.

use pipeline::{ErrorKind, ErrorMode, pipeline, stage};
use serde_json::{Value, json};

use crate::support::Refused;

#[stage(retries = 1, delay = "1ms")]
async fn fetch(id: u64) -> Result<u64, Refused> {
    tokio::task::yield_now().await;
    if id.is_multiple_of(3) { Err(Refused(503)) } else { Ok(id) }
}

#[test]
fn error_kinds_are_written_in_snake_case_and_read_back() {
    for (kind, name) in [
        (ErrorKind::Failed, "failed"),
        (ErrorKind::TimedOut, "timed_out"),
        (ErrorKind::DeadlineExceeded, "deadline_exceeded"),
        (ErrorKind::Panicked, "panicked"),
        (ErrorKind::Cancelled, "cancelled"),
    ] {
        assert_eq!(serde_json::to_value(kind).unwrap(), json!(name));
        assert_eq!(serde_json::from_value::<ErrorKind>(json!(name)).unwrap(), kind);
    }
}

#[tokio::test]
async fn a_report_serializes_to_json_with_consistent_counts() {
    let pipeline = pipeline![|id: u64| id => fetch => |id| vec![id; 2] => each => |id| id + 1];
    let report = pipeline.on_error(ErrorMode::Collect).drain(0..10).await.unwrap();
    let json = serde_json::to_value(&report).unwrap();
    let count = |value: &Value| value.as_u64().unwrap();

    assert_eq!((count(&json["items_in"]), count(&json["items_out"])), (10, 12));
    assert_eq!((count(&json["items_failed"]), count(&json["items_cancelled"])), (4, 0));
    assert_eq!((count(&json["rows_isolated"]), count(&json["letters_lost"])), (0, 0));
    assert_eq!((count(&json["observer_panics"]), count(&json["failures_omitted"])), (0, 0));
    assert_eq!((count(&json["rows_extracted"]), count(&json["rows_loaded"])), (12, 12));
    assert_eq!(count(&json["rows_failed"]), 4);
    assert_eq!(json["run_id"], report.run_id().to_string());
    let started = report.started_at().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!((json["started_at"].as_f64().unwrap() - started.as_secs_f64()).abs() < 1e-3);
    assert!((json["elapsed"].as_f64().unwrap() - report.elapsed().as_secs_f64()).abs() < 1e-9);

    let stages = json["stages"].as_array().unwrap();
    assert_eq!(stages.len(), report.stages().len());
    for (stage, next) in stages.iter().zip(&stages[1..]) {
        assert_eq!(stage["outputs"], next["calls"], "{json:#}");
    }
    for stage in stages {
        let gone = count(&stage["failed"]) + count(&stage["cancelled"]);
        assert!(stage["boundary"] == true || count(&stage["calls"]) == count(&stage["outputs"]) + gone);
    }
    let fetch = &stages[1];
    assert_eq!(fetch["name"], "fetch");
    assert_eq!((count(&fetch["calls"]), count(&fetch["failed"])), (10, 4));
    assert_eq!((count(&fetch["attempts"]), count(&fetch["retries"]), count(&fetch["timeouts"])), (14, 4, 0));
    let latencies = ["p50", "p95", "p99"].map(|name| fetch[name].as_f64().unwrap());
    assert!(latencies.is_sorted() && latencies[2] < 10.0, "in seconds: {latencies:?}");
    assert_eq!(fetch["queued"], json!(report.stages()[1].queued().as_secs_f64()));

    let failures = json["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 4);
    let mut indices: Vec<_> = failures.iter().map(|failure| count(&failure["index"])).collect();
    indices.sort_unstable();
    assert_eq!(indices, [0, 3, 6, 9]);
    for failure in failures {
        assert_eq!((&failure["stage"], &failure["kind"]), (&json!("fetch"), &json!("failed")));
        assert_eq!(failure["attempts"], 2);
        assert!(failure["error"].as_str().unwrap().starts_with("stage `fetch` failed after 2 attempts"));
    }
}
