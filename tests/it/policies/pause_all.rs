//! `pause_all`: the wait that a server asked for holds back all calls of the stage.

use std::time::Duration;

use pipeline::{pipeline, stage};

use crate::support::{Act, Refused, Service, ms};

#[stage(retries = 2, retry_after = requested, pause_all)]
async fn throttled(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[stage(retries = 2, retry_after = requested)]
async fn alone(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[stage]
async fn calls(#[state] service: &Service) -> Vec<u128> {
    service.calls()
}

#[allow(clippy::unnecessary_wraps)] // The signature that `retry_after` asks for.
fn requested(_: &Refused) -> Option<Duration> {
    Some(Duration::from_secs(60))
}

fn one_refusal() -> Service {
    Service::new([Act::Fail(429), Act::Answer, Act::Answer])
}

/// Runs one item, and another one 20 ms later. Returns the times of all calls.
macro_rules! run_two {
    ($pipeline:expr) => {{
        let pipeline = $pipeline;
        let later = pipeline.clone();
        let (first, second) = tokio::join!(pipeline.run(()), async {
            tokio::time::sleep(ms(20)).await;
            later.run(()).await
        });
        first.unwrap().max(second.unwrap())
    }};
}

#[tokio::test(start_paused = true)]
async fn no_call_of_the_stage_starts_before_the_wait_is_over() {
    assert_eq!(run_two!(pipeline![throttled => calls].with(one_refusal())), [0, 60_000, 60_000]);
    assert_eq!(
        run_two!(pipeline![throttled.concurrency(1) => calls].with(one_refusal())),
        [0, 60_000, 60_000]
    );
    assert_eq!(run_two!(pipeline![alone => calls].with(one_refusal())), [0, 20, 60_000]);
}

#[cfg(feature = "rate")]
#[tokio::test(start_paused = true)]
async fn after_the_pause_the_rate_holds() {
    assert_eq!(run_two!(pipeline![throttled.rate("1/s") => calls].with(one_refusal())), [0, 60_000, 61_000]);
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_pauses_the_stage_too() {
    let service = Service::new([Act::Fail(429), Act::Answer]);
    let pipeline = pipeline![throttled.retries(1) => calls].with(service);
    assert_eq!(pipeline.run(()).await.unwrap(), [0, 60_000]);
    let service = Service::new([Act::Fail(429), Act::Fail(429), Act::Answer]);
    let pipeline = pipeline![throttled.retries(1) => calls].with(service);
    assert_eq!(pipeline.run(()).await.unwrap_err().attempts(), 2);
    assert_eq!(pipeline.run(()).await.unwrap(), [0, 60_000, 120_000]);
}
