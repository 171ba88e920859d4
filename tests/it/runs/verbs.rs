//! The verbs that take many items: `settle`, `collect`, `drain` and `stream`.

use pipeline::{pipeline, stage};

use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Refused, ms};

#[stage]
async fn odd(x: u64) -> Result<u64, Refused> {
    // Later items finish earlier.
    tokio::time::sleep(ms(100 - x)).await;
    if x % 2 == 1 { Ok(x * 10) } else { Err(Refused(u16::try_from(x).unwrap())) }
}

#[tokio::test(start_paused = true)]
async fn settle_gives_each_input_its_own_result_at_its_index() {
    let results = pipeline![odd].settle(0..6).await;
    let said: Vec<_> =
        results.iter().map(|result| result.as_ref().map_err(|error| format!("{error:#}"))).collect();
    assert_eq!(said[1], Ok(&10));
    assert_eq!(said[5], Ok(&50));
    assert_eq!(said[4], Err("stage `odd` failed in 96ms: refused with 4".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn collect_gives_all_outputs_in_order() {
    assert_eq!(pipeline![odd].collect([1, 3, 5]).await.unwrap(), [10, 30, 50]);
}

#[tokio::test(start_paused = true)]
async fn collect_stops_at_the_earliest_failure_and_reports_its_index() {
    // The last item finishes first, and fails.
    let aborted = pipeline![odd].collect([1, 3, 4, 5, 6]).await.unwrap_err();
    assert_eq!(aborted.failure.index, 4);
    assert_eq!(aborted.failure.error.downcast_ref(), Some(&Refused(6)));
    let report = &aborted.report;
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (5, 0, 1));
    assert_eq!(report.items_cancelled(), 4);
    assert!(!report.is_success());
}

#[tokio::test]
async fn settle_and_collect_accept_an_empty_source() {
    assert!(pipeline![odd].settle([]).await.is_empty());
    assert!(pipeline![odd].collect([]).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn clones_of_a_pipeline_run_concurrently_in_spawned_tasks() {
    let pipeline = pipeline![odd];
    let runs: Vec<_> = [1, 3]
        .map(|x| {
            let pipeline = pipeline.clone();
            tokio::spawn(async move { pipeline.run(x).await })
        })
        .into();
    let mut outputs = Vec::new();
    for run in runs {
        outputs.push(run.await.unwrap().unwrap());
    }
    assert_eq!(outputs, [10, 30]);
}

#[stage]
async fn pass(x: usize) -> usize {
    tokio::time::sleep(ms(1)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn every_verb_handles_zero_one_and_a_few_items() {
    for_each_worker_count!(|workers| {
        for n in [0_usize, 1, 5] {
            let pipeline = pipeline![pass => |x| x].concurrency(50).on_workers(workers);
            let split = pipeline![pass => |x| [x] => each => batch(3) => |xs| xs].concurrency(50);
            let split = split.on_workers(workers);
            let all: Vec<_> = (0..n).collect();
            assert_eq!(pipeline.collect(0..n).await.unwrap(), all);
            assert_eq!(pipeline.settle(0..n).await.into_iter().map(Result::unwrap).collect::<Vec<_>>(), all);
            let report = pipeline.drain(0..n).await.unwrap();
            assert_eq!((report.items_in(), report.items_out()), (n, n));
            assert!(report.is_success());
            assert_eq!(pipeline.stream(0..n).report().await.items_out(), n);
            assert_eq!(split.collect(0..n).await.unwrap().concat(), all);
            let batches = n.div_ceil(3);
            assert_eq!(split.drain(0..n).await.unwrap().items_out(), batches);
            assert_eq!(split.stream(0..n).report().await.items_out(), batches);
        }
    });
}
