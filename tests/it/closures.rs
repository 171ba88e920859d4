//! Closures as steps: plain, `try`, with an async block, and with a name.

use std::fmt;
use std::num::ParseIntError;
use std::sync::Arc;
use std::time::Duration;

use pipeline::{ErrorKind, ErrorMode, pipeline, stage};
use tokio::time::{Instant, sleep};

/// An error that is nothing else.
#[derive(Debug, PartialEq)]
struct TooLarge(u32);

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is too large", self.0)
    }
}

impl std::error::Error for TooLarge {}

#[stage]
fn text(x: u32) -> String {
    x.to_string()
}

async fn halve(x: u32) -> Result<u32, TooLarge> {
    sleep(Duration::from_secs(1)).await;
    if x < 100 { Ok(x / 2) } else { Err(TooLarge(x)) }
}

#[test]
fn an_error_of_a_try_closure_fails_its_item() {
    let parsed = pipeline![String: try |row| row.parse::<u32>() => |x| x + 1];
    assert_eq!(parsed.run_blocking("41".to_owned()).unwrap(), 42);
    let error = parsed.run_blocking("x".to_owned()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Failed, 1));
    assert!(error.downcast_ref::<ParseIntError>().is_some(), "the error of the closure is the cause");
    assert!(error.stage().starts_with("closure at tests/it/closures.rs:"), "{}", error.stage());
}

#[test]
fn a_try_closure_has_question_marks_returns_and_any_error() {
    let several = pipeline![String: try |row| {
        let x = row.parse::<u32>()?;
        if x > 100 {
            Err(TooLarge(x))?;
        }
        if x == 100 {
            return Err("a hundred".into());
        }
        Ok(x)
    }];
    let error = |text: &str| several.run_blocking(text.to_owned()).unwrap_err();
    assert!(error("x").downcast_ref::<ParseIntError>().is_some());
    assert_eq!(error("101").downcast_ref::<TooLarge>(), Some(&TooLarge(101)));
    assert!(format!("{:#}", error("100")).ends_with("a hundred"));
    let own = pipeline![try |x: u32| if x > 3 { Err(TooLarge(x)) } else { Ok(x) }];
    assert_eq!(own.run_blocking(4).unwrap_err().downcast_ref::<TooLarge>(), Some(&TooLarge(4)));
    let strings = pipeline![try |x: u32| if x > 3 { Err("too many") } else { Ok(x) }];
    assert!(strings.run_blocking(4).is_err());
    let declared = pipeline![try |x: u32| -> Result<u8, std::num::TryFromIntError> { x.try_into() }];
    assert_eq!(declared.run_blocking(255).unwrap(), 255);
    assert!(pipeline![text => try |text| Ok(text)].run_blocking(1).is_ok());
    assert!(pipeline![text => try move |text| Ok(text)].run_blocking(1).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_closure_with_an_async_block_is_awaited() {
    let client = Arc::new(7);
    let waited = pipeline![text => |text| async move {
        sleep(Duration::from_secs(1)).await;
        text.len()
    } => move |x| {
        let client = Arc::clone(&client);
        async move { x + *client }
    }];
    let start = Instant::now();
    assert_eq!(waited.run(1000).await.unwrap(), 11);
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    // Many wait side by side.
    assert_eq!(waited.collect(0..64).await.unwrap().len(), 64);
    assert_eq!(start.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn an_async_block_of_a_try_closure_can_fail() {
    let halved = pipeline![try |x: u32| async move { halve(x).await }];
    assert_eq!(halved.run(10).await.unwrap(), 5);
    let error = halved.run(100).await.unwrap_err();
    assert_eq!(error.downcast_ref::<TooLarge>(), Some(&TooLarge(100)));
    assert_eq!(error.elapsed(), Duration::from_secs(1));
    let several = pipeline![text => try |text| async move {
        let x = halve(text.parse()?).await?;
        if x == 3 {
            return Err("three".into());
        }
        Ok(x)
    }];
    assert_eq!(several.run(10).await.unwrap(), 5);
    assert!(several.run(7).await.is_err());
    assert!(several.run(700).await.unwrap_err().downcast_ref::<TooLarge>().is_some());
}

#[tokio::test(start_paused = true)]
async fn what_fails_in_a_closure_is_counted_among_many() {
    let parsed = pipeline![
        step("parse") try |row: &'static str| row.parse::<u32>()
            => step("look up") try |x| async move { halve(x).await }
            => step("log") inspect(|_| ())
            => step("double") |x| x * 2
    ];
    let report = parsed.on_error(ErrorMode::Collect).drain(["1", "x", "100", "4"]).await.unwrap();
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (4, 2, 2));
    let names: Vec<_> = report.stages().iter().map(pipeline::StageReport::name).collect();
    assert_eq!(names, ["parse", "look up", "log", "double"]);
    let failed: Vec<_> = report.failures().iter().map(|failure| failure.error.stage()).collect();
    assert_eq!(failed, ["parse", "look up"]);
}

#[tokio::test(start_paused = true)]
async fn closures_of_each_kind_are_branches_of_forks() {
    let forked = pipeline![u32: (
        try |x| async move { halve(x).await },
        |x| async move { x + 1 },
        try |x| u8::try_from(x),
        ((try |x| async move { halve(x * 100).await }) | (|x| x)),
    )];
    assert_eq!(forked.run(4).await.unwrap(), (2, 5, 4, 4));
    assert!(forked.run(100).await.is_err());
}

#[test]
fn a_panic_in_a_closure_names_it() {
    let kinds = [
        pipeline![step("loud") try |x: u32| if x > 1 { panic!("no") } else { Ok::<_, String>(x) }]
            .run_blocking(2)
            .unwrap_err(),
        pipeline![step("loud") |x: u32| async move { if x > 1 { panic!("no") } else { x } }]
            .run_blocking(2)
            .unwrap_err(),
    ];
    for error in kinds {
        assert_eq!((error.kind(), error.stage()), (ErrorKind::Panicked, "loud"));
    }
}

// An input that a stage does not use, and inputs that it takes apart.
#[stage(retries = 1)]
fn second(_: u32, (a, b): (u32, u32)) -> Result<u32, String> {
    a.checked_add(b).ok_or_else(|| "too much".to_owned())
}

#[test]
fn inputs_can_be_patterns() {
    assert_eq!(pipeline![second].run_blocking((1, (2, 3))).unwrap(), 5);
}

// A `Result` can be an output, if the closure says so.
#[test]
fn a_closure_that_declares_a_result_returns_it() {
    let parsed = pipeline![text => |text| -> Result<u8, ParseIntError> { text.parse() }];
    assert!(parsed.run_blocking(300).unwrap().is_err());
}

// Types that follow from the input, which is known only later.
#[test]
fn an_output_may_follow_from_the_first_use() {
    assert_eq!(pipeline![|x| x + 1].run_blocking(3).unwrap(), 4);
    assert_eq!(pipeline![|x| x].run_blocking(0.5).unwrap(), 0.5);
    assert!(pipeline![|_: u32| panic!("never")].run_blocking(1).is_err());
    assert!(pipeline![|_: u32| ()].run_blocking(1).is_ok());
}
