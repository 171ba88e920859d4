//! Fairness: an endless run yields to other tasks, and calls that use up the task budget are polled again.

use std::sync::Arc;
use std::time::Duration;

use pipeline::{Report, pipeline, stage};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::support::ms;
use crate::support::worker_counts::{OnWorkers, for_each_worker_count};

#[stage]
async fn count(x: u64) -> u64 {
    x + 1
}

/// Checks that other tasks on the same thread run and can cancel it. Has its own thread, so that a run that never
/// yields fails the test and does not hang it.
#[track_caller]
fn assert_other_tasks_run<R, Fut>(run: R)
where
    R: FnOnce([CancellationToken; 2]) -> Fut + Send + 'static,
    Fut: Future<Output = Report> + Send + 'static,
{
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let report = runtime.block_on(async {
            let tokens = [CancellationToken::new(), CancellationToken::new()];
            let endless = tokio::spawn(run(tokens.clone()));
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            tokens.iter().for_each(CancellationToken::cancel);
            endless.await.unwrap()
        });
        sender.send(report).unwrap();
    });
    // Long enough that a slow machine does not fail.
    let report = receiver.recv_timeout(Duration::from_secs(20)).expect("the run starves other tasks");
    assert!(report.items_in() > 0);
}

macro_rules! assert_fair {
    ($pipeline:expr, $items:expr) => {
        assert_other_tasks_run(|[first, second]| async move {
            let run = $pipeline.cancel_on(first).cancel_on(second);
            run.drain($items).await.unwrap()
        })
    };
}

#[test]
fn an_endless_ready_source_does_not_starve_other_tasks() {
    assert_fair!(pipeline![count], 0..);
    assert_fair!(pipeline![count => count => |x| x].concurrency(1), 0..);
    assert_fair!(pipeline![count].concurrency(10_000).unordered(), 0..);
}

#[test]
fn workers_with_an_endless_source_do_not_starve_other_tasks() {
    assert_fair!(pipeline![count].workers(2), 0..);
    assert_fair!(pipeline![count => batch(7) => |xs| xs.len()].workers(2), 0..);
}

#[test]
fn an_endless_iterator_in_each_does_not_starve_other_tasks() {
    assert_fair!(pipeline![|from: u64| from.. => each => count], [0]);
    assert_fair!(pipeline![|from: u64| from.. => each => count].workers(2), [0]);
    assert_fair!(pipeline![|from: u64| (from % 2 == 3).then_some(from) => each => count], 0..);
}

#[test]
fn an_endless_each_as_the_last_step_does_not_starve_other_tasks() {
    assert_fair!(pipeline![|from: u64| from.. => each], [0]);
}

#[test]
fn endless_batches_without_a_stage_do_not_starve_other_tasks() {
    assert_fair!(pipeline![u64: batch(3)], 0..);
}

#[test]
fn endless_batches_after_each_do_not_starve_other_tasks() {
    assert_fair!(pipeline![|from: u64| from.. => each => batch(3)], [0]);
}

#[test]
fn endless_empty_vectors_in_each_do_not_starve_other_tasks() {
    assert_fair!(pipeline![Vec<u64>: each], std::iter::repeat_with(Vec::new));
}

#[test]
fn endless_failures_do_not_starve_other_tasks() {
    #[stage]
    fn refuse(_x: u64) -> Result<(), std::fmt::Error> {
        Err(std::fmt::Error)
    }
    assert_other_tasks_run(|[first, second]| async move {
        let run = pipeline![refuse].on_error(pipeline::ErrorMode::Lenient).cancel_on(first).cancel_on(second);
        run.drain(0..).await.unwrap()
    });
}

/// Uses the task's cooperative budget, and is always ready.
#[stage]
async fn acquires(x: u64, #[state] semaphore: &Semaphore) -> u64 {
    drop(semaphore.acquire().await);
    x
}

#[test]
fn stages_that_use_up_the_task_budget_do_not_starve_other_tasks() {
    assert_fair!(pipeline![acquires].with(Semaphore::new(1)), 0..);
    assert_fair!(pipeline![acquires => acquires => acquires].with(Semaphore::new(2)).concurrency(1000), 0..);
    assert_fair!(pipeline![acquires].with(Semaphore::new(1)).workers(2), 0..);
}

#[test]
fn an_endless_stream_that_is_always_read_does_not_starve_other_tasks() {
    assert_other_tasks_run(|[first, second]| async move {
        let pipeline = pipeline![count].cancel_on(first).cancel_on(second);
        let mut outputs = pipeline.stream(0..);
        while let Some(output) = outputs.next().await {
            output.unwrap();
        }
        outputs.report().await
    });
}

#[test]
fn a_source_that_is_always_ready_does_not_delay_cancellation() {
    assert_other_tasks_run(|[first, second]| async move {
        let items = Arc::new(());
        let pipeline = pipeline![|item: Arc<()>| Arc::strong_count(&item)].cancel_on(first);
        let report = pipeline.drain(std::iter::repeat_with(move || Arc::clone(&items))).await.unwrap();
        drop(second);
        assert_eq!(report.items_in(), report.items_out());
        report
    });
}

/// Uses `x` units of the task's cooperative budget, which is 128 per poll.
#[stage]
async fn uses_budget(x: u64, #[state] semaphore: &Arc<Semaphore>) -> u64 {
    tokio::time::sleep(ms(10)).await;
    for _ in 0..x {
        drop(semaphore.acquire().await);
    }
    x
}

#[tokio::test(start_paused = true)]
async fn calls_that_use_up_the_task_budget_are_polled_again() {
    for_each_worker_count!(|workers| {
        for cost in 0..8 {
            let pipeline = pipeline![uses_budget]
                .with(Arc::new(Semaphore::new(1000)))
                .concurrency(300)
                .on_workers(workers);
            let outputs = tokio::time::timeout(ms(5000), pipeline.collect(vec![cost; 300])).await;
            assert!(outputs.is_ok(), "{workers} workers hang at a cost of {cost}");
        }
    });
}
