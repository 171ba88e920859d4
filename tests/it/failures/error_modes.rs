//! Error modes: what a failure means to the rest of a run.

use std::sync::{Arc, Mutex};

use pipeline::{ErrorKind, ErrorMode, StageError, pipeline, stage};
use tokio::time::Instant;

use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Gauge, Refused, ms};

/// Sleeps for `x` milliseconds. Then 30 fails and 31 panics.
#[stage]
async fn work(x: u64, #[state] gauge: &Arc<Gauge>) -> Result<u64, Refused> {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(x)).await;
    assert!(x != 31, "31 is odd");
    if x == 30 { Err(Refused(30)) } else { Ok(x) }
}

#[tokio::test(start_paused = true)]
async fn strict_cancels_the_other_items_and_reports_what_failed() {
    for_each_worker_count!(|workers| {
        let gauge = Arc::new(Gauge::default());
        let pipeline = pipeline![work => |x| x].with(Arc::clone(&gauge)).concurrency(4).on_workers(workers);
        for verb in ["drain", "collect"] {
            let start = Instant::now();
            let items = [10, 500, 30, 500, 500, 500, 500];
            let aborted = match verb {
                "drain" => pipeline.drain(items).await.unwrap_err(),
                _ => pipeline.collect(items).await.unwrap_err(),
            };
            assert_eq!(
                (start.elapsed(), gauge.now()),
                (ms(30), 0),
                "{verb} ends immediately and drops all calls"
            );
            assert_eq!((aborted.failure.index, aborted.failure.error.stage()), (2, "work"));
            assert_eq!(aborted.failure.error.downcast_ref(), Some(&Refused(30)));
            let report = &aborted.report;
            // A free slot takes the next item before the failure is known, and items are queued for workers before
            // a slot is free.
            assert!((5..=7).contains(&report.items_in()), "{report}");
            assert_eq!((report.items_out(), report.items_failed(), report.is_success()), (1, 1, false));
            assert_eq!(report.items_cancelled(), report.items_in() - 2);
            let stage = &report.stages()[0];
            assert_eq!((stage.outputs(), stage.failed(), stage.cancelled()), (1, 1, stage.calls() - 2));
            assert!(format!("{aborted:#}").starts_with("item 2: stage `work` failed in 30ms ("));
        }
    });
}

#[tokio::test(start_paused = true)]
async fn strict_aborts_at_a_panic() {
    for_each_worker_count!(|workers| {
        let pipeline = pipeline![work].with(Arc::<Gauge>::default()).on_workers(workers);
        let aborted = pipeline.drain([31, 500]).await.unwrap_err();
        assert_eq!(aborted.failure.error.kind(), ErrorKind::Panicked);
        assert_eq!(format!("{:#}", aborted.failure.error), "stage `work` panicked: 31 is odd");
        assert_eq!((aborted.report.items_failed(), aborted.report.items_cancelled()), (1, 1));
    });
}

#[tokio::test(start_paused = true)]
async fn a_strict_stream_ends_after_its_first_failure() {
    for_each_worker_count!(|workers| {
        let gauge = Arc::new(Gauge::default());
        let pipeline = pipeline![work].with(Arc::clone(&gauge)).concurrency(8).on_workers(workers);
        let mut outputs = pipeline.stream([40, 30, 20, 500, 500]);
        assert_eq!(outputs.next().await.unwrap().unwrap(), 40);
        let failure = outputs.next().await.unwrap().unwrap_err();
        assert_eq!((failure.index, failure.error.downcast_ref()), (1, Some(&Refused(30))));
        assert!(outputs.next().await.is_none());
        let report = outputs.report().await;
        assert_eq!((report.items_out(), report.items_failed(), report.items_cancelled()), (1, 1, 3));
        assert_eq!(gauge.now(), 0);
    });
}

#[tokio::test(start_paused = true)]
async fn lenient_and_collect_continue_after_a_failure() {
    for_each_worker_count!(|workers| {
        for mode in [ErrorMode::Lenient, ErrorMode::Collect] {
            let pipeline = pipeline![work].with(Arc::<Gauge>::default()).on_error(mode).on_workers(workers);
            let items = [50, 31, 10, 30, 20];
            let report = pipeline.drain(items).await.unwrap();
            assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (5, 3, 2));
            let kept: Vec<_> = report.failures().iter().map(|failure| failure.index).collect();
            assert_eq!(kept, [3, 1], "in the order of time");

            let aborted = pipeline.collect(items).await.unwrap_err();
            assert_eq!(aborted.failure.index, 3, "the earliest failure");
            let report = aborted.report;
            assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (5, 3, 2));

            let mut outputs = pipeline.stream(items);
            let mut said = Vec::new();
            while let Some(output) = outputs.next().await {
                said.push(output.map_err(|failure| failure.index));
            }
            assert_eq!(said, [Ok(50), Err(1), Ok(10), Err(3), Ok(20)], "in the order of the inputs");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn only_collect_keeps_more_failures_than_the_limit() {
    #[stage]
    async fn refuse(x: u32) -> Result<u32, Refused> {
        Err(Refused(u16::try_from(x).unwrap_or(0)))
    }

    for_each_worker_count!(|workers| {
        let refuse = pipeline![refuse].on_workers(workers);
        for (mode, limit, kept) in [
            (ErrorMode::Lenient, None, 100),
            (ErrorMode::Lenient, Some(3), 3),
            (ErrorMode::Lenient, Some(0), 0),
            (ErrorMode::Collect, Some(3), 150),
        ] {
            let refuse = refuse.clone().on_error(mode);
            let refuse = match limit {
                Some(limit) => refuse.keep_failures(limit),
                None => refuse,
            };
            let report = refuse.drain(0..150).await.unwrap();
            let counts = (report.failures().len(), report.failures_omitted(), report.items_failed());
            assert_eq!(counts, (kept, 150 - kept, 150), "{mode:?} {limit:?}");
            let says = format!("; {} more failures than were kept", 150 - kept);
            assert_eq!(report.to_string().contains(&says), kept < 150, "{report}");
        }
        let aborted = refuse.drain(0..150).await.unwrap_err();
        assert_eq!(aborted.report.failures()[0].index, aborted.failure.index, "of a strict run too");
    });
}

#[tokio::test(start_paused = true)]
async fn gather_throws_nothing_away_in_any_mode() {
    for_each_worker_count!(|workers| {
        let work = pipeline![work].with(Arc::<Gauge>::default()).on_workers(workers);
        for mode in [ErrorMode::Lenient, ErrorMode::Collect] {
            let gathered = work.clone().on_error(mode).gather([50, 31, 10, 30, 20]).await;
            assert_eq!(gathered.outputs, [50, 10, 20], "in the order of the inputs");
            let failed: Vec<_> = gathered.report.failures().iter().map(|failure| failure.index).collect();
            assert_eq!(failed, [3, 1]);
            let finished = work.clone().on_error(mode).unordered().gather([50, 31, 10, 30, 20]).await;
            assert_eq!(finished.outputs, [10, 20, 50], "in the order of time");
        }
        // 10 and 20 finish before 30 fails, and 50 is dropped.
        let gathered = work.unordered().gather([50, 30, 10, 20]).await;
        assert_eq!(gathered.outputs, [10, 20]);
        let report = gathered.report;
        assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (4, 2, 1));
        assert_eq!((report.items_cancelled(), report.failures()[0].index), (1, 1));
    });
}

#[tokio::test]
async fn gather_has_boundaries_and_what_ended_the_run() {
    #[stage]
    fn halve(rows: Vec<u32>) -> Result<u32, Refused> {
        if rows.contains(&3) { Err(Refused(400)) } else { Ok(rows.iter().sum()) }
    }

    let sums = pipeline![|to: u32| 0..to => each => batch(2) => halve].on_error(ErrorMode::Lenient);
    let gathered = sums.gather([4, 2]).await;
    assert_eq!(gathered.outputs, [1, 1]);
    assert_eq!((gathered.report.items_failed(), gathered.report.failures().len()), (2, 1));

    let gathered = sums.gather(Vec::new()).await;
    assert!(gathered.outputs.is_empty() && gathered.report.is_success());
    let failed = pipeline![|rows: Vec<u32>| rows.len()].gather(Err::<Vec<u32>, _>(std::fmt::Error)).await;
    assert!(!failed.report.is_success());
    assert_eq!(failed.report.failures()[0].error.stage(), "source");
}

#[tokio::test(start_paused = true)]
async fn settle_gives_each_item_its_own_result_in_every_mode() {
    for_each_worker_count!(|workers| {
        for mode in [ErrorMode::Strict, ErrorMode::Lenient, ErrorMode::Collect] {
            let pipeline = pipeline![work].with(Arc::<Gauge>::default()).on_error(mode).on_workers(workers);
            let results = pipeline.settle([50, 30, 10]).await;
            let said: Vec<_> = results.iter().map(|it| it.as_ref().map_err(StageError::kind)).collect();
            assert_eq!(said, [Ok(&50), Err(ErrorKind::Failed), Ok(&10)]);
        }
    });
}

/// Fails late at 1.
#[stage]
async fn late(x: u64) -> Result<u64, Refused> {
    match x {
        1 => {
            tokio::time::sleep(ms(100)).await;
            Err(Refused(1))
        }
        _ => Ok(x),
    }
}

#[stage]
fn write(rows: Vec<u64>, #[state] written: &Arc<Mutex<Vec<u64>>>) {
    written.lock().unwrap().extend(rows);
}

#[tokio::test(start_paused = true)]
async fn a_strict_stream_passes_on_nothing_behind_a_failed_item() {
    for_each_worker_count!(|workers| {
        let written = Arc::<Mutex<Vec<u64>>>::default();
        let pipeline = pipeline![late => batch(2) => write].with(Arc::clone(&written)).on_workers(workers);
        let mut outputs = pipeline.stream(0..10);
        assert!(outputs.next().await.unwrap().is_ok());
        assert_eq!(outputs.next().await.unwrap().unwrap_err().index, 1);
        assert!(outputs.next().await.is_none());
        let report = outputs.report().await;
        assert_eq!((report.items_failed(), report.items_out()), (1, 1), "{report}");
        // What was in the batch when the item failed is written; nothing else.
        assert_eq!(*written.lock().unwrap(), [0], "{workers} workers");
    });
}

#[stage]
fn not_three(x: u64) -> Result<u64, Refused> {
    if x == 3 { Err(Refused(3)) } else { Ok(x) }
}

#[tokio::test(start_paused = true)]
async fn a_strict_stream_puts_ready_items_behind_a_failed_one_into_no_batch() {
    for_each_worker_count!(|workers| {
        let mut outputs = pipeline![not_three => batch(10)].on_workers(workers).stream(1..=9);
        assert_eq!(outputs.next().await.unwrap().unwrap(), [1, 2]);
        assert_eq!(outputs.next().await.unwrap().unwrap_err().index, 2);
        assert!(outputs.next().await.is_none());
    });
}
