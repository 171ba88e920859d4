//! Many items through one pipeline: `settle` and `collect`.

use std::time::Duration;

use pipeline::{pipeline, stage};
use tokio::time::Instant;

use crate::support::{Gauge, Refused, ms};

#[stage]
async fn odd(x: u64) -> Result<u64, Refused> {
    // Later items are done sooner.
    tokio::time::sleep(ms(100 - x)).await;
    if x % 2 == 1 { Ok(x * 10) } else { Err(Refused(u16::try_from(x).unwrap())) }
}

#[tokio::test(start_paused = true)]
async fn settle_gives_each_input_its_own_result_in_its_place() {
    let results = pipeline![odd].settle(0..6).await;
    let said: Vec<_> = results.iter().map(|result| result.as_ref().map_err(ToString::to_string)).collect();
    assert_eq!(said[1], Ok(&10));
    assert_eq!(said[5], Ok(&50));
    assert_eq!(said[4], Err("stage `odd` failed in 96ms: refused with 4".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn collect_gives_all_outputs_in_order() {
    assert_eq!(pipeline![odd].collect([1, 3, 5]).await.unwrap(), [10, 30, 50]);
}

#[tokio::test(start_paused = true)]
async fn collect_gives_up_at_the_first_failure_in_time_and_says_where() {
    // The last item is done first, and fails.
    let aborted = pipeline![odd].collect([1, 3, 4, 5, 6]).await.unwrap_err();
    assert_eq!(aborted.failure.index, 4);
    assert_eq!(aborted.failure.error.downcast_ref(), Some(&Refused(6)));
    let report = &aborted.report;
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (5, 0, 1));
    assert_eq!(report.items_cancelled(), 4);
    assert!(!report.is_success());
}

#[tokio::test]
async fn no_items_are_no_trouble() {
    assert!(pipeline![odd].settle([]).await.is_empty());
    assert!(pipeline![odd].collect([]).await.unwrap().is_empty());
}

#[stage]
async fn gauged(#[state] gauge: &Gauge) -> usize {
    let _inside = gauge.enter();
    tokio::time::sleep(Duration::from_secs(1)).await;
    gauge.most()
}

#[tokio::test(start_paused = true)]
async fn as_many_items_are_under_way_as_concurrency_says() {
    let start = Instant::now();
    let most = pipeline![gauged].with(Gauge::default()).concurrency(4).collect(vec![(); 12]).await;
    assert_eq!(most.unwrap().into_iter().max(), Some(4));
    assert_eq!(start.elapsed(), Duration::from_secs(3));

    let most = pipeline![gauged].with(Gauge::default()).collect(vec![(); 200]).await;
    assert_eq!(most.unwrap().into_iter().max(), Some(64));
}

#[test]
#[should_panic(expected = "a pipeline with `concurrency(0)` would never take an item")]
fn no_concurrency_at_all_is_refused() {
    let _ = pipeline![odd].concurrency(0);
}

#[tokio::test(start_paused = true)]
async fn pipelines_run_at_the_same_time_and_in_tasks_of_their_own() {
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
