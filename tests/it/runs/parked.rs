//! An item that sleeps between two attempts gives its place to another one.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipeline::{Context, ErrorMode, pipeline, stage};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::support::{Gauge, ms};

/// The calls at work, the attempts, and when each item was done.
struct Log {
    started: Instant,
    working: Gauge,
    attempts: AtomicU32,
    done: Mutex<Vec<(u32, Duration)>>,
}

type Job = Arc<Log>;

fn job() -> Job {
    Arc::new(Log {
        started: Instant::now(),
        working: Gauge::default(),
        attempts: AtomicU32::new(0),
        done: Mutex::default(),
    })
}

impl Log {
    /// Ten milliseconds of work, which fail for the first four items at the first attempt.
    async fn work(&self, item: u32, cx: &Context) -> Result<u32, String> {
        let _working = self.working.enter();
        self.attempts.fetch_add(1, Ordering::Relaxed);
        sleep(ms(10)).await;
        if item < 4 && cx.attempt() == 1 {
            return Err("busy".to_owned());
        }
        self.done.lock().unwrap().push((item, self.started.elapsed()));
        Ok(item)
    }

    /// When the last item was done that did not fail before.
    fn others_done(&self) -> Duration {
        self.done.lock().unwrap().iter().filter(|(item, _)| *item >= 4).map(|(_, at)| *at).max().unwrap()
    }
}

#[stage(retries = 1, delay = "60s")]
async fn fetch(item: u32, #[state] job: &Job, #[context] cx: &Context) -> Result<u32, String> {
    job.work(item, cx).await
}

/// Works for as long as it sleeps.
#[stage]
async fn work(_item: u32) {
    sleep(Duration::from_secs(120)).await;
}

/// The same, in an instant.
#[stage]
async fn pass(_item: u32) {}

/// It never succeeds.
#[stage(retries = 1, delay = "60s")]
async fn broken(_item: u32, #[state] job: &Job) -> Result<(), String> {
    job.attempts.fetch_add(1, Ordering::Relaxed);
    Err("down".to_owned())
}

#[tokio::test(start_paused = true)]
async fn items_that_sleep_do_not_hold_up_the_others() {
    let job = job();
    let run = pipeline![fetch].with(Job::clone(&job)).concurrency(4).unordered();
    assert_eq!(run.drain(0..40).await.unwrap().items_out(), 40);
    // Ten milliseconds of the four that fail, and then four at a time.
    assert_eq!((job.others_done(), job.working.most()), (ms(100), 4));
    assert_eq!(job.started.elapsed(), ms(60_020));
}

#[tokio::test(start_paused = true)]
async fn with_parked_0_they_keep_their_places() {
    let job = job();
    let run = pipeline![fetch].with(Job::clone(&job)).concurrency(4).parked(0).unordered();
    run.drain(0..40).await.unwrap();
    assert_eq!(job.others_done(), ms(60_020 + 90));
}

#[tokio::test(start_paused = true)]
async fn those_that_have_slept_come_before_new_items_and_take_a_place_like_them() {
    // The source is long enough to have items left after the sleep.
    let job = job();
    let run = pipeline![fetch].with(Job::clone(&job)).concurrency(2).unordered();
    assert_eq!(run.drain(0..20_000).await.unwrap().items_out(), 20_000);
    assert_eq!(job.working.most(), 2);
    let done = job.done.lock().unwrap();
    let first_done: Vec<_> = done.iter().filter(|(item, _)| *item < 4).map(|(_, at)| *at).collect();
    assert!(first_done.iter().all(|at| *at <= ms(60_050)), "{first_done:?}");
}

#[tokio::test(start_paused = true)]
async fn at_most_parked_items_sleep_without_a_place() {
    for (parked, workers) in [(0, 1), (3, 1), (4, 2)] {
        let job = job();
        let token = CancellationToken::new();
        let run = pipeline![broken]
            .with(Job::clone(&job))
            .on_error(ErrorMode::Lenient)
            .concurrency(2)
            .parked(parked)
            .unordered()
            .cancel_on(token.clone())
            .workers(workers);
        let (report, ()) = tokio::join!(run.drain(0..), async {
            sleep(ms(59_000)).await;
            assert_eq!(job.attempts.load(Ordering::Relaxed), 2 + u32::try_from(parked).unwrap());
            token.cancel();
        });
        // An item that sleeps ends with the stop; one that waits for a worker is begun.
        assert_eq!(job.started.elapsed(), ms(59_000));
        let report = report.unwrap();
        assert_eq!((report.items_failed(), report.items_cancelled()), (report.items_in(), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn unless_it_is_set_four_times_the_concurrency_sleep() {
    let job = job();
    let token = CancellationToken::new();
    let run =
        pipeline![broken].with(Job::clone(&job)).on_error(ErrorMode::Lenient).concurrency(2).unordered();
    let run = run.cancel_on(token.clone());
    let (report, ()) = tokio::join!(run.drain(0..), async {
        sleep(ms(59_000)).await;
        token.cancel();
    });
    assert_eq!(report.unwrap().items_failed(), 2 + 8);
}

#[tokio::test(start_paused = true)]
async fn one_item_at_a_time_is_one_item_at_a_time() {
    let job = job();
    let run = pipeline![fetch].with(Job::clone(&job)).concurrency(1).unordered();
    run.drain(0..6).await.unwrap();
    let order: Vec<_> = job.done.lock().unwrap().iter().map(|(item, _)| *item).collect();
    assert_eq!(order, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn in_order_as_many_go_on_as_results_can_wait() {
    let job = job();
    let run = pipeline![fetch].with(Job::clone(&job)).concurrency(4);
    assert_eq!(run.collect(0..40).await.unwrap(), (0..40).collect::<Vec<_>>());
    // `collect` keeps all results anyway.
    assert_eq!(job.others_done(), ms(100));

    let job = self::job();
    let run = pipeline![fetch].with(Job::clone(&job)).concurrency(4);
    let mut outputs = run.stream(0..40);
    sleep(ms(1000)).await;
    assert_eq!(job.done.lock().unwrap().len(), 4, "8 results and calls, of which 4 sleep");
    let mut expected = 0..;
    while let Some(output) = outputs.next().await {
        assert_eq!(output.unwrap(), expected.next().unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn on_workers_too() {
    let job = job();
    let run = pipeline![fetch].with(Job::clone(&job)).concurrency(4).unordered().workers(2);
    assert_eq!(run.drain(0..40).await.unwrap().items_out(), 40);
    assert!(job.others_done() < ms(1000), "{:?}", job.others_done());
    assert_eq!(job.working.most(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_works_in_another_branch_keeps_its_place() {
    let job = job();
    let run = pipeline![(fetch, work) => |_| ()].with(Job::clone(&job)).concurrency(4).unordered();
    let report = run.drain(0..8).await.unwrap();
    assert_eq!(report.items_out(), 8);
    assert_eq!(job.others_done(), ms(120_010), "the second four begin when the first four are done");

    let job = self::job();
    let run = pipeline![(fetch, pass) => |_| ()].with(Job::clone(&job)).concurrency(4).unordered();
    run.drain(0..8).await.unwrap();
    assert_eq!(job.others_done(), ms(20));
}
