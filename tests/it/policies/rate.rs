//! The rate of a stage: a sliding window that all items, workers and clones of a pipeline share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use pipeline::{pipeline, stage};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Act, Refused, Service, ms};

#[stage(rate = "5/s")]
async fn call(_x: u32, #[state] start: &Instant) -> u128 {
    start.elapsed().as_millis()
}

#[tokio::test(start_paused = true)]
async fn as_many_calls_start_in_a_period_as_the_rate_says() {
    let starts = pipeline![call].with(Instant::now()).collect(0..12).await.unwrap();
    assert_eq!(starts, [0, 0, 0, 0, 0, 1000, 1000, 1000, 1000, 1000, 2000, 2000]);
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_as_many_calls_start_at_once() {
    let pipeline = pipeline![call].with(Instant::now());
    pipeline.collect(0..5).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let starts = pipeline.collect(0..6).await.unwrap();
    assert_eq!(starts, [10_000, 10_000, 10_000, 10_000, 10_000, 11_000]);
}

#[tokio::test(start_paused = true)]
async fn a_rate_can_be_per_minute_or_per_any_period() {
    let last = async |starts: Result<Vec<u128>, pipeline::Aborted>| starts.unwrap().pop();
    let minute = pipeline![call.rate("3/min")].with(Instant::now());
    assert_eq!(last(minute.collect(0..4).await).await, Some(60_000));
    let odd = pipeline![call.rate("5/100ms")].with(Instant::now());
    assert_eq!(last(odd.collect(0..7).await).await, Some(100));
}

#[stage(rate = "4/s", burst = 1)]
async fn spaced(_x: u32, #[state] start: &Instant) -> u128 {
    start.elapsed().as_millis()
}

#[tokio::test(start_paused = true)]
async fn a_burst_limits_the_calls_that_start_at_once() {
    let starts = pipeline![spaced].with(Instant::now()).collect(0..6).await.unwrap();
    assert_eq!(starts, [0, 250, 500, 750, 1000, 1250]);
    let starts = pipeline![spaced.burst(2)].with(Instant::now()).collect(0..6).await.unwrap();
    assert_eq!(starts, [0, 0, 500, 500, 1000, 1000]);
    // A burst that does not divide the count never exceeds the rate.
    let starts = pipeline![spaced.burst(3)].with(Instant::now()).collect(0..6).await.unwrap();
    assert_eq!(starts, [0, 0, 0, 1000, 1000, 1000]);
}

#[stage(rate = "1/s", retries = 2, backoff = "fixed", delay = "100ms")]
async fn attempt(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[stage]
async fn calls(#[state] service: &Service) -> Vec<u128> {
    service.calls()
}

#[tokio::test(start_paused = true)]
async fn each_attempt_counts_as_a_start() {
    let service = Service::new([Act::Fail(503), Act::Fail(503), Act::Answer]);
    let pipeline = pipeline![attempt => calls].with(service);
    assert_eq!(pipeline.run(()).await.unwrap(), [0, 1000, 2000]);
}

#[stage(rate = "1/s", concurrency = 1)]
async fn both(x: u32, #[state] start: &Instant) -> u128 {
    let now = start.elapsed().as_millis();
    tokio::time::sleep(Duration::from_millis(u64::from(x))).await;
    now
}

#[tokio::test(start_paused = true)]
async fn what_counts_is_when_a_call_starts_with_its_permit() {
    // All wait for the permit until 5 s, and then start one per second.
    let starts = pipeline![both].with(Instant::now()).collect([5000, 0, 0]).await.unwrap();
    assert_eq!(starts, [0, 5000, 6000]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_waits_counts_as_no_start() {
    let pipeline = pipeline![call.rate("1/s")].with(Instant::now());
    pipeline.run(0).await.unwrap();
    assert!(tokio::time::timeout(ms(500), pipeline.run(1)).await.is_err());
    assert_eq!(pipeline.run(2).await.unwrap(), 1000);
}

#[stage(rate = "1/s", deadline = "500ms")]
async fn impatient(x: u32) -> u32 {
    x
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_deadline_passes_while_it_waits_for_the_rate_is_never_attempted() {
    let results = pipeline![impatient].settle([1, 2]).await;
    assert_eq!(results[0].as_ref().unwrap(), &1);
    let error = results[1].as_ref().unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (pipeline::ErrorKind::DeadlineExceeded, 0));
    assert_eq!(format!("{error:#}"), "stage `impatient` ran out of time in 500ms");
}

#[stage(rate = "5/s")]
async fn paced(x: u64, #[state] start: &Instant) -> (u64, u128) {
    (x, start.elapsed().as_millis())
}

#[tokio::test(start_paused = true)]
async fn the_rate_of_a_stage_is_shared_by_all_workers_and_clones_and_reached() {
    for_each_worker_count!(|workers| {
        let pipeline = pipeline![paced].with(Instant::now()).on_workers(workers);
        let other = pipeline.clone();
        let (mine, others) = tokio::join!(pipeline.collect(0..6), other.collect(0..6));
        let mut starts: Vec<_> = mine.unwrap().into_iter().chain(others.unwrap()).map(|(_, at)| at).collect();
        starts.sort_unstable();
        assert_eq!(starts, [0, 0, 0, 0, 0, 1000, 1000, 1000, 1000, 1000, 2000, 2000], "{workers} workers");
    });
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_that_nobody_polls_delays_no_other() {
    let pipeline = pipeline![call.rate("2/s")].with(Instant::now());
    pipeline.collect(0..2).await.unwrap();
    // As many wait as start in a period. They are polled once, and then kept aside.
    let mut kept = Vec::new();
    for x in 0..3 {
        let mut run = Box::pin(pipeline.run(x));
        assert!(run.as_mut().now_or_never().is_none());
        kept.push(run);
    }
    let others = tokio::time::timeout(Duration::from_secs(60), pipeline.collect(0..4)).await;
    let others = others.expect("a call that nobody polls stops the others").unwrap();
    // They are passed over once their turn is over.
    assert!(others.iter().all(|start| *start <= 5000), "{others:?}");
    for run in kept {
        run.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn calls_behind_a_dropped_one_move_up() {
    let pipeline = pipeline![call.rate("1/s")].with(Instant::now());
    pipeline.run(0).await.unwrap();
    let (dropped, moved_up) = (pipeline.clone(), pipeline.clone());
    let dropped = tokio::spawn(async move { dropped.run(1).await });
    tokio::task::yield_now().await;
    let moved_up = tokio::spawn(async move { moved_up.run(2).await });
    tokio::time::sleep(ms(500)).await;
    dropped.abort();
    assert_eq!(moved_up.await.unwrap().unwrap(), 1000);
}

/// Takes as long as its input says, and fails if that is a multiple of three.
#[stage(rate = "7/s", retries = 1, delay = "20ms", timeout = "300ms")]
async fn random_length(length: u64, #[state] starts: &Arc<Mutex<Vec<Instant>>>) -> Result<(), Refused> {
    starts.lock().unwrap().push(Instant::now());
    tokio::time::sleep(ms(length)).await;
    if length.is_multiple_of(3) { Err(Refused(3)) } else { Ok(()) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// With calls of any length, retries, and calls that are dropped while they wait or run.
    #[test]
    fn no_window_has_more_starts_than_the_rate_says(
        calls in proptest::collection::vec((0_u64..400, 0_u64..3000, proptest::option::of(0_u64..2000)), 1..60),
        limited in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let mut starts = runtime.block_on(async {
            let starts = Arc::<Mutex<Vec<Instant>>>::default();
            let plain = pipeline![random_length].with(Arc::clone(&starts));
            let few = pipeline![random_length.concurrency(2)].with(Arc::clone(&starts));
            let mut tasks = tokio::task::JoinSet::new();
            for (length, begins, dropped_after) in calls {
                let (plain, few) = (plain.clone(), few.clone());
                tasks.spawn(async move {
                    tokio::time::sleep(ms(begins)).await;
                    let run = async { if limited { few.run(length).await } else { plain.run(length).await } };
                    let limit = ms(dropped_after.unwrap_or(1_000_000));
                    drop(tokio::time::timeout(limit, run).await);
                });
            }
            tasks.join_all().await;
            std::mem::take(&mut *starts.lock().unwrap())
        });
        starts.sort_unstable();
        for window in starts.windows(8) {
            let span = window[7] - window[0];
            prop_assert!(span >= Duration::from_secs(1), "8 starts in {span:?}");
        }
    }
}

/// Waits for its turn, and then for the rate, which has room. The clock is the real one: it goes on between two looks at it.
#[stage(rate = "1000/s", in_order)]
async fn admitted(x: u32) -> u32 {
    x
}

#[tokio::test]
async fn a_call_that_need_not_wait_starts_on_the_real_clock_too() {
    // It takes no time. A call that never starts is to fail the test, and not to hang it.
    let run = pipeline![admitted];
    let started = tokio::time::timeout(Duration::from_secs(10), run.run(1)).await;
    assert_eq!(started.expect("the call starts").unwrap(), 1);
}
