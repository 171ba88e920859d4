//! A panic fails its own item, and nothing else.

use pipeline::{ErrorKind, pipeline, stage};

use crate::support::{Act, Refused, Service, ms};

#[stage(retries = 5)]
async fn divide(x: u32) -> u32 {
    tokio::task::yield_now().await;
    100 / x
}

#[stage]
fn double(x: u32) -> u32 {
    assert!(x < 50, "{x} is too much");
    x * 2
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_caught_and_says_which_stage_it_came_from() {
    let error = pipeline![double => divide].run(0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert_eq!(error.to_string(), "stage `divide` panicked: attempt to divide by zero");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_not_retried() {
    let error = pipeline![divide].run(0).await.unwrap_err();
    assert_eq!(error.attempts(), 1);
}

#[stage(retries = 1, timeout = "1s")]
async fn second_time(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await?;
    panic!("the service answered")
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_later_attempt_says_which() {
    let service = Service::new([Act::Slow(ms(5000))]);
    let error = pipeline![second_time].with(service).run(()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Panicked, 2));
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_its_own_item_alone() {
    let results = pipeline![double => divide].settle([5, 0, 60, 10]).await;
    assert_eq!(results[0].as_ref().unwrap(), &10);
    assert_eq!(results[1].as_ref().unwrap_err().stage(), "divide");
    assert_eq!(results[2].as_ref().unwrap_err().to_string(), "stage `double` panicked: 60 is too much");
    assert_eq!(results[3].as_ref().unwrap(), &5);
}

#[tokio::test(start_paused = true)]
async fn closures_inspections_and_predicates_may_panic_too() {
    let error = pipeline![|x: u32| 1 / x].run(0).await.unwrap_err();
    assert!(error.stage().starts_with("closure at "), "{error}");
    assert!(error.stage().contains("panics.rs:"), "{error}");

    let error = pipeline![u32: inspect(|x| assert!(*x > 0, "nothing"))].run(0).await.unwrap_err();
    assert!(error.stage().starts_with("inspect at "), "{error}");

    let service = Service::new([Act::Fail(503)]);
    let error = pipeline![wary].with(service).run(()).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), ("wary", ErrorKind::Panicked));
}

#[stage(retries = 1, retry_if = never)]
async fn wary(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

fn never(_: &Refused) -> bool {
    panic!("undecided")
}

#[tokio::test(start_paused = true)]
async fn an_odd_payload_is_no_trouble() {
    #[stage]
    fn odd() {
        std::panic::panic_any(7_u8);
    }
    let error = pipeline![odd].run(()).await.unwrap_err();
    assert_eq!(error.to_string(), "stage `odd` panicked: a panic whose payload is not a message");
}

#[tokio::test(start_paused = true)]
async fn the_pipeline_works_on_after_a_panic() {
    let pipeline = pipeline![double => divide];
    assert!(pipeline.run(0).await.is_err());
    assert_eq!(pipeline.run(5).await.unwrap(), 10);
}
