//! `in_order`: the calls of a stage begin in the order of the items.

use std::sync::{Arc, Mutex};

use pipeline::{ErrorKind, ErrorMode, pipeline, stage};
use tokio::time::sleep;

use crate::support::{Refused, ms};

/// The items of the calls, in the order in which these began.
type Log = Arc<Mutex<Vec<u64>>>;

/// Takes between 0 and 60 ms, and fails for one item in seven.
#[stage(concurrency = 4)]
async fn fetch(x: u64) -> Result<u64, Refused> {
    sleep(ms(x * 7919 % 7 * 10)).await;
    if x % 7 == 3 { Err(Refused(1)) } else { Ok(x) }
}

/// Fails at the first attempt, for one item in eleven.
#[stage(retries = 1, delay = "30ms")]
async fn flaky(x: u64, #[context] cx: &pipeline::Context) -> Result<u64, Refused> {
    if x % 11 == 5 && cx.attempt() == 1 { Err(Refused(1)) } else { Ok(x) }
}

#[stage(concurrency = 1, in_order)]
async fn write(x: u64, #[state] log: &Log) -> u64 {
    log.lock().unwrap().push(x);
    sleep(ms(1)).await;
    x
}

/// Several at once, of which one in five is attempted again.
#[stage(in_order, retries = 1, delay = "5ms")]
async fn send(x: u64, #[state] log: &Log, #[context] cx: &pipeline::Context) -> Result<u64, Refused> {
    if cx.attempt() == 1 {
        log.lock().unwrap().push(x);
    }
    sleep(ms(x * 31 % 5)).await;
    if x.is_multiple_of(5) && cx.attempt() == 1 { Err(Refused(1)) } else { Ok(x) }
}

#[stage(concurrency = 1)]
async fn write_as_they_come(x: u64, #[state] log: &Log) -> u64 {
    log.lock().unwrap().push(x);
    sleep(ms(1)).await;
    x
}

/// Runs a pipeline with every verb that takes many items, and calls `check` on the log of each run.
macro_rules! each_run {
    ($chain:expr, $items:expr, $check:expr) => {
        for workers in [1, 2] {
            for concurrency in [1, 3, 16] {
                for ordered in [true, false] {
                    let log = Log::default();
                    let run = $chain.with(Arc::clone(&log)).on_error(ErrorMode::Lenient);
                    let run = run.concurrency(concurrency);
                    let run = if ordered { run } else { run.unordered() };
                    let run = run.workers(workers);
                    let case = format!("{workers} workers, concurrency {concurrency}, ordered {ordered}");
                    let check = |verb: &str| $check(&case, verb, std::mem::take(&mut *log.lock().unwrap()));
                    run.drain($items).await.unwrap();
                    check("drain");
                    let _ = run.collect($items).await;
                    check("collect");
                    run.stream($items).report().await;
                    check("stream");
                }
            }
        }
    };
}

fn passing(items: u64) -> Vec<u64> {
    (0..items).filter(|x| x % 7 != 3).collect()
}

#[tokio::test(start_paused = true)]
async fn calls_begin_in_the_order_of_the_items_in_every_mode_and_on_workers() {
    let in_order = |case: &str, verb: &str, log: Vec<u64>| assert_eq!(log, passing(60), "{verb}, {case}");
    each_run!(pipeline![fetch => write], 0..60, in_order);
    each_run!(pipeline![fetch => send], 0..60, in_order);
    each_run!(pipeline![fetch => flaky => |x| x => write], 0..60, in_order);
    each_run!(pipeline![fetch => write_as_they_come.in_order()], 0..60, in_order);
}

#[tokio::test(start_paused = true)]
async fn without_it_they_overtake_each_other() {
    let log = Log::default();
    let run = pipeline![fetch => write_as_they_come].with(Arc::clone(&log)).on_error(ErrorMode::Lenient);
    run.drain(0..60).await.unwrap();
    assert_ne!(*log.lock().unwrap(), passing(60));
}

#[tokio::test(start_paused = true)]
async fn two_stages_in_order_each_have_their_own_turns() {
    let twice = |case: &str, verb: &str, log: Vec<u64>| {
        for half in [0, 1000] {
            let of_one: Vec<_> = log.iter().filter(|x| **x / 1000 == half / 1000).map(|x| x % 1000).collect();
            assert_eq!(of_one, passing(60), "{verb}, {case}");
        }
    };
    each_run!(pipeline![fetch => write => |x| x + 1000 => fetch_again => send], 0..60, twice);
}

#[stage]
async fn fetch_again(x: u64) -> u64 {
    sleep(ms(x * 7919 % 7 * 10)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn behind_a_boundary_the_order_is_that_of_its_items() {
    let rows = |case: &str, verb: &str, log: Vec<u64>| {
        let expected: Vec<_> =
            (0..20).flat_map(|x| [x * 3, x * 3 + 1, x * 3 + 2]).filter(|x| x % 7 != 3).collect();
        // The items of an unordered run come to the boundary as they are finished.
        assert_eq!(log, expected, "{verb}, {case}");
    };
    each_run!(pipeline![|x: u64| x * 3..x * 3 + 3 => each => fetch => write], 0..20, rows);
}

#[stage]
async fn or_else(x: u64) -> u64 {
    x
}

#[tokio::test(start_paused = true)]
async fn an_item_that_takes_another_branch_lets_those_behind_it_go_when_it_is_over() {
    let odd = |case: &str, verb: &str, log: Vec<u64>| {
        assert_eq!(log, (0..60).filter(|x| x % 2 == 1).collect::<Vec<_>>(), "{verb}, {case}");
    };
    let route = || {
        pipeline![fetch_again => match {
            x if x % 2 == 1 => x => write,
            x => x => or_else,
        }]
    };
    each_run!(route(), 0..60, odd);
    let all = |case: &str, verb: &str, log: Vec<u64>| assert_eq!(log, passing(60), "{verb}, {case}");
    each_run!(pipeline![fetch => (write, or_else)], 0..60, all);
}

#[stage(in_order, deadline = "10ms")]
async fn in_time(x: u64) -> u64 {
    x
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_turn_counts_against_the_deadline_and_is_queued() {
    #[stage]
    async fn first_is_slow(x: u64) -> u64 {
        sleep(ms(if x == 0 { 100 } else { 0 })).await;
        x
    }
    let run = pipeline![first_is_slow => in_time].on_error(ErrorMode::Collect);
    let report = run.drain(0..3).await.unwrap();
    let kinds: Vec<_> = report.failures().iter().map(|it| (it.index, it.error.kind())).collect();
    assert_eq!(kinds, [(1, ErrorKind::DeadlineExceeded), (2, ErrorKind::DeadlineExceeded)]);
    assert_eq!(report.stages()[1].queued(), ms(20));
}

#[tokio::test(start_paused = true)]
async fn a_single_item_has_its_turn_at_once() {
    let log = Log::default();
    let run = pipeline![write => send].with(Arc::clone(&log));
    assert_eq!(run.run(1).await.unwrap(), 1);
    assert_eq!(run.boxed().run(2).await.unwrap(), 2);
    assert_eq!(*log.lock().unwrap(), [1, 1, 2, 2]);
}
