//! What observers are told of runs that are stopped; and observers that panic.

use std::sync::Arc;
use std::time::Duration;

use pipeline::{ErrorKind, ErrorMode, Observer, Outcome, Report, RunId, StageCall, pipeline, stage};
use tokio_util::sync::CancellationToken;

use crate::observers::calls::{End, Log, step};
use crate::support::worker_counts::{Spread, however_spread};
use crate::support::{Refused, ms};

#[stage]
async fn slow(x: u64) -> Result<u64, Refused> {
    tokio::time::sleep(ms(x)).await;
    if x == 30 { Err(Refused(30)) } else { Ok(x) }
}

#[tokio::test(start_paused = true)]
async fn calls_and_items_that_a_strict_run_gives_up_are_told_as_cancelled() {
    however_spread!(|workers| {
        let log = Arc::new(Log::default());
        let line = pipeline![slow => |x| x].observe(Arc::clone(&log)).concurrency(4).spread(workers);
        line.drain([10, 30, 500, 500, 500, 500]).await.unwrap_err();
        let told = log.take();
        told.check();
        assert_eq!(told.ends("slow")[..4], [End::Done, End::Failed, End::Cancelled, End::Cancelled]);
        assert_eq!(told.items()[..4], [End::Done, End::Failed, End::Cancelled, End::Cancelled]);
        // What is done and waits for its turn is not out: its call is done, and it is given up.
        line.stream([500, 10, 30]).report().await;
        let told = log.take();
        told.check();
        assert_eq!(told.items(), [End::Done, End::Done, End::Failed]);
        line.collect([500, 10, 30]).await.unwrap_err();
        let told = log.take();
        told.check();
        assert_eq!(told.ends("slow"), [End::Cancelled, End::Done, End::Failed]);
        assert_eq!(told.items(), [End::Cancelled, End::Cancelled, End::Failed]);
    });
}

#[tokio::test(start_paused = true)]
async fn calls_and_items_that_a_second_token_stops_are_told_as_cancelled() {
    however_spread!(|workers| {
        let log = Arc::new(Log::default());
        for verb in ["drain", "collect", "stream", "settle", "run"] {
            let tokens = [CancellationToken::new(), CancellationToken::new()];
            let line = pipeline![slow].observe(Arc::clone(&log)).concurrency(4).spread(workers);
            let line = tokens.iter().fold(line, |line, token| line.cancel_on(token.clone()));
            tokio::spawn(async move {
                tokio::time::sleep(ms(150)).await;
                tokens.iter().for_each(CancellationToken::cancel);
            });
            let items = vec![100, 500, 500, 500, 500, 500];
            match verb {
                "drain" => drop(line.drain(items).await.unwrap()),
                "collect" => drop(line.collect(items).await.unwrap_err()),
                "stream" => drop(line.stream(items).report().await),
                "settle" => drop(line.settle(items).await),
                _ => assert_eq!(line.run(500).await.unwrap_err().kind(), ErrorKind::Cancelled),
            }
            let told = log.take();
            told.check();
            let cancelled = told.ends("slow").iter().filter(|end| **end == End::Cancelled).count();
            assert_eq!(cancelled, if verb == "run" { 1 } else { 4 }, "{verb}, {workers} workers");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn calls_and_items_of_a_future_that_is_dropped_are_told_as_cancelled() {
    however_spread!(|workers| {
        let log = Arc::new(Log::default());
        let line = pipeline![slow].observe(Arc::clone(&log)).concurrency(3).spread(workers);
        for verb in ["drain", "collect", "stream", "settle", "run"] {
            let items = vec![100, 500, 500, 500, 500, 500];
            let time = ms(150);
            match verb {
                "drain" => drop(tokio::time::timeout(time, line.drain(items)).await.unwrap_err()),
                "collect" => drop(tokio::time::timeout(time, line.collect(items)).await.unwrap_err()),
                "stream" => drop(tokio::time::timeout(time, line.stream(items).report()).await.unwrap_err()),
                "settle" => drop(tokio::time::timeout(time, line.settle(items)).await.unwrap_err()),
                _ => drop(tokio::time::timeout(time, line.run(500)).await.unwrap_err()),
            }
            // Tasks that are aborted are dropped when their runtime comes to them.
            tokio::time::sleep(ms(1)).await;
            // Those tasks end by themselves, so their calls may end after the run.
            let told = log.take_late();
            let items = told.finished[0].items_in();
            assert_eq!(told.items.len(), items, "{verb}, {workers} workers: each item ends");
            let expected = if verb == "run" { 1 } else { 3 };
            let cancelled = told.ends("slow").iter().filter(|end| **end == End::Cancelled).count();
            assert_eq!(cancelled, expected, "{verb}, {workers} workers");
        }
    });
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
