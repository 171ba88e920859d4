//! A run without end leaves other tasks their turns.

use std::sync::Arc;
use std::time::Duration;

use pipeline::{Report, pipeline, stage};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::support::ms;
use crate::support::worker_counts::{Spread, however_spread};

#[stage]
async fn count(x: u64) -> u64 {
    x + 1
}

/// Runs on a thread of its own, so that a run that leaves nobody a turn is told as such, and does not hang the tests.
#[track_caller]
fn leaves_turns<R, Ran>(run: R)
where
    R: FnOnce([CancellationToken; 2]) -> Ran + Send + 'static,
    Ran: Future<Output = Report> + Send + 'static,
{
    let (say, hear) = std::sync::mpsc::channel();
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
        say.send(report).unwrap();
    });
    // So long a silence is no matter of speed.
    let report = hear.recv_timeout(Duration::from_secs(20)).expect("the run leaves others no turn");
    assert!(report.items_in() > 0);
}

macro_rules! until_stopped {
    ($pipeline:expr, $items:expr) => {
        leaves_turns(|[first, second]| async move {
            let run = $pipeline.cancel_on(first).cancel_on(second);
            run.drain($items).await.unwrap()
        })
    };
}

#[test]
fn endless_items_that_are_ready_leave_other_tasks_their_turns() {
    until_stopped!(pipeline![count], 0..);
    until_stopped!(pipeline![count => count => |x| x].concurrency(1), 0..);
    until_stopped!(pipeline![count].concurrency(10_000).unordered(), 0..);
}

#[test]
fn endless_items_over_workers_leave_other_tasks_their_turns() {
    until_stopped!(pipeline![count].workers(2), 0..);
    until_stopped!(pipeline![count => batch(7) => |xs| xs.len()].workers(2), 0..);
}

#[test]
fn an_endless_iterator_in_each_leaves_other_tasks_their_turns() {
    until_stopped!(pipeline![|from: u64| from.. => each => count], [0]);
    until_stopped!(pipeline![|from: u64| from.. => each => count].workers(2), [0]);
    until_stopped!(pipeline![|from: u64| (from % 2 == 3).then_some(from) => each => count], 0..);
}

#[test]
fn endless_parts_that_meet_no_stage_leave_other_tasks_their_turns() {
    until_stopped!(pipeline![|from: u64| from.. => each], [0]);
}

#[test]
fn endless_batches_that_meet_no_stage_leave_other_tasks_their_turns() {
    until_stopped!(pipeline![u64: batch(3)], 0..);
}

#[test]
fn endless_batches_of_parts_leave_other_tasks_their_turns() {
    until_stopped!(pipeline![|from: u64| from.. => each => batch(3)], [0]);
}

#[test]
fn endless_items_without_parts_leave_other_tasks_their_turns() {
    until_stopped!(pipeline![Vec<u64>: each], std::iter::repeat_with(Vec::new));
}

#[test]
fn failures_without_end_leave_other_tasks_their_turns() {
    #[stage]
    fn refuse(_x: u64) -> Result<(), std::fmt::Error> {
        Err(std::fmt::Error)
    }
    leaves_turns(|[first, second]| async move {
        let run = pipeline![refuse].on_error(pipeline::ErrorMode::Lenient).cancel_on(first).cancel_on(second);
        run.drain(0..).await.unwrap()
    });
}

/// Uses up what tokio lets a task do before others get their turn, and is ready all the same.
#[stage]
async fn through(x: u64, #[state] door: &Semaphore) -> u64 {
    drop(door.acquire().await);
    x
}

#[test]
fn stages_that_use_up_the_budget_of_their_task_leave_other_tasks_their_turns() {
    until_stopped!(pipeline![through].with(Semaphore::new(1)), 0..);
    until_stopped!(pipeline![through => through => through].with(Semaphore::new(2)).concurrency(1000), 0..);
    until_stopped!(pipeline![through].with(Semaphore::new(1)).workers(2), 0..);
}

#[test]
fn a_stream_that_is_read_at_once_leaves_other_tasks_their_turns() {
    leaves_turns(|[first, second]| async move {
        let line = pipeline![count].cancel_on(first).cancel_on(second);
        let mut outputs = line.stream(0..);
        while let Some(output) = outputs.next().await {
            output.unwrap();
        }
        outputs.report().await
    });
}

#[test]
fn a_source_that_is_always_ready_is_left_at_the_first_token() {
    leaves_turns(|[first, second]| async move {
        let items = Arc::new(());
        let line = pipeline![|item: Arc<()>| Arc::strong_count(&item)].cancel_on(first);
        let report = line.drain(std::iter::repeat_with(move || Arc::clone(&items))).await.unwrap();
        drop(second);
        assert_eq!(report.items_in(), report.items_out());
        report
    });
}

/// Uses up four of the 128 things that tokio lets a task do before others get their turn: 32 calls use up all.
#[stage]
async fn thirsty(x: u64, #[state] semaphore: &Arc<Semaphore>) -> u64 {
    tokio::time::sleep(ms(10)).await;
    for _ in 0..x {
        drop(semaphore.acquire().await);
    }
    x
}

#[tokio::test(start_paused = true)]
async fn calls_that_use_up_the_budget_of_their_task_are_gone_on_with() {
    however_spread!(|workers| {
        for cost in 0..8 {
            let line =
                pipeline![thirsty].with(Arc::new(Semaphore::new(1000))).concurrency(300).spread(workers);
            let outputs = tokio::time::timeout(ms(5000), line.collect(vec![cost; 300])).await;
            assert!(outputs.is_ok(), "{workers} workers hang at a cost of {cost}");
        }
    });
}
