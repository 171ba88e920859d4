//! Retries, and the backoff between the attempts.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipeline::{Context, ErrorKind, pipeline, stage};
use tokio::time::Instant;

use crate::support::{Act, Refused, Service, ms};

#[stage(retries = 3)]
async fn fetch(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

fn failing(n: usize) -> Service {
    Service::new(vec![Act::Fail(503); n])
}

#[tokio::test(start_paused = true)]
async fn retries_are_extra_attempts() {
    let service = pipeline![fetch].with(failing(3));
    assert!(service.run(()).await.is_ok());

    let error = pipeline![fetch].with(failing(4)).run(()).await.unwrap_err();
    assert_eq!(error.attempts(), 4);
    assert_eq!(error.kind(), ErrorKind::Failed);
}

#[tokio::test(start_paused = true)]
async fn the_default_backoff_doubles_from_100_ms() {
    let start = Instant::now();
    pipeline![fetch].with(failing(3)).run(()).await.unwrap();
    assert_eq!(start.elapsed(), ms(100 + 200 + 400));
}

#[tokio::test(start_paused = true)]
async fn no_backoff_wait_follows_the_last_attempt() {
    let start = Instant::now();
    pipeline![fetch].with(failing(9)).run(()).await.unwrap_err();
    assert_eq!(start.elapsed(), ms(100 + 200 + 400));
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_backoff_grows_as_documented() {
    let total = async |pipeline: pipeline::BoxPipeline<(), ()>| {
        let start = Instant::now();
        pipeline.run(()).await.unwrap();
        start.elapsed()
    };
    let fixed = pipeline![fetch.backoff("fixed").delay("1s")].with(failing(3)).boxed();
    assert_eq!(total(fixed).await, ms(3000));
    let linear = pipeline![fetch.backoff("linear").delay("1s")].with(failing(3)).boxed();
    assert_eq!(total(linear).await, ms(1000 + 2000 + 3000));
    let exponential = pipeline![fetch.backoff("exponential").delay("1s")].with(failing(3)).boxed();
    assert_eq!(total(exponential).await, ms(1000 + 2000 + 4000));
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_capped_at_max_delay() {
    let start = Instant::now();
    pipeline![fetch.retries(5).delay("1s").max_delay("3s")].with(failing(5)).run(()).await.unwrap();
    assert_eq!(start.elapsed(), ms(1000 + 2000 + 3000 + 3000 + 3000));
}

#[tokio::test(start_paused = true)]
async fn delays_are_capped_at_30_seconds_by_default() {
    let start = Instant::now();
    pipeline![fetch.retries(3).delay("20s")].with(failing(3)).run(()).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(20 + 30 + 30));
}

#[tokio::test(start_paused = true)]
async fn jitter_shortens_delays_and_a_seed_reproduces_them() {
    let waits = async |seed| {
        let pipeline = pipeline![fetch.retries(4).delay("1s").jitter()].with(failing(9)).seed(seed);
        let error = pipeline.run(()).await.unwrap_err();
        error.failed_attempts().iter().map(pipeline::FailedAttempt::wait).collect::<Vec<_>>()
    };
    let once = waits(1).await;
    assert_eq!(once, waits(1).await);
    assert_ne!(once, waits(2).await);
    for (wait, whole) in once.iter().zip([1, 2, 4, 8]) {
        assert!(*wait <= Duration::from_secs(whole), "{once:?}");
    }
    assert!(once.iter().any(|wait| wait.as_millis() % 1000 != 0), "{once:?}");
}

#[stage(retries = 3, retry_if = Refused::is_transient)]
async fn picky(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

impl Refused {
    fn is_transient(&self) -> bool {
        self.0 >= 500
    }

    fn retry_after(&self) -> Option<Duration> {
        (self.0 == 429).then_some(Duration::from_secs(45))
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_retry_if_rejects_is_not_retried() {
    let service = Service::new([Act::Fail(503), Act::Fail(404), Act::Answer]);
    let error = pipeline![picky].with(service).run(()).await.unwrap_err();
    assert_eq!(error.attempts(), 2);
    assert_eq!(error.downcast_ref(), Some(&Refused(404)));
}

#[stage(retries = 3, delay = "1s", max_delay = "2s", jitter, retry_after = Refused::retry_after)]
async fn patient(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_delay_is_not_shortened_by_max_delay_or_jitter() {
    let service = Service::new([Act::Fail(429), Act::Answer]);
    let start = Instant::now();
    pipeline![patient].with(service).run(()).await.unwrap();
    // The jitter, up to the delay of 1 s, is added.
    assert!((ms(45_000)..=ms(46_000)).contains(&start.elapsed()));
}

#[stage(retries = 1, delay = "1s", jitter, retry_after = Refused::retry_after)]
async fn crowded(
    x: u32,
    #[context] cx: &Context,
    #[state] starts: &Arc<Mutex<Vec<Instant>>>,
) -> Result<u32, Refused> {
    if cx.attempt() == 1 {
        return Err(Refused(429));
    }
    starts.lock().unwrap().push(Instant::now());
    Ok(x)
}

#[tokio::test(start_paused = true)]
async fn calls_that_were_told_the_same_delay_do_not_start_in_the_same_instant() {
    let (state, begun) = (Arc::<Mutex<Vec<Instant>>>::default(), Instant::now());
    let pipeline = pipeline![crowded].with(Arc::clone(&state)).concurrency(64).seed(7);
    pipeline.drain(0..64).await.unwrap();
    let waits: BTreeSet<_> = state.lock().unwrap().iter().map(|start| *start - begun).collect();
    assert!(waits.len() > 50, "{waits:?}");
    assert!(waits.iter().all(|wait| (ms(45_000)..=ms(46_001)).contains(wait)), "{waits:?}");
}

#[stage(retries = 1, delay = "10s", retry_after = soon)]
async fn told_soon(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[allow(clippy::unnecessary_wraps)] // The signature that `retry_after` asks for.
fn soon(_: &Refused) -> Option<Duration> {
    Some(ms(5))
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_delay_replaces_a_longer_backoff() {
    let start = Instant::now();
    pipeline![told_soon].with(Service::new([Act::Fail(429), Act::Answer])).run(()).await.unwrap();
    assert_eq!(start.elapsed(), ms(5));
}

#[stage(retries = 3, deadline = "10min", retry_after = in_an_hour)]
async fn told_late(#[state] service: &Service) -> Result<(), Refused> {
    tokio::time::sleep(ms(2000)).await;
    service.call().await
}

#[allow(clippy::unnecessary_wraps)] // The signature that `retry_after` asks for.
fn in_an_hour(_: &Refused) -> Option<Duration> {
    Some(Duration::from_secs(3600))
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_ends_after_the_deadline_fails_the_call_at_once() {
    let start = Instant::now();
    let service = Service::new([Act::Fail(429)]);
    let error = pipeline![told_late].with(service).run(()).await.unwrap_err();
    assert_eq!((start.elapsed(), error.kind(), error.attempts()), (ms(2000), ErrorKind::DeadlineExceeded, 1));
    assert_eq!(
        format!("{error:#}"),
        "stage `told_late` ran out of time in 2s: the wait before the next attempt is 1h 0m, and the deadline is over in 9m 58s: \
         refused with 429"
    );
    assert_eq!(error.downcast_ref(), Some(&Refused(429)));
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_after_retry_after_delays_is_reported() {
    let error = pipeline![patient].with(Service::new([Act::Fail(429); 9])).run(()).await.unwrap_err();
    assert_eq!(error.attempts(), 4);
    assert_eq!(error.downcast_ref(), Some(&Refused(429)));
    assert!((ms(3 * 45_000)..=ms(3 * 45_000 + 5000)).contains(&error.elapsed()));
}

#[stage(retries = 2)]
async fn spoil(mut items: Vec<u32>, #[state] service: &Service) -> Result<Vec<u32>, Refused> {
    items.push(4);
    service.call().await.map(|()| items)
}

#[tokio::test(start_paused = true)]
async fn each_attempt_sees_the_original_input() {
    let items = pipeline![spoil].with(failing(2)).run(vec![1, 2, 3]).await.unwrap();
    assert_eq!(items, [1, 2, 3, 4]);
}

/// Neither `Clone` nor `Copy`.
struct Ticket(String);

#[stage(retries = 2)]
async fn redeem(ticket: &Ticket, prefix: &str, n: u8, #[state] service: &Service) -> Result<String, Refused> {
    service.call().await.map(|()| format!("{prefix}{}{n}", ticket.0))
}

#[tokio::test(start_paused = true)]
async fn retries_clone_only_the_parameters_taken_by_value() {
    let redeemed = pipeline![redeem].with(failing(2)).run((Ticket("a".into()), "#".into(), 7)).await;
    assert_eq!(redeemed.unwrap(), "#a7");
}

#[stage]
async fn once(value: u32, #[state] service: &Service) -> Result<u32, Refused> {
    service.call().await.map(|()| value)
}

#[tokio::test(start_paused = true)]
async fn an_override_adds_retries_or_removes_them() {
    assert_eq!(pipeline![once.retries(2)].with(failing(2)).run(5).await.unwrap(), 5);
    let error = pipeline![fetch.retries(0)].with(failing(1)).run(()).await.unwrap_err();
    assert_eq!(error.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_override_leaves_the_other_options_unchanged() {
    let error = pipeline![fetch.delay("5s").name("eu")].with(failing(9)).run(()).await.unwrap_err();
    assert_eq!((error.stage(), error.attempts()), ("eu", 4));
    assert_eq!(error.elapsed(), Duration::from_secs(5 + 10 + 20));
}

#[stage(retries = 5, delay = "10s")]
async fn shared(#[state] service: &Arc<Service>) -> Result<(), Refused> {
    service.call().await
}

#[tokio::test(start_paused = true)]
async fn an_item_dropped_during_a_backoff_wait_is_not_attempted_again() {
    let service = Arc::new(failing(9));
    let pipeline = pipeline![shared].with(Arc::clone(&service));
    assert!(tokio::time::timeout(ms(1000), pipeline.run(())).await.is_err());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(service.calls(), [0]);
}

#[tokio::test(start_paused = true)]
async fn attempts_start_after_their_delays() {
    let service = Arc::new(failing(3));
    pipeline![shared].with(Arc::clone(&service)).run(()).await.unwrap();
    assert_eq!(service.calls(), [0, 10_000, 30_000, 60_000]);
}

/// Counts its clones.
struct Counted(Arc<std::sync::atomic::AtomicU32>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

#[stage(retries = 2)]
async fn take(_input: Counted, #[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_takes_the_input_without_a_clone() {
    let copies = Arc::default();
    let input = Counted(Arc::clone(&copies));
    pipeline![take].with(failing(9)).run(input).await.unwrap_err();
    assert_eq!(copies.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[stage(retries = 1000, delay = "0s")]
async fn at_once(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

/// No timer is started: there is none to start.
#[test]
fn with_a_delay_of_zero_a_retry_begins_at_once() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(pipeline![at_once].with(failing(999)).run(())).is_ok());
    assert!(runtime.block_on(pipeline![fetch.delay("0s")].with(failing(3)).run(())).is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_a_wait_the_deadline_and_a_stop_hold_too() {
    #[stage(retries = 1000, delay = "0s", deadline = "1s")]
    async fn slow(_: u32) -> Result<(), Refused> {
        tokio::time::sleep(ms(300)).await;
        Err(Refused(503))
    }

    let error = pipeline![slow].run(1).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::DeadlineExceeded, 4));

    let token = pipeline::CancellationToken::new();
    token.cancel();
    let stopped = pipeline![at_once].with(failing(5)).cancel_on(token);
    assert_eq!(stopped.run(()).await.unwrap_err().attempts(), 0);
}

#[stage(
    retries = 3,
    delay = "0s",
    retry_if = |error| error.0 >= 500,
    retry_after = |Refused(status)| (*status == 503).then(|| ms(2000))
)]
async fn with_closures(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[tokio::test(start_paused = true)]
async fn closures_decide_like_functions() {
    let start = Instant::now();
    let service = Service::new(vec![Act::Fail(500), Act::Fail(503), Act::Fail(404)]);
    let error = pipeline![with_closures].with(service).run(()).await.unwrap_err();
    assert_eq!((error.attempts(), start.elapsed()), (3, ms(2000)));
}
