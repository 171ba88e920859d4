//! `(a, b)`: branches side by side on one item.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pipeline::{ErrorKind, pipeline, stage};

use crate::support::scripted_stages::{Copied, Do, Play, Single, a, b, c, copies, d, pair};
use crate::support::{Act, Gauge, Refused, Service, ms};

#[stage]
async fn own(x: Copied) -> u32 {
    tokio::task::yield_now().await;
    x.number
}

#[stage]
async fn look(x: &Copied) -> u32 {
    tokio::task::yield_now().await;
    x.number
}

#[stage]
fn glance(x: &Single) -> u32 {
    x.0
}

#[stage]
async fn gaze(x: &Single) -> String {
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
async fn outputs_are_a_tuple_in_the_order_of_the_branches_whoever_is_done_first() {
    let play = Play::new().with("a", 30, Do::Answer).with("b", 10, Do::Answer).with("c", 20, Do::Answer);
    let line = pipeline![(a, b => |text| text.len(), c => |text: String| [text])].with(play);
    let output: (String, usize, [String; 1]) = line.run(text()).await.unwrap();
    assert_eq!(output, (">a".to_owned(), 2, [">c".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn branches_run_at_the_same_time() {
    let play =
        Play::new().with("a", 1000, Do::Answer).with("b", 1000, Do::Answer).with("c", 1000, Do::Answer);
    pipeline![(a, b, c)].with(play.clone()).run(text()).await.unwrap();
    assert_eq!(play.lines(), ["a 0-1000 Done", "b 0-1000 Done", "c 0-1000 Done"]);
}

#[tokio::test(start_paused = true)]
async fn a_branch_is_a_chain_that_waits_for_nobody_else() {
    let play = Play::new().with("a", 10, Do::Answer).with("b", 30, Do::Answer).with("c", 5, Do::Answer);
    let line = pipeline![(a => c, b => d) => pair].with(play.clone());
    assert_eq!(line.run(text()).await.unwrap(), ">ac+>bd");
    assert_eq!(play.lines(), ["a 0-10 Done", "c 10-15 Done", "b 0-30 Done", "d 30-30 Done"]);
}

#[tokio::test]
async fn a_stage_of_several_inputs_takes_the_tuple() {
    let line = pipeline![Single: (glance, glance => |x| x + 1, glance => |x| x + 2) => sum];
    assert_eq!(line.run(Single(1)).await.unwrap(), 123);
    let closure =
        pipeline![Single: (glance, gaze) => |(number, text): (u32, String)| format!("{number}{text}")];
    assert_eq!(closure.run(Single(7)).await.unwrap(), "77");
}

#[tokio::test]
async fn the_input_is_copied_once_for_each_branch_less_one() {
    assert_eq!(copies!(pipeline![(own, own)], 7), ((7, 7), 1));
    assert_eq!(copies!(pipeline![(own, own, own)], 7), ((7, 7, 7), 2));
    let eight = pipeline![(own, own, own, own, own, own, own, own)];
    assert_eq!(copies!(eight, 1), ((1, 1, 1, 1, 1, 1, 1, 1), 7));
    // A closure, too, takes it by value.
    assert_eq!(copies!(pipeline![(own, |x: Copied| x.number + 1)], 7), ((7, 8), 1));
}

#[tokio::test]
async fn what_is_only_lent_is_not_copied() {
    assert_eq!(copies!(pipeline![(look, look, look)], 7), ((7, 7, 7), 0));
    assert_eq!(pipeline![(glance, gaze)].run(Single(7)).await.unwrap(), (7, "7".to_owned()));
}

#[tokio::test]
async fn beside_those_that_borrow_each_that_owns_has_a_copy() {
    assert_eq!(copies!(pipeline![(look, own)], 7), ((7, 7), 1));
    assert_eq!(copies!(pipeline![(own, look)], 7), ((7, 7), 1));
    assert_eq!(copies!(pipeline![(look, own, look, own)], 7), ((7, 7, 7, 7), 2));
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_in_time_is_that_of_the_item_and_the_others_are_dropped() {
    let play = Play::new().with("a", 50, Do::Fail).with("b", 20, Do::Fail).with("c", 90, Do::Answer);
    let error = pipeline![(a, b, c => d)].with(play.clone()).run(text()).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), ("b", ErrorKind::Failed));
    assert_eq!(error.downcast_ref::<Refused>(), Some(&Refused(1)));
    assert!(error.alternatives().is_empty());
    let mut lines = play.lines();
    assert_eq!(lines.remove(0), "b 0-20 Failed");
    lines.sort();
    assert_eq!(lines, ["a 0-20 Dropped", "c 0-20 Dropped"]);
}

#[tokio::test(start_paused = true)]
async fn a_branch_that_fails_at_once_keeps_those_behind_it_from_beginning() {
    let play = Play::new().with("a", 10, Do::Answer).with("b", 0, Do::Fail);
    pipeline![(a, b, c)].with(play.clone()).run(text()).await.unwrap_err();
    assert_eq!(play.lines(), ["b 0-0 Failed", "a 0-0 Dropped"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_the_item_under_the_name_of_its_stage_and_drops_the_others() {
    for time in [0, 20] {
        let play = Play::new().with("a", 50, Do::Answer).with("b", time, Do::Panic);
        let error = pipeline![(a, b) => pair].with(play.clone()).run(text()).await.unwrap_err();
        assert_eq!((error.stage(), error.kind()), ("b", ErrorKind::Panicked));
        assert_eq!(error.to_string(), "stage `b` panicked: so it was to be");
        let expected = [format!("a 0-{time} Dropped"), format!("b 0-{time} Panicked")];
        let mut lines = play.lines();
        lines.sort();
        assert_eq!(lines, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn branches_hold_branches() {
    let play = Play::new().with("a", 10, Do::Answer).with("b", 20, Do::Answer).with("c", 30, Do::Answer);
    let line = pipeline![((a, (b, c)), d => (a, b) => pair)].with(play.clone());
    let ((one, (two, three)), four) = line.run(text()).await.unwrap();
    assert_eq!([one, two, three, four], [">a", ">b", ">c", ">da+>db"]);
    let last = play.lines().pop().unwrap();
    assert!(last.starts_with("c 0-30"), "nobody waits for anybody: {last}");
}

#[tokio::test]
async fn a_branch_begins_with_any_step() {
    let seen = Arc::new(AtomicUsize::new(0));
    let noted = Arc::clone(&seen);
    let nested = pipeline![|x: u32| x * 10];
    let line = pipeline![
        u32: (
            |x| x + 1,
            inspect(move |x| { noted.fetch_add(*x as usize, Ordering::Relaxed); }),
            { nested.clone() },
            { nested } => |x| x + 2,
            match { 0 => 0_u32 => |x: u32| x, n => n => |n: u32| n + 3 },
            (odd | |x| x + 4),
            |x: u32| { add(x, 5) },
        )
    ];
    assert_eq!(line.run(1).await.unwrap(), (2, 1, 10, 12, 4, 1, 6));
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
async fn patient(_single: &Single, #[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[tokio::test(start_paused = true)]
async fn a_branch_is_tried_again_while_the_others_go_on() {
    let service = Service::new([Act::Fail(1), Act::Slow(ms(5)), Act::Fail(2)]);
    // The second branch gets what the script says second, and so on.
    let line = pipeline![(patient, patient)].with(service);
    let began = tokio::time::Instant::now();
    line.run(Single(1)).await.unwrap();
    assert_eq!(began.elapsed(), ms(20), "two failures of the first, 10 ms apart, beside the second");
}

#[stage(timeout = "20ms")]
async fn punctual(text: &str, #[state] play: &Play) -> Result<String, Refused> {
    play.act("punctual").await?;
    Ok(text.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_timeout_in_one_branch_drops_the_others() {
    let play = Play::new().with("punctual", 100, Do::Answer).with("a", 50, Do::Answer);
    let error = pipeline![(a, punctual)].with(play.clone()).run(text()).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), ("punctual", ErrorKind::TimedOut));
    let mut lines = play.lines();
    lines.sort();
    assert_eq!(lines, ["a 0-20 Dropped", "punctual 0-20 Dropped"]);
    let play = Play::new().with("punctual", 100, Do::Answer).with("a", 50, Do::Answer);
    let later = pipeline![(a, punctual.timeout("1s")) => pair].with(play);
    assert_eq!(later.run(text()).await.unwrap(), ">a+>");
}

#[stage(concurrency = 1)]
async fn narrow(x: u32, #[state] gauge: &Gauge) -> u32 {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(10)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_stage_is_that_of_one_place() {
    // Two places, each of which lets one item in at a time.
    let line = pipeline![(narrow, narrow)].with(Gauge::default());
    let began = tokio::time::Instant::now();
    let results = line.settle(0..5).await;
    assert!((0..).zip(results).all(|(n, result)| result.unwrap() == (n, n)));
    assert_eq!(began.elapsed(), ms(50));
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
async fn a_branch_that_is_given_up_gives_its_permit_back() {
    let gauge = Arc::new(Gauge::default());
    let line =
        pipeline![(wide, wide.name("beside") => |x| x, fails_on_three)].with(Shared { gauge: gauge.clone() });
    let results = line.settle(0..8).await;
    let well: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(well, [true, false, true, false, true, true, true, true]);
    assert_eq!((gauge.now(), gauge.most()), (0, 4));
    // Four permits, and none of them is lost.
    let began = tokio::time::Instant::now();
    line.settle([4; 4]).await;
    assert_eq!(began.elapsed(), ms(20));
}

#[stage]
async fn fails_on_three(x: u32) -> Result<u32, Refused> {
    tokio::time::sleep(ms(3)).await;
    if x == 3 { Err(Refused(3)) } else { Ok(x) }
}
