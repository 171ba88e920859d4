//! `(a, b)`: branches that run concurrently on one item.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pipeline::{ErrorKind, pipeline, stage};

use crate::support::scripted_stages::{
    Action, CountsClones, NotClone, Script, a, b, c, count_clones, d, pair,
};
use crate::support::{Act, Gauge, Refused, Service, ms};

#[stage]
async fn own(x: CountsClones) -> u32 {
    tokio::task::yield_now().await;
    x.value
}

#[stage]
async fn look(x: &CountsClones) -> u32 {
    tokio::task::yield_now().await;
    x.value
}

#[stage]
fn glance(x: &NotClone) -> u32 {
    x.0
}

#[stage]
async fn gaze(x: &NotClone) -> String {
    tokio::task::yield_now().await;
    x.0.to_string()
}

#[stage]
fn sum(x: u32, y: u32, z: u32) -> u32 {
    x * 100 + y * 10 + z
}

fn text() -> String {
    ">".to_owned()
}

#[tokio::test(start_paused = true)]
async fn outputs_are_a_tuple_in_the_order_of_the_branches() {
    let script = Script::new().with("a", 30, Action::Succeed).with("b", 10, Action::Succeed).with(
        "c",
        20,
        Action::Succeed,
    );
    let pipeline = pipeline![(a, b => |text| text.len(), c => |text: String| [text])].with(script);
    let output: (String, usize, [String; 1]) = pipeline.run(text()).await.unwrap();
    assert_eq!(output, (">a".to_owned(), 2, [">c".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn branches_run_concurrently() {
    let script = Script::new().with("a", 1000, Action::Succeed).with("b", 1000, Action::Succeed).with(
        "c",
        1000,
        Action::Succeed,
    );
    pipeline![(a, b, c)].with(script.clone()).run(text()).await.unwrap();
    assert_eq!(script.call_log(), ["a 0-1000 Done", "b 0-1000 Done", "c 0-1000 Done"]);
}

#[tokio::test(start_paused = true)]
async fn a_branch_is_a_chain_that_does_not_wait_for_other_branches() {
    let script = Script::new().with("a", 10, Action::Succeed).with("b", 30, Action::Succeed).with(
        "c",
        5,
        Action::Succeed,
    );
    let pipeline = pipeline![(a => c, b => d) => pair].with(script.clone());
    assert_eq!(pipeline.run(text()).await.unwrap(), ">ac+>bd");
    assert_eq!(script.call_log(), ["a 0-10 Done", "c 10-15 Done", "b 0-30 Done", "d 30-30 Done"]);
}

#[tokio::test]
async fn a_stage_with_several_parameters_takes_the_tuple() {
    let pipeline = pipeline![NotClone: (glance, glance => |x| x + 1, glance => |x| x + 2) => sum];
    assert_eq!(pipeline.run(NotClone(1)).await.unwrap(), 123);
    let closure =
        pipeline![NotClone: (glance, gaze) => |(number, text): (u32, String)| format!("{number}{text}")];
    assert_eq!(closure.run(NotClone(7)).await.unwrap(), "77");
}

#[tokio::test]
async fn the_input_is_cloned_for_each_branch_but_one() {
    assert_eq!(count_clones!(pipeline![(own, own)], 7), ((7, 7), 1));
    assert_eq!(count_clones!(pipeline![(own, own, own)], 7), ((7, 7, 7), 2));
    let eight = pipeline![(own, own, own, own, own, own, own, own)];
    assert_eq!(count_clones!(eight, 1), ((1, 1, 1, 1, 1, 1, 1, 1), 7));
    // A closure takes its input by value, too.
    assert_eq!(count_clones!(pipeline![(own, |x: CountsClones| x.value + 1)], 7), ((7, 8), 1));
}

#[tokio::test]
async fn an_input_that_is_only_borrowed_is_not_cloned() {
    assert_eq!(count_clones!(pipeline![(look, look, look)], 7), ((7, 7, 7), 0));
    assert_eq!(pipeline![(glance, gaze)].run(NotClone(7)).await.unwrap(), (7, "7".to_owned()));
}

#[tokio::test]
async fn next_to_a_branch_that_borrows_each_branch_that_owns_gets_a_clone() {
    assert_eq!(count_clones!(pipeline![(look, own)], 7), ((7, 7), 1));
    assert_eq!(count_clones!(pipeline![(own, look)], 7), ((7, 7), 1));
    assert_eq!(count_clones!(pipeline![(look, own, look, own)], 7), ((7, 7, 7, 7), 2));
}

#[tokio::test(start_paused = true)]
async fn the_earliest_failure_fails_the_item_and_the_other_branches_are_dropped() {
    let script =
        Script::new().with("a", 50, Action::Fail).with("b", 20, Action::Fail).with("c", 90, Action::Succeed);
    let error = pipeline![(a, b, c => d)].with(script.clone()).run(text()).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), ("b", ErrorKind::Failed));
    assert_eq!(error.downcast_ref::<Refused>(), Some(&Refused(1)));
    assert!(error.alternatives().is_empty());
    let mut calls = script.call_log();
    assert_eq!(calls.remove(0), "b 0-20 Failed");
    calls.sort();
    assert_eq!(calls, ["a 0-20 Dropped", "c 0-20 Dropped"]);
}

#[tokio::test(start_paused = true)]
async fn a_branch_that_fails_immediately_keeps_later_branches_from_starting() {
    let script = Script::new().with("a", 10, Action::Succeed).with("b", 0, Action::Fail);
    pipeline![(a, b, c)].with(script.clone()).run(text()).await.unwrap_err();
    assert_eq!(script.call_log(), ["b 0-0 Failed", "a 0-0 Dropped"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_the_item_with_the_name_of_its_stage_and_drops_the_other_branches() {
    for time in [0, 20] {
        let script = Script::new().with("a", 50, Action::Succeed).with("b", time, Action::Panic);
        let error = pipeline![(a, b) => pair].with(script.clone()).run(text()).await.unwrap_err();
        assert_eq!((error.stage(), error.kind()), ("b", ErrorKind::Panicked));
        assert_eq!(format!("{error:#}"), "stage `b` panicked: scripted panic");
        let expected = [format!("a 0-{time} Dropped"), format!("b 0-{time} Panicked")];
        let mut calls = script.call_log();
        calls.sort();
        assert_eq!(calls, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn branches_can_contain_branches() {
    let script = Script::new().with("a", 10, Action::Succeed).with("b", 20, Action::Succeed).with(
        "c",
        30,
        Action::Succeed,
    );
    let pipeline = pipeline![((a, (b, c)), d => (a, b) => pair)].with(script.clone());
    let ((one, (two, three)), four) = pipeline.run(text()).await.unwrap();
    assert_eq!([one, two, three, four], [">a", ">b", ">c", ">da+>db"]);
    let last = script.call_log().pop().unwrap();
    assert!(last.starts_with("c 0-30"), "no branch waits for another: {last}");
}

#[tokio::test]
async fn a_branch_can_start_with_any_kind_of_step() {
    let seen = Arc::new(AtomicUsize::new(0));
    let recorded = Arc::clone(&seen);
    let nested = pipeline![|x: u32| x * 10];
    let pipeline = pipeline![
        u32: (
            |x| x + 1,
            inspect(move |x| { recorded.fetch_add(*x as usize, Ordering::Relaxed); }),
            { nested.clone() },
            { nested } => |x| x + 2,
            match { 0 => 0_u32 => |x: u32| x, n => n => |n: u32| n + 3 },
            (odd | |x| x + 4),
            |x: u32| { add(x, 5) },
        )
    ];
    assert_eq!(pipeline.run(1).await.unwrap(), (2, 1, 10, 12, 4, 1, 6));
    assert_eq!(seen.load(Ordering::Relaxed), 1);
}

#[stage]
fn odd(x: u32) -> Result<u32, Refused> {
    if x % 2 == 1 { Ok(x) } else { Err(Refused(2)) }
}

#[stage]
fn add(x: u32, y: u32) -> u32 {
    x + y
}

#[stage(retries = 2, backoff = "fixed", delay = "10ms")]
async fn patient(_single: &NotClone, #[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[tokio::test(start_paused = true)]
async fn a_branch_is_retried_while_the_others_continue() {
    let service = Service::new([Act::Fail(1), Act::Slow(ms(5)), Act::Fail(2)]);
    // The branches take turns with the replies of the script.
    let pipeline = pipeline![(patient, patient)].with(service);
    let start = tokio::time::Instant::now();
    pipeline.run(NotClone(1)).await.unwrap();
    assert_eq!(start.elapsed(), ms(20), "two failures of one branch, 10 ms apart, next to the other branch");
}

#[stage(timeout = "20ms")]
async fn punctual(text: &str, #[state] script: &Script) -> Result<String, Refused> {
    script.perform("punctual").await?;
    Ok(text.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_timeout_in_one_branch_drops_the_others() {
    let script = Script::new().with("punctual", 100, Action::Succeed).with("a", 50, Action::Succeed);
    let error = pipeline![(a, punctual)].with(script.clone()).run(text()).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), ("punctual", ErrorKind::TimedOut));
    let mut calls = script.call_log();
    calls.sort();
    assert_eq!(calls, ["a 0-20 Dropped", "punctual 0-20 Dropped"]);
    let script = Script::new().with("punctual", 100, Action::Succeed).with("a", 50, Action::Succeed);
    let later = pipeline![(a, punctual.timeout("1s")) => pair].with(script);
    assert_eq!(later.run(text()).await.unwrap(), ">a+>");
}

#[stage(concurrency = 1)]
async fn narrow(x: u32, #[state] gauge: &Gauge) -> u32 {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(10)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn each_use_of_a_stage_has_its_own_concurrency_limit() {
    // Two uses, each with one permit.
    let pipeline = pipeline![(narrow, narrow)].with(Gauge::default());
    let start = tokio::time::Instant::now();
    let results = pipeline.settle(0..5).await;
    assert!((0..).zip(results).all(|(n, result)| result.unwrap() == (n, n)));
    assert_eq!(start.elapsed(), ms(50));
}

#[derive(pipeline::Provide)]
struct Shared {
    gauge: Arc<Gauge>,
}

#[stage(concurrency = 2)]
async fn wide(x: &u32, #[state] gauge: &Arc<Gauge>) -> Result<u32, Refused> {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(10)).await;
    if *x == 1 { Err(Refused(1)) } else { Ok(*x) }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_branch_releases_its_permit() {
    let gauge = Arc::new(Gauge::default());
    let pipeline =
        pipeline![(wide, wide.name("beside") => |x| x, fails_on_three)].with(Shared { gauge: gauge.clone() });
    let results = pipeline.settle(0..8).await;
    let well: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(well, [true, false, true, false, true, true, true, true]);
    assert_eq!((gauge.now(), gauge.most()), (0, 4));
    // All four permits are available again.
    let start = tokio::time::Instant::now();
    pipeline.settle([4; 4]).await;
    assert_eq!(start.elapsed(), ms(20));
}

#[stage]
async fn fails_on_three(x: u32) -> Result<u32, Refused> {
    tokio::time::sleep(ms(3)).await;
    if x == 3 { Err(Refused(3)) } else { Ok(x) }
}
