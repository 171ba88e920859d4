//! `(a | b)`: alternatives, tried in order until one succeeds.

use std::sync::{Arc, Mutex};

use pipeline::{ErrorKind, ErrorMode, pipeline, stage};

use crate::support::scripted_stages::{
    Action, CountsClones, NotClone, Script, a, b, c, count_clones, d, pair,
};
use crate::support::{Act, Refused, Service, ms};

fn text() -> String {
    ">".to_owned()
}

#[tokio::test(start_paused = true)]
async fn alternatives_are_tried_in_order_each_after_the_one_before_failed() {
    let script =
        Script::new().with("a", 10, Action::Fail).with("b", 20, Action::Fail).with("c", 5, Action::Succeed);
    let pipeline = pipeline![(a | b | c | d)].with(script.clone());
    assert_eq!(pipeline.run(text()).await.unwrap(), ">c");
    assert_eq!(script.call_log(), ["a 0-10 Failed", "b 10-30 Failed", "c 30-35 Done"]);
}

#[tokio::test(start_paused = true)]
async fn no_other_alternative_is_called_when_the_first_succeeds() {
    let script = Script::new().with("a", 10, Action::Succeed);
    assert_eq!(pipeline![(a | b)].with(script.clone()).run(text()).await.unwrap(), ">a");
    assert_eq!(script.call_log(), ["a 0-10 Done"]);
}

#[tokio::test(start_paused = true)]
async fn an_alternative_is_a_chain_and_fails_as_a_whole() {
    let script = Script::new().with("c", 10, Action::Fail);
    let pipeline = pipeline![(a => c => d | b => d)].with(script.clone());
    assert_eq!(pipeline.run(text()).await.unwrap(), ">bd");
    assert_eq!(script.call_log(), ["a 0-0 Done", "c 0-10 Failed", "b 10-10 Done", "d 10-10 Done"]);
}

#[tokio::test(start_paused = true)]
async fn the_error_is_that_of_the_last_alternative_and_includes_the_others() {
    let script =
        Script::new().with("a", 10, Action::Fail).with("b", 0, Action::Fail).with("c", 0, Action::Fail);
    let error = pipeline![(a | b | c)].with(script).run(text()).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), ("c", ErrorKind::Failed));
    assert_eq!(error.downcast_ref::<Refused>(), Some(&Refused(1)));
    let others: Vec<_> = error.alternatives().iter().map(|error| error.stage().to_owned()).collect();
    assert_eq!(others, ["a", "b"]);
    assert!(error.alternatives().iter().all(|error| error.downcast_ref::<Refused>().is_some()));
    assert_eq!(
        format!("{error:#}"),
        "stage `c` failed (tried before it: stage `a` failed in 10ms: refused with 1; stage `b` failed: refused \
         with 1): refused with 1"
    );
}

#[tokio::test(start_paused = true)]
async fn nested_alternatives_are_reported_in_the_order_they_were_tried() {
    let script = || {
        ["a", "b", "c", "d"].iter().fold(Script::new(), |script, stage| script.with(stage, 0, Action::Fail))
    };
    let names = |error: &pipeline::StageError| -> Vec<_> {
        error.alternatives().iter().map(|error| error.stage().to_owned()).collect()
    };
    let error = pipeline![(a | (b | c) | d)].with(script()).run(text()).await.unwrap_err();
    assert_eq!((error.stage(), names(&error)), ("d", vec!["a".to_owned(), "c".to_owned()]));
    assert_eq!(
        names(&error.alternatives()[1]),
        ["b"],
        "a nested list of alternatives stays with its own error"
    );
    let error = pipeline![(a | (b | (c | d)))].with(script()).run(text()).await.unwrap_err();
    assert_eq!((error.stage(), names(&error)), ("d", vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]));
    let answered = pipeline![(a | (b | c | d))].with(script().with("c", 0, Action::Succeed));
    assert_eq!(answered.run(text()).await.unwrap(), ">c");
}

#[tokio::test(start_paused = true)]
async fn no_alternative_is_tried_after_a_panic() {
    for time in [0, 10] {
        let script = Script::new().with("a", time, Action::Panic);
        let error = pipeline![(a | b)].with(script.clone()).run(text()).await.unwrap_err();
        assert_eq!((error.stage(), error.kind()), ("a", ErrorKind::Panicked));
        assert_eq!(script.call_log(), [format!("a 0-{time} Panicked")]);
    }
    let error = pipeline![u32: ((|x| 1 / x) | |x| x)].run(0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
}

#[tokio::test(start_paused = true)]
async fn branches_of_an_alternative_are_dropped_before_the_next_alternative_starts() {
    let script = Script::new().with("a", 50, Action::Succeed).with("b", 10, Action::Fail).with(
        "c",
        5,
        Action::Succeed,
    );
    let pipeline = pipeline![((a, b) => pair | c)].with(script.clone());
    assert_eq!(pipeline.run(text()).await.unwrap(), ">c");
    assert_eq!(script.call_log(), ["b 0-10 Failed", "a 0-10 Dropped", "c 10-15 Done"]);
}

#[stage]
fn rejects(x: &NotClone) -> Result<u32, Refused> {
    Err(Refused(u16::try_from(x.0).unwrap()))
}

#[stage]
async fn keeps(x: NotClone) -> Result<u32, Refused> {
    Ok(x.0)
}

#[stage]
async fn looks(x: &CountsClones) -> Result<u32, Refused> {
    tokio::task::yield_now().await;
    Err(Refused(u16::try_from(x.value).unwrap()))
}

#[stage]
async fn owns(x: CountsClones) -> Result<u32, Refused> {
    if x.value == 7 { Err(Refused(7)) } else { Ok(x.value) }
}

#[stage]
async fn takes(x: CountsClones) -> u32 {
    x.value
}

#[tokio::test]
async fn the_input_is_borrowed_by_each_alternative_and_moved_into_the_last() {
    // The input is not `Clone`.
    assert_eq!(pipeline![(rejects | rejects | keeps)].run(NotClone(7)).await.unwrap(), 7);
    assert_eq!(count_clones!(pipeline![(looks | looks | takes)], 7), (7, 0));
}

#[tokio::test]
async fn each_alternative_that_owns_the_input_but_the_last_gets_a_clone_when_it_is_tried() {
    assert_eq!(count_clones!(pipeline![(owns | owns | takes)], 7), (7, 2));
    assert_eq!(count_clones!(pipeline![(owns | owns | takes)], 8), (8, 1));
    assert_eq!(count_clones!(pipeline![(looks | owns | takes)], 7), (7, 1));
    assert_eq!(count_clones!(pipeline![(looks | owns | looks | takes)], 8), (8, 1));
}

#[stage(retries = 2, backoff = "fixed", delay = "10ms")]
async fn primary(_single: &NotClone, #[state] service: &Service) -> Result<&'static str, Refused> {
    service.call().await.map(|()| "primary")
}

#[stage(timeout = "20ms")]
async fn mirror(_single: &NotClone, #[state] service: &Service) -> Result<&'static str, Refused> {
    service.call().await.map(|()| "mirror")
}

#[stage(retries = 9, deadline = "25ms", delay = "10ms", backoff = "fixed")]
async fn hurried(_single: &NotClone, #[state] service: &Service) -> Result<&'static str, Refused> {
    service.call().await.map(|()| "hurried")
}

#[stage]
fn cache(_single: &NotClone) -> &'static str {
    "cache"
}

#[tokio::test(start_paused = true)]
async fn an_alternative_uses_all_its_attempts_before_the_next_is_tried() {
    let service = Service::new([Act::Fail(1), Act::Fail(2)]);
    let pipeline = pipeline![(primary | mirror)].with(service);
    assert_eq!(pipeline.run(NotClone(1)).await.unwrap(), "primary");
    let service = Arc::new(Service::new([Act::Fail(1), Act::Fail(2), Act::Fail(3), Act::Fail(4)]));
    let pipeline = pipeline![(primary | mirror)].with(Served { service: Arc::clone(&service) });
    let error = pipeline.run(NotClone(1)).await.unwrap_err();
    assert_eq!(service.calls(), [0, 10, 20, 20]);
    assert_eq!((error.stage(), error.attempts()), ("mirror", 1));
    assert_eq!(error.downcast_ref::<Refused>(), Some(&Refused(4)));
    assert_eq!((error.alternatives()[0].stage(), error.alternatives()[0].attempts()), ("primary", 3));
    assert_eq!(error.alternatives()[0].downcast_ref::<Refused>(), Some(&Refused(3)));
}

struct Served {
    service: Arc<Service>,
}

impl pipeline::Provide<Service> for Served {
    fn provide(&self) -> &Service {
        &self.service
    }
}

#[tokio::test(start_paused = true)]
async fn an_alternative_that_times_out_is_followed_by_the_next() {
    let slow = Act::Slow(ms(5000));
    let pipeline = pipeline![(mirror | cache)].with(Service::new([slow]));
    let start = tokio::time::Instant::now();
    assert_eq!(pipeline.run(NotClone(1)).await.unwrap(), "cache");
    assert_eq!(start.elapsed(), ms(20));
    let pipeline = pipeline![(hurried | mirror)].with(Service::new([Act::Fail(1), slow, slow]));
    let error = pipeline.run(NotClone(1)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.alternatives()[0].kind()),
        (ErrorKind::TimedOut, ErrorKind::DeadlineExceeded)
    );
    assert_eq!(start.elapsed(), ms(20 + 25 + 20));
    let pipeline = pipeline![(primary.retries(0) | mirror.timeout("1s"))];
    let pipeline = pipeline.with(Service::new([Act::Fail(1), Act::Slow(ms(100))]));
    assert_eq!(pipeline.run(NotClone(1)).await.unwrap(), "mirror");
}

/// Inserts all rows or none, like a database statement.
#[stage(split_on_failure)]
async fn upsert(rows: &[i64]) -> Result<u64, Refused> {
    tokio::task::yield_now().await;
    if rows.iter().any(|row| *row < 0) { Err(Refused(22)) } else { Ok(rows.len() as u64) }
}

#[stage]
async fn rejects_all(_written: u64) -> Result<u64, Refused> {
    Err(Refused(1))
}

#[stage]
async fn writes_to_file(rows: &[i64]) -> u64 {
    rows.len() as u64
}

#[tokio::test(start_paused = true)]
async fn rows_isolated_in_a_failed_alternative_are_not_counted() {
    let pipeline =
        pipeline![i64: batch(4) => (upsert => rejects_all | writes_to_file)].on_error(ErrorMode::Collect);
    let report = pipeline.drain([1, -2, 3, -4]).await.unwrap();
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (4, 1, 0));
    assert_eq!((report.rows_isolated(), report.failures().len()), (0, 0));
    let stage = report.stage("upsert").unwrap();
    assert_eq!((stage.calls(), stage.outputs(), stage.failed()), (1, 1, 0));
    // Rows isolated in an alternative that succeeds are counted.
    let pipeline = pipeline![i64: batch(4) => (upsert | writes_to_file)].on_error(ErrorMode::Collect);
    let report = pipeline.drain([1, -2, 3, -4]).await.unwrap();
    assert_eq!((report.items_out(), report.items_failed(), report.rows_isolated()), (1, 2, 2));
    // So are rows isolated before the alternatives.
    let pipeline = pipeline![i64: batch(4) => upsert => (rejects_all | |n| n)].on_error(ErrorMode::Collect);
    let report = pipeline.drain([1, -2, 3, -4]).await.unwrap();
    assert_eq!((report.items_out(), report.items_failed(), report.rows_isolated()), (1, 2, 2));
    // If all rows fail, the next alternative is tried.
    let pipeline = pipeline![i64: batch(4) => (upsert | writes_to_file)].on_error(ErrorMode::Collect);
    let report = pipeline.drain([-1, -2, -3, -4]).await.unwrap();
    assert_eq!((report.items_out(), report.items_failed(), report.rows_isolated()), (1, 0, 0));
    assert_eq!(pipeline.clone().collect([-1, -2, -3, -4]).await.unwrap(), [4]);
}

#[stage]
async fn rejects_after_a_while(_rows: &[i64]) -> Result<u64, Refused> {
    tokio::time::sleep(ms(10)).await;
    Err(Refused(1))
}

#[tokio::test(start_paused = true)]
async fn rows_isolated_in_a_branch_next_to_alternatives_are_counted() {
    let pipeline = pipeline![i64: batch(4) => (upsert, (rejects_after_a_while | writes_to_file))];
    let report = pipeline.on_error(ErrorMode::Collect).drain([1, -2, 3, -4]).await.unwrap();
    assert_eq!((report.items_out(), report.items_failed(), report.rows_isolated()), (1, 2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_panic_gives_the_same_error_with_and_without_an_observer() {
    struct Nobody;
    impl pipeline::Observer for Nobody {}
    let script = || Script::new().with("a", 0, Action::Fail).with("b", 10, Action::Panic);
    let observed = pipeline![(a | b | c)].with(script()).observe(Nobody).run(text()).await.unwrap_err();
    let plain = pipeline![(a | b | c)].with(script()).run(text()).await.unwrap_err();
    assert_eq!(format!("{plain:#}"), format!("{:#}", observed));
    assert_eq!(plain.alternatives().len(), observed.alternatives().len());
}

#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<Vec<u32>>>);

#[tokio::test(start_paused = true)]
async fn each_item_takes_its_own_alternative() {
    let seen = Seen::default();
    let recorded = seen.clone();
    let pipeline = pipeline![
        (odd => inspect(move |x| recorded.0.lock().unwrap().push(*x)) | |x| x + 100)
    ];
    assert_eq!(pipeline.collect(0..6).await.unwrap(), [100, 1, 102, 3, 104, 5]);
    assert_eq!(*seen.0.lock().unwrap(), [1, 3, 5]);
}

#[stage]
fn odd(x: u32) -> Result<u32, Refused> {
    if x % 2 == 1 { Ok(x) } else { Err(Refused(2)) }
}
