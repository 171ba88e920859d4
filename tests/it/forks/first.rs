//! `(a | b)`: the first that succeeds.

use std::sync::{Arc, Mutex};

use pipeline::{ErrorKind, ErrorMode, pipeline, stage};

use crate::support::scripted_stages::{Copied, Do, Play, Single, a, b, c, copies, d, pair};
use crate::support::{Act, Refused, Service, ms};

fn text() -> String {
    ">".to_owned()
}

#[tokio::test(start_paused = true)]
async fn alternatives_are_tried_in_order_each_after_the_one_before_failed() {
    let play = Play::new().with("a", 10, Do::Fail).with("b", 20, Do::Fail).with("c", 5, Do::Answer);
    let line = pipeline![(a | b | c | d)].with(play.clone());
    assert_eq!(line.run(text()).await.unwrap(), ">c");
    assert_eq!(play.lines(), ["a 0-10 Failed", "b 10-30 Failed", "c 30-35 Done"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_else_is_called_where_the_first_succeeds() {
    let play = Play::new().with("a", 10, Do::Answer);
    assert_eq!(pipeline![(a | b)].with(play.clone()).run(text()).await.unwrap(), ">a");
    assert_eq!(play.lines(), ["a 0-10 Done"]);
}

#[tokio::test(start_paused = true)]
async fn an_alternative_is_a_chain_and_fails_as_one() {
    let play = Play::new().with("c", 10, Do::Fail);
    let line = pipeline![(a => c => d | b => d)].with(play.clone());
    assert_eq!(line.run(text()).await.unwrap(), ">bd");
    assert_eq!(play.lines(), ["a 0-0 Done", "c 0-10 Failed", "b 10-10 Done", "d 10-10 Done"]);
}

#[tokio::test(start_paused = true)]
async fn the_error_is_that_of_the_last_and_says_what_the_others_said() {
    let play = Play::new().with("a", 10, Do::Fail).with("b", 0, Do::Fail).with("c", 0, Do::Fail);
    let error = pipeline![(a | b | c)].with(play).run(text()).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), ("c", ErrorKind::Failed));
    assert_eq!(error.downcast_ref::<Refused>(), Some(&Refused(1)));
    let others: Vec<_> = error.alternatives().iter().map(|error| error.stage().to_owned()).collect();
    assert_eq!(others, ["a", "b"]);
    assert!(error.alternatives().iter().all(|error| error.downcast_ref::<Refused>().is_some()));
    assert_eq!(
        error.to_string(),
        "stage `c` failed: refused with 1 (tried before it: stage `a` failed in 10ms: refused with 1; stage `b` \
         failed: refused with 1)"
    );
}

#[tokio::test(start_paused = true)]
async fn alternatives_within_alternatives_are_told_in_the_order_in_which_they_were_tried() {
    let play = || ["a", "b", "c", "d"].iter().fold(Play::new(), |play, stage| play.with(stage, 0, Do::Fail));
    let names = |error: &pipeline::StageError| -> Vec<_> {
        error.alternatives().iter().map(|error| error.stage().to_owned()).collect()
    };
    let error = pipeline![(a | (b | c) | d)].with(play()).run(text()).await.unwrap_err();
    assert_eq!((error.stage(), names(&error)), ("d", vec!["a".to_owned(), "c".to_owned()]));
    assert_eq!(names(&error.alternatives()[1]), ["b"], "what an alternative tried before is its own");
    let error = pipeline![(a | (b | (c | d)))].with(play()).run(text()).await.unwrap_err();
    assert_eq!((error.stage(), names(&error)), ("d", vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]));
    let answered = pipeline![(a | (b | c | d))].with(play().with("c", 0, Do::Answer));
    assert_eq!(answered.run(text()).await.unwrap(), ">c");
}

#[tokio::test(start_paused = true)]
async fn after_a_panic_nothing_else_is_tried() {
    for time in [0, 10] {
        let play = Play::new().with("a", time, Do::Panic);
        let error = pipeline![(a | b)].with(play.clone()).run(text()).await.unwrap_err();
        assert_eq!((error.stage(), error.kind()), ("a", ErrorKind::Panicked));
        assert_eq!(play.lines(), [format!("a 0-{time} Panicked")]);
    }
    let error = pipeline![u32: ((|x| 1 / x) | |x| x)].run(0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
}

#[tokio::test(start_paused = true)]
async fn branches_of_an_alternative_are_dropped_before_the_next_begins() {
    let play = Play::new().with("a", 50, Do::Answer).with("b", 10, Do::Fail).with("c", 5, Do::Answer);
    let line = pipeline![((a, b) => pair | c)].with(play.clone());
    assert_eq!(line.run(text()).await.unwrap(), ">c");
    assert_eq!(play.lines(), ["b 0-10 Failed", "a 0-10 Dropped", "c 10-15 Done"]);
}

#[stage]
fn rejects(x: &Single) -> Result<u32, Refused> {
    Err(Refused(u16::try_from(x.0).unwrap()))
}

#[stage]
async fn keeps(x: Single) -> Result<u32, Refused> {
    Ok(x.0)
}

#[stage]
async fn looks(x: &Copied) -> Result<u32, Refused> {
    tokio::task::yield_now().await;
    Err(Refused(u16::try_from(x.number).unwrap()))
}

#[stage]
async fn owns(x: Copied) -> Result<u32, Refused> {
    if x.number == 7 { Err(Refused(7)) } else { Ok(x.number) }
}

#[stage]
async fn takes(x: Copied) -> u32 {
    x.number
}

#[tokio::test]
async fn the_input_is_lent_to_each_and_the_last_has_it_for_its_own() {
    // No copy is possible here.
    assert_eq!(pipeline![(rejects | rejects | keeps)].run(Single(7)).await.unwrap(), 7);
    assert_eq!(copies!(pipeline![(looks | looks | takes)], 7), (7, 0));
}

#[tokio::test]
async fn each_that_owns_the_input_has_a_copy_but_the_last_and_only_when_its_turn_comes() {
    assert_eq!(copies!(pipeline![(owns | owns | takes)], 7), (7, 2));
    assert_eq!(copies!(pipeline![(owns | owns | takes)], 8), (8, 1));
    assert_eq!(copies!(pipeline![(looks | owns | takes)], 7), (7, 1));
    assert_eq!(copies!(pipeline![(looks | owns | looks | takes)], 8), (8, 1));
}

#[stage(retries = 2, backoff = "fixed", delay = "10ms")]
async fn primary(_single: &Single, #[state] service: &Service) -> Result<&'static str, Refused> {
    service.call().await.map(|()| "primary")
}

#[stage(timeout = "20ms")]
async fn mirror(_single: &Single, #[state] service: &Service) -> Result<&'static str, Refused> {
    service.call().await.map(|()| "mirror")
}

#[stage(retries = 9, deadline = "25ms", delay = "10ms", backoff = "fixed")]
async fn hurried(_single: &Single, #[state] service: &Service) -> Result<&'static str, Refused> {
    service.call().await.map(|()| "hurried")
}

#[stage]
fn cache(_single: &Single) -> &'static str {
    "cache"
}

#[tokio::test(start_paused = true)]
async fn an_alternative_uses_up_its_own_attempts_before_the_next_is_tried() {
    let service = Service::new([Act::Fail(1), Act::Fail(2)]);
    let line = pipeline![(primary | mirror)].with(service);
    assert_eq!(line.run(Single(1)).await.unwrap(), "primary");
    let service = Arc::new(Service::new([Act::Fail(1), Act::Fail(2), Act::Fail(3), Act::Fail(4)]));
    let line = pipeline![(primary | mirror)].with(Served { service: Arc::clone(&service) });
    let error = line.run(Single(1)).await.unwrap_err();
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
async fn whoever_takes_too_long_is_followed_by_the_next() {
    let slow = Act::Slow(ms(5000));
    let line = pipeline![(mirror | cache)].with(Service::new([slow]));
    let began = tokio::time::Instant::now();
    assert_eq!(line.run(Single(1)).await.unwrap(), "cache");
    assert_eq!(began.elapsed(), ms(20));
    let line = pipeline![(hurried | mirror)].with(Service::new([Act::Fail(1), slow, slow]));
    let error = line.run(Single(1)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.alternatives()[0].kind()),
        (ErrorKind::TimedOut, ErrorKind::DeadlineExceeded)
    );
    assert_eq!(began.elapsed(), ms(20 + 25 + 20));
    let line = pipeline![(primary.retries(0) | mirror.timeout("1s"))];
    let line = line.with(Service::new([Act::Fail(1), Act::Slow(ms(100))]));
    assert_eq!(line.run(Single(1)).await.unwrap(), "mirror");
}

/// All rows of a statement, or none.
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
async fn rows_that_failed_in_an_alternative_that_failed_do_not_count() {
    let line =
        pipeline![i64: batch(4) => (upsert => rejects_all | writes_to_file)].on_error(ErrorMode::Collect);
    let report = line.drain([1, -2, 3, -4]).await.unwrap();
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (4, 1, 0));
    assert_eq!((report.rows_isolated(), report.failures().len()), (0, 0));
    let stage = report.stage("upsert").unwrap();
    assert_eq!((stage.calls(), stage.outputs(), stage.failures()), (1, 1, 0));
    // Those of one that succeeds do.
    let line = pipeline![i64: batch(4) => (upsert | writes_to_file)].on_error(ErrorMode::Collect);
    let report = line.drain([1, -2, 3, -4]).await.unwrap();
    assert_eq!((report.items_out(), report.items_failed(), report.rows_isolated()), (1, 2, 2));
    // And those from before the alternatives.
    let line = pipeline![i64: batch(4) => upsert => (rejects_all | |n| n)].on_error(ErrorMode::Collect);
    let report = line.drain([1, -2, 3, -4]).await.unwrap();
    assert_eq!((report.items_out(), report.items_failed(), report.rows_isolated()), (1, 2, 2));
    // Where all rows fail the next is tried.
    let line = pipeline![i64: batch(4) => (upsert | writes_to_file)].on_error(ErrorMode::Collect);
    let report = line.drain([-1, -2, -3, -4]).await.unwrap();
    assert_eq!((report.items_out(), report.items_failed(), report.rows_isolated()), (1, 0, 0));
    assert_eq!(line.clone().collect([-1, -2, -3, -4]).await.unwrap(), [4]);
}

#[stage]
async fn rejects_after_a_while(_rows: &[i64]) -> Result<u64, Refused> {
    tokio::time::sleep(ms(10)).await;
    Err(Refused(1))
}

#[tokio::test(start_paused = true)]
async fn rows_that_failed_beside_an_alternative_count() {
    let line = pipeline![i64: batch(4) => (upsert, (rejects_after_a_while | writes_to_file))];
    let report = line.on_error(ErrorMode::Collect).drain([1, -2, 3, -4]).await.unwrap();
    assert_eq!((report.items_out(), report.items_failed(), report.rows_isolated()), (1, 2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_panic_says_the_same_whether_somebody_observes_or_not() {
    struct Nobody;
    impl pipeline::Observer for Nobody {}
    let play = || Play::new().with("a", 0, Do::Fail).with("b", 10, Do::Panic);
    let observed = pipeline![(a | b | c)].with(play()).observe(Nobody).run(text()).await.unwrap_err();
    let plain = pipeline![(a | b | c)].with(play()).run(text()).await.unwrap_err();
    assert_eq!(plain.to_string(), observed.to_string());
    assert_eq!(plain.alternatives().len(), observed.alternatives().len());
}

#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<Vec<u32>>>);

#[tokio::test(start_paused = true)]
async fn items_go_their_own_ways() {
    let seen = Seen::default();
    let noted = seen.clone();
    let line = pipeline![
        (odd => inspect(move |x| noted.0.lock().unwrap().push(*x)) | |x| x + 100)
    ];
    assert_eq!(line.collect(0..6).await.unwrap(), [100, 1, 102, 3, 104, 5]);
    assert_eq!(*seen.0.lock().unwrap(), [1, 3, 5]);
}

#[stage]
fn odd(x: u32) -> Result<u32, Refused> {
    if x % 2 == 1 { Ok(x) } else { Err(Refused(2)) }
}
