//! `StageError`: what the error of a failed item contains.

use std::error::Error;
use std::io;

use pipeline::{ErrorKind, pipeline, stage};

use crate::support::{Act, Refused, Service, ms};

#[stage(retries = 3, timeout = "1s", backoff = "fixed", delay = "100ms")]
async fn fetch(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[tokio::test(start_paused = true)]
async fn the_message_of_a_failure_has_stage_kind_attempts_time_and_cause() {
    let service = Service::new([Act::Fail(500), Act::Slow(ms(9000)), Act::Fail(502), Act::Fail(503)]);
    let error = pipeline![fetch].with(service).run(()).await.unwrap_err();
    assert_eq!(format!("{error:#}"), "stage `fetch` failed after 4 attempts in 1.3s: refused with 503");
    assert_eq!(error.stage(), "fetch");
    assert_eq!(error.elapsed(), ms(1300));
    assert_eq!(error.source().unwrap().to_string(), "refused with 503");
}

#[tokio::test(start_paused = true)]
async fn the_error_of_each_failed_attempt_is_kept() {
    let service = Service::new([Act::Fail(500), Act::Slow(ms(9000)), Act::Fail(502), Act::Fail(503)]);
    let error = pipeline![fetch].with(service).run(()).await.unwrap_err();
    let said: Vec<_> = error.failed_attempts().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        ["attempt 1: refused with 500", "attempt 2: not done within 1s", "attempt 3: refused with 502"]
    );
    let first = &error.failed_attempts()[0];
    assert_eq!((first.attempt(), first.kind(), first.wait()), (1, ErrorKind::Failed, ms(100)));
    assert_eq!(first.error().unwrap().downcast_ref(), Some(&Refused(500)));
    assert_eq!(error.failed_attempts()[1].kind(), ErrorKind::TimedOut);
}

#[stage]
fn aliased(fails: bool) -> io::Result<u8> {
    if fails { Err(io::Error::other("disk")) } else { Ok(1) }
}

#[stage]
fn anyhow_too(x: u8) -> anyhow::Result<u8> {
    anyhow::ensure!(x > 1, "{x} is too small");
    Ok(x)
}

#[stage]
fn words(x: u8) -> Result<u8, String> {
    Err(format!("no {x}"))
}

#[stage]
fn boxed(x: u8) -> Result<u8, Box<dyn Error + Send + Sync>> {
    Err(Refused(x.into()).into())
}

#[tokio::test]
async fn any_result_whose_error_can_be_boxed_makes_a_stage_fallible() {
    let error = pipeline![aliased].run(true).await.unwrap_err();
    assert_eq!(format!("{error:#}"), "stage `aliased` failed: disk");
    assert!(error.downcast_ref::<io::Error>().is_some());
    let error = pipeline![aliased => anyhow_too].run(false).await.unwrap_err();
    assert_eq!(format!("{error:#}"), "stage `anyhow_too` failed: 1 is too small");
    let error = pipeline![words].run(3).await.unwrap_err();
    assert_eq!(format!("{error:#}"), "stage `words` failed: no 3");
    let error = pipeline![boxed].run(3).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Refused(3)));
}

#[stage]
fn optional(x: u8) -> Option<u8> {
    (x > 0).then_some(x)
}

#[tokio::test]
async fn any_other_return_type_is_a_value() {
    assert_eq!(pipeline![optional].run(0).await.unwrap(), None);
}

/// A user's error that resembles a timeout is an ordinary failure.
#[stage]
async fn own_timeout() -> Result<(), tokio::time::error::Elapsed> {
    tokio::time::timeout(ms(1), std::future::pending()).await
}

#[tokio::test(start_paused = true)]
async fn a_users_own_timeout_error_is_an_ordinary_failure() {
    let error = pipeline![own_timeout].run(()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_eq!(error.elapsed(), ms(1));
}

#[tokio::test]
async fn the_debug_format_shows_stage_kind_attempts_and_cause() {
    let error = pipeline![words].run(3).await.unwrap_err();
    let debug = format!("{error:?}");
    for part in ["words", "Failed", "attempts: 1", "no 3"] {
        assert!(debug.contains(part), "{debug}");
    }
}

#[derive(Debug)]
struct Outer(Refused);

impl std::fmt::Display for Outer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("error sending request")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[stage]
fn nested() -> Result<(), Outer> {
    Err(Outer(Refused(503)))
}

#[tokio::test]
async fn the_message_includes_the_sources_of_the_error() {
    let error = pipeline![nested].run(()).await.unwrap_err();
    assert_eq!(format!("{error:#}"), "stage `nested` failed: error sending request: refused with 503");
}

#[stage(name = "GET /airports")]
fn renamed() -> Result<(), Refused> {
    Err(Refused(404))
}

#[tokio::test]
async fn an_error_has_the_name_from_the_stages_attribute() {
    assert_eq!(pipeline![renamed].run(()).await.unwrap_err().stage(), "GET /airports");
}
