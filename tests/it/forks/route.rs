//! `match { … }`: each item takes the arm whose pattern matches.

use pipeline::{ErrorKind, ErrorMode, pipeline, stage};

use crate::support::Refused;
use crate::support::scripted_stages::{Action, NotClone, Script, a, b};

#[derive(Debug)]
enum Order {
    Small(u32),
    Large { count: u32, note: String },
    Unique(NotClone),
    Empty,
}

#[stage]
fn small(count: u32) -> String {
    format!("small {count}")
}

#[stage]
async fn large(count: u32, note: &str) -> String {
    tokio::task::yield_now().await;
    format!("large {count} {note}")
}

#[stage]
async fn unique(x: NotClone) -> String {
    format!("unique {}", x.0)
}

#[stage]
fn nothing() -> String {
    "nothing".to_owned()
}

#[tokio::test]
async fn an_item_takes_the_arm_of_its_pattern_with_the_value_of_the_arm() {
    let pipeline = pipeline![
        match {
            Order::Small(count) if count > 9 => count * 2 => small => |text| text + "!",
            Order::Small(count) => count => small,
            // A value that is not `Clone` moves into the arm.
            Order::Unique(single) => single => unique,
            Order::Large { count, note } => (count, note) => large,
            Order::Empty => () => nothing,
        }
    ];
    let large = Order::Large { count: 1, note: "x".to_owned() };
    let orders = [Order::Small(9), large, Order::Empty, Order::Small(10), Order::Unique(NotClone(3))];
    let expected = ["small 9", "large 1 x", "nothing", "small 20!", "unique 3"];
    assert_eq!(pipeline.collect(orders).await.unwrap(), expected);
}

#[tokio::test]
async fn patterns_can_be_any_rust_pattern() {
    let pipeline = pipeline![
        (u32, Option<&'static str>): match {
            (0 | 1, None) | (_, Some("")) => "plain" => |text: &'static str| text.to_owned(),
            (n @ 2..=9, _) => n => small,
            (_, Some(text)) => text => |text: &str| text.to_owned(),
            _ => "else".to_owned() => |text: String| text,
        }
    ];
    let items =
        [(0, None), (1, None), (2, Some("x")), (10, Some("y")), (10, None), (0, Some("z")), (11, Some(""))];
    let expected = ["plain", "plain", "small 2", "y", "else", "z", "plain"];
    assert_eq!(pipeline.collect(items).await.unwrap(), expected);
}

#[tokio::test]
async fn one_arm_is_enough() {
    let pipeline = pipeline![NotClone: match { NotClone(n) => n + 1 => small }];
    assert_eq!(pipeline.run(NotClone(1)).await.unwrap(), "small 2");
    let plain = pipeline![|x: u32| x => match { x => x => small } => |text| text.len()];
    assert_eq!(plain.run(1).await.unwrap(), 7);
}

#[tokio::test]
async fn arms_can_contain_routes_and_other_forks() {
    let pipeline = pipeline![
        u32: match {
            0 => () => nothing,
            n if n < 10 => n => match {
                1 => 1 => small,
                n => (n, "inner".to_owned()) => large,
            } => |text| format!("[{text}]"),
            n if n < 20 => n => (small, |n: u32| n) => |(text, n)| format!("{text}, {n}"),
            n => n => (picky | small) ,
        }
    ];
    let expected = ["nothing", "[small 1]", "[large 2 inner]", "small 10, 10", "picked 30", "small 31"];
    assert_eq!(pipeline.collect([0, 1, 2, 10, 30, 31]).await.unwrap(), expected);
}

#[stage]
fn picky(x: u32) -> Result<String, Refused> {
    if x == 30 { Ok("picked 30".to_owned()) } else { Err(Refused(3)) }
}

#[stage]
async fn add(x: u32, y: u32) -> Result<u32, Refused> {
    tokio::task::yield_now().await;
    if x == 99 { Err(Refused(99)) } else { Ok(x + y) }
}

/// A route with an arm for each number, and one for all others.
macro_rules! arms {
    ($($number:literal)*) => {
        pipeline![u32: match {
            $($number => ($number, 1000) => add,)*
            other => other => |x: u32| x,
        }]
    };
}

#[tokio::test]
async fn the_number_of_arms_is_not_limited() {
    let pipeline = pipeline![
        u32: match {
            0 => (0, 1000) => add.name("arm 0"), 1 => (1, 1000) => add.name("arm 1"),
            2 => (2, 1000) => add.name("arm 2"), 3 => (3, 1000) => add.name("arm 3"),
            4 => (4, 1000) => add.name("arm 4"), 5 => (5, 1000) => add.name("arm 5"),
            6 => (6, 1000) => add.name("arm 6"), 7 => (7, 1000) => add.name("arm 7"),
            8 => (8, 1000) => add.name("arm 8"), 9 => (9, 1000) => add.name("arm 9"),
            10 => (10, 1000) => add.name("arm 10"), 11 => (11, 1000) => add.name("arm 11"),
            12 => (12, 1000) => add.name("arm 12"), 13 => (13, 1000) => add.name("arm 13"),
            14 => (14, 1000) => add.name("arm 14"), 15 => (15, 1000) => add.name("arm 15"),
            16 => (16, 1000) => add.name("arm 16"), 17 => (17, 1000) => add.name("arm 17"),
            18 => (18, 1000) => add.name("arm 18"), other => (99, other) => add.name("arm 19"),
        }
    ];
    let pipeline = pipeline.on_error(ErrorMode::Collect);
    // Item n occurs n + 1 times, so each arm has a different count.
    let items: Vec<u32> = (0..20).flat_map(|n| std::iter::repeat_n(n, n as usize + 1)).collect();
    let report = pipeline.drain(items.clone()).await.unwrap();
    let (choice, arms) = report.stages().split_first().unwrap();
    assert!(choice.name().starts_with("match at tests/it/forks/route.rs:"), "{}", choice.name());
    assert_eq!((choice.calls(), choice.outputs()), (210, 210));
    for (n, arm) in (0..).zip(arms) {
        assert_eq!((arm.name(), arm.calls()), (&*format!("arm {n}"), n + 1));
        assert_eq!(arm.failed(), if n == 19 { 20 } else { 0 });
    }
    assert_eq!((arms.len(), report.items_out(), report.items_failed()), (20, 190, 20));
    let results = pipeline.settle(items.clone()).await;
    for (item, result) in items.into_iter().zip(results) {
        assert_eq!(result.ok(), (item < 19).then_some(item + 1000));
    }
}

#[tokio::test]
async fn routes_of_8_9_15_and_16_arms_call_each_arm_once() {
    for (pipeline, last) in [
        (arms!(0 1 2 3 4 5 6).boxed(), 7),
        (arms!(0 1 2 3 4 5 6 7).boxed(), 8),
        (arms!(0 1 2 3 4 5 6 7 8 9 10 11 12 13).boxed(), 14),
        (arms!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14).boxed(), 15),
    ] {
        let expected: Vec<_> = (0..last).map(|n| n + 1000).chain([last]).collect();
        assert_eq!(pipeline.collect(0..=last).await.unwrap(), expected);
        let report = pipeline.drain(0..=last).await.unwrap();
        assert!(report.stages()[1..].iter().all(|stage| stage.calls() == 1), "{report}");
    }
}

#[tokio::test]
async fn a_panic_in_a_guard_or_arm_value_fails_the_item_with_the_name_of_the_match() {
    let pipeline = pipeline![
        u32: match {
            n if 10 / n > 4 => n => small,
            n => small_or_panic(n) => small,
        }
    ];
    let results = pipeline.settle([0, 1, 5, 6]).await;
    for (index, said) in [(0, "attempt to divide by zero"), (3, "six")] {
        let error = results[index].as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked);
        assert!(error.stage().starts_with("match at tests/it/forks/route.rs:"), "{error}");
        assert!(format!("{error:#}").ends_with(said), "{error}");
    }
    assert_eq!(
        (results[1].as_ref().unwrap(), results[2].as_ref().unwrap()),
        (&"small 1".to_owned(), &"small 5".to_owned())
    );
    let report = pipeline.on_error(ErrorMode::Collect).drain([0, 1, 5, 6]).await.unwrap();
    let choice = &report.stages()[0];
    assert_eq!((choice.calls(), choice.outputs(), choice.failed()), (4, 2, 2));
    assert_eq!((report.stages()[1].calls(), report.stages()[2].calls()), (1, 1));
}

fn small_or_panic(n: u32) -> u32 {
    assert!(n != 6, "six");
    n
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_an_arm_has_the_name_of_its_stage() {
    let script = Script::new().with("b", 10, Action::Fail);
    let pipeline = pipeline![
        u32: match {
            0 => ">".to_owned() => a => b,
            _ => "<".to_owned() => a,
        } => |text| text
    ];
    let pipeline = pipeline.with(script.clone());
    let error = pipeline.run(0).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), ("b", ErrorKind::Failed));
    assert_eq!(pipeline.run(1).await.unwrap(), "<a");
    assert_eq!(script.call_log(), ["a 0-0 Done", "b 0-10 Failed", "a 10-10 Done"]);
}

#[tokio::test]
async fn arm_values_and_guards_can_capture_variables() {
    let (limit, prefix) = (5, "over".to_owned());
    let pipeline = pipeline![
        u32: match {
            n if n > limit => format!("{prefix} {limit}: {n}") => |text: String| text,
            n => n => small,
        }
    ];
    assert_eq!(pipeline.collect([5, 6]).await.unwrap(), ["small 5", "over 5: 6"]);
}
