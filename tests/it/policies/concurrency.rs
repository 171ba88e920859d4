//! Concurrency and rate: shared by all items of a run.

use std::time::Duration;

use pipeline::{pipeline, stage};
use tokio::time::Instant;

use crate::support::{Act, Gauge, Refused, Service, ms};

#[stage(concurrency = 3)]
async fn upload(x: u32, #[state] gauge: &Gauge) -> u32 {
    let _inside = gauge.enter();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(gauge.most() <= 3);
    x
}

#[tokio::test(start_paused = true)]
async fn concurrency_is_a_bound_and_is_reached() {
    let start = Instant::now();
    let results = pipeline![upload].with(Gauge::default()).settle(0..9).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    // Nine calls of a second, three at a time: neither more nor fewer.
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn clones_of_a_pipeline_share_its_limits_and_another_use_does_not() {
    let start = Instant::now();
    let pipeline = pipeline![upload].with(Gauge::default());
    let clone = pipeline.clone();
    let (a, b) = tokio::join!(pipeline.settle(0..3), clone.settle(0..3));
    assert!(a.into_iter().chain(b).all(|result| result.is_ok()));
    assert_eq!(start.elapsed(), Duration::from_secs(2));

    let start = Instant::now();
    let (one, other) = (pipeline![upload].with(Gauge::default()), pipeline![upload].with(Gauge::default()));
    tokio::join!(one.settle(0..3), other.settle(0..3));
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn an_override_changes_the_bound() {
    let start = Instant::now();
    pipeline![upload.concurrency(1)].with(Gauge::default()).settle(0..3).await;
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[stage(concurrency = 1, retries = 1, delay = "10s")]
async fn flaky(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[tokio::test(start_paused = true)]
async fn no_permit_is_held_during_a_wait() {
    // The first item fails and waits 10 s; the second goes through meanwhile.
    let service = Service::new([Act::Fail(503), Act::Slow(ms(1000)), Act::Answer]);
    let start = Instant::now();
    let pipeline = pipeline![flaky => |()| Instant::now()].with(service);
    let ends = pipeline.collect([(), ()]).await.unwrap();
    assert_eq!(ends[1] - start, ms(1000));
    assert_eq!(ends[0] - start, ms(10_000));
}

#[tokio::test(start_paused = true)]
async fn a_permit_comes_back_when_its_call_is_dropped_times_out_or_panics() {
    #[stage(concurrency = 1, timeout = "1s")]
    async fn stuck(x: u32) -> u32 {
        assert!(x != 0, "zero");
        tokio::time::sleep(Duration::from_secs(u64::from(x))).await;
        x
    }
    let pipeline = pipeline![stuck];
    let dropped = tokio::time::timeout(ms(10), pipeline.run(60)).await;
    assert!(dropped.is_err());
    let results = pipeline.settle([60, 0, 60]).await;
    assert!(results.iter().all(Result::is_err));
    let results = tokio::time::timeout(ms(10_000), pipeline.settle([0, 0])).await.unwrap();
    assert_eq!(results.len(), 2);
}

#[cfg(feature = "rate")]
mod rate {
    use super::*;

    #[stage(rate = "5/s")]
    async fn call(_x: u32, #[state] start: &Instant) -> u128 {
        start.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_starts_full_and_is_refilled_one_by_one() {
        let starts = pipeline![call].with(Instant::now()).collect(0..12).await.unwrap();
        assert_eq!(starts, [0, 0, 0, 0, 0, 200, 400, 600, 800, 1000, 1200, 1400]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_that_was_left_alone_is_full_again() {
        let pipeline = pipeline![call].with(Instant::now());
        pipeline.collect(0..5).await.unwrap();
        tokio::time::sleep(Duration::from_secs(10)).await;
        let starts = pipeline.collect(0..6).await.unwrap();
        assert_eq!(starts, [10_000, 10_000, 10_000, 10_000, 10_000, 10_200]);
    }

    #[tokio::test(start_paused = true)]
    async fn each_unit_is_what_it_says() {
        let last = async |starts: Result<Vec<u128>, pipeline::Aborted>| starts.unwrap().pop();
        let minute = pipeline![call.rate("3/min")].with(Instant::now());
        assert_eq!(last(minute.collect(0..4).await).await, Some(20_000));
        let odd = pipeline![call.rate("5/100ms")].with(Instant::now());
        assert_eq!(last(odd.collect(0..7).await).await, Some(40));
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
    async fn each_attempt_takes_a_token() {
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
    async fn the_rate_comes_before_the_permit() {
        // The second token is there at 1 s, the permit only at 5 s; the third token waits for nobody.
        let starts = pipeline![both].with(Instant::now()).collect([5000, 0, 0]).await.unwrap();
        assert_eq!(starts, [0, 5000, 5000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_gives_up_its_place_takes_no_token() {
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
    async fn a_call_whose_deadline_passes_in_the_queue_was_never_attempted() {
        let results = pipeline![impatient].settle([1, 2]).await;
        assert_eq!(results[0].as_ref().unwrap(), &1);
        let error = results[1].as_ref().unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (pipeline::ErrorKind::DeadlineExceeded, 0));
        assert_eq!(error.to_string(), "stage `impatient` ran out of time in 500ms");
    }
}
