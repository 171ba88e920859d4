//! Observers that panic.

use std::sync::Arc;
use std::time::Duration;

use pipeline::{ErrorKind, ErrorMode, Observer, Outcome, Report, RunId, StageCall, pipeline, stage};

use crate::support::recording_observer::Log;
use crate::support::worker_counts::{Spread, however_spread};
use crate::support::{Refused, ms};

#[stage]
async fn step(x: u64) -> Result<u64, Refused> {
    tokio::time::sleep(ms(x % 3)).await;
    assert!(x != 7, "seven");
    if x == 5 { Err(Refused(5)) } else { Ok(x) }
}

/// Panics whatever it is told.
struct Clumsy;

impl Observer for Clumsy {
    fn run_started(&self, _: RunId) {
        panic!("started");
    }

    fn stage_started(&self, _: &StageCall<'_>) {
        panic!("stage started");
    }

    fn attempt_failed(&self, _: &StageCall<'_>, _: &pipeline::FailedAttempt) {
        panic!("attempt failed");
    }

    fn stage_finished(&self, _: &StageCall<'_>, _: &Outcome<'_>, _: Duration) {
        panic!("stage finished");
    }

    fn item_finished(&self, _: RunId, _: usize, _: &Outcome<'_>) {
        panic!("item finished");
    }

    fn run_finished(&self, _: RunId, _: &Report) {
        panic!("run finished");
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_changes_nothing_is_counted_and_hides_nothing_from_others() {
    however_spread!(|workers| {
        let log = Arc::new(Log::default());
        let line = pipeline![step => |x| x].observe(Clumsy).observe(Arc::clone(&log));
        let line = line.on_error(ErrorMode::Collect).spread(workers);
        let report = line.drain(0..8).await.unwrap();
        let said: Vec<_> = report.failures().iter().map(|it| it.error.to_string()).collect();
        assert!(said.contains(&"stage `step` panicked: seven".to_owned()), "{said:?}");
        assert!(
            said.iter().any(|text| text.starts_with("stage `step` failed in 2ms: refused with 5")),
            "{said:?}"
        );
        assert_eq!((report.items_out(), report.items_failed()), (6, 2));
        // The run's start, two for each of 8 + 6 calls, and one for each item. Its end is not in its own report.
        assert_eq!(report.observer_panics(), 1 + 2 * (8 + 6) + 8, "{workers} workers");
        log.take().check();
        let results = line.settle(0..8).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 6);
        assert_eq!(results[7].as_ref().unwrap_err().kind(), ErrorKind::Panicked);
        log.take().check();
        assert_eq!(line.run(1).await.unwrap(), 1);
        log.take().check();
        // Nor does one that panics while a run is dropped.
        assert!(tokio::time::timeout(ms(0), line.drain(vec![2; 9])).await.is_err());
    });
}
