//! Observers that panic.

use std::sync::Arc;
use std::time::Duration;

use pipeline::{ErrorKind, ErrorMode, Observer, Outcome, Report, RunId, StageCall, pipeline, stage};

use crate::support::recording_observer::RecordingObserver;
use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Refused, ms};

#[stage]
async fn step(x: u64) -> Result<u64, Refused> {
    tokio::time::sleep(ms(x % 3)).await;
    assert!(x != 7, "seven");
    if x == 5 { Err(Refused(5)) } else { Ok(x) }
}

/// Panics in each of its methods.
struct PanickingObserver;

impl Observer for PanickingObserver {
    fn run_started(&self, _: RunId) {
        panic!("started");
    }

    fn stage_started(&self, _: &StageCall<'_>) {
        panic!("stage started");
    }

    fn attempt_failed(&self, _: &StageCall<'_>, _: &pipeline::FailedAttempt) {
        panic!("attempt failed");
    }

    fn stage_finished(&self, _: &StageCall<'_>, _: &Outcome, _: Duration) {
        panic!("stage finished");
    }

    fn item_finished(&self, _: RunId, _: usize, _: &Outcome) {
        panic!("item finished");
    }

    fn run_finished(&self, _: RunId, _: &Report) {
        panic!("run finished");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_observer_is_counted_and_does_not_affect_the_run_or_other_observers() {
    for_each_worker_count!(|workers| {
        let observer = Arc::new(RecordingObserver::default());
        let pipeline = pipeline![step => |x| x].observe(PanickingObserver).observe(Arc::clone(&observer));
        let pipeline = pipeline.on_error(ErrorMode::Collect).on_workers(workers);
        let report = pipeline.drain(0..8).await.unwrap();
        let said: Vec<_> = report.failures().iter().map(|it| format!("{:#}", it.error)).collect();
        assert!(said.contains(&"stage `step` panicked: seven".to_owned()), "{said:?}");
        assert!(
            said.iter().any(|text| text.starts_with("stage `step` failed in 2ms: refused with 5")),
            "{said:?}"
        );
        assert_eq!((report.items_out(), report.items_failed()), (6, 2));
        // One for the start of the run, two for each of 8 + 6 calls, one for each item. The report cannot count
        // the panic at the run's own end.
        assert_eq!(report.observer_panics(), 1 + 2 * (8 + 6) + 8, "{workers} workers");
        observer.take_record().check();
        let results = pipeline.settle(0..8).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 6);
        assert_eq!(results[7].as_ref().unwrap_err().kind(), ErrorKind::Panicked);
        observer.take_record().check();
        assert_eq!(pipeline.run(1).await.unwrap(), 1);
        observer.take_record().check();
        // A panic while the run is dropped is harmless, too.
        assert!(tokio::time::timeout(ms(0), pipeline.drain(vec![2; 9])).await.is_err());
    });
}
