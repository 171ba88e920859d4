//! What can be written in a graph: patterns, arguments, results, pipelines in braces; and where a graph can stand.

use pipeline::{pipeline, stage};

use crate::support::scripted_stages::{Action, NotClone, Script, a, add, b, glance, make, pair};

fn text() -> String {
    ">".to_owned()
}

#[stage]
async fn part(x: NotClone) -> (NotClone, (u32, String)) {
    let n = x.0;
    (x, (n + 1, n.to_string()))
}

#[tokio::test]
async fn patterns_destructure_tuples() {
    let pipeline = pipeline!(|(x, (_, y)): (NotClone, (u8, u32))| {
        let (x, (n, _)) = part(x);
        let (_, (_, text)) = part(x);
        let m = add(n, y);
        join(text, m)
    });
    assert_eq!(pipeline.run((NotClone(4), (1, 10))).await.unwrap(), "4 15");
}

#[stage]
fn join(text: &str, number: u32) -> String {
    format!("{text} {number}")
}

const LIMIT: u32 = 40;

#[stage]
fn label(text: &str, number: u32) -> String {
    format!("{text}{number}")
}

#[stage]
async fn apply<F: Fn(u32) -> u32 + Send>(x: u32, f: F) -> u32 {
    f(x)
}

#[stage]
fn total(numbers: &[u32]) -> u32 {
    numbers.iter().sum()
}

#[tokio::test]
async fn arguments_can_be_literals_constants_variables_closures_and_expressions() {
    let (prefix, offset) = ("n".to_owned(), 2);
    let pipeline = pipeline!(|x: u32| {
        let more = add(x, LIMIT);
        let next = apply(more, |v: u32| v + 1);
        let name = label(prefix, next);
        let fixed = label("f", 7);
        let shown = label(format!("{name}/{fixed}"), x + offset);
        let sum = total(vec![*x, *more, *next]);
        let size = add(shown.len() as u32, sum.pow(2) % 7);
        join(shown, size)
    });
    assert_eq!(pipeline.run(1).await.unwrap(), "n42/f73 7");
    assert_eq!(pipeline.run(2).await.unwrap(), "n43/f74 9");
}

#[tokio::test]
async fn a_captured_variable_can_be_used_more_than_once() {
    let prefix = "n".to_owned();
    let pipeline = pipeline!(|x: u32| {
        let one = label(prefix, x);
        let other = label(prefix, x);
        pair(one, other)
    });
    assert_eq!(pipeline.run(1).await.unwrap(), "n1+n1");
}

#[derive(Debug, PartialEq, Eq)]
struct Page {
    user: NotClone,
    score: u32,
}

#[tokio::test]
async fn the_result_can_be_a_call_a_name_a_tuple_a_struct_or_any_expression() {
    let named = pipeline!(|x: u32| {
        let one = make(x);
        one
    });
    assert_eq!(named.run(1).await.unwrap(), NotClone(1));
    let tuple = pipeline!(|x: u32| {
        let one = make(x);
        let n = glance(one);
        (one, n, x)
    });
    assert_eq!(tuple.run(1).await.unwrap(), (NotClone(1), 1, 1));
    let page = pipeline!(|x: u32| {
        let user = make(x);
        let score = glance(user);
        Page { user, score }
    });
    assert_eq!(page.run(1).await.unwrap(), Page { user: NotClone(1), score: 1 });
    let offset = 3;
    let page = pipeline!(|x: u32| {
        let user = make(x);
        Some(Page { score: offset + x, user })
    });
    assert_eq!(page.run(1).await.unwrap(), Some(Page { user: NotClone(1), score: 4 }));
    let method = pipeline!(|x: u32| {
        let n = add(x, 1);
        n.to_string() + "!"
    });
    assert_eq!(method.run(1).await.unwrap(), "2!");
    let input = pipeline!(|x: NotClone| {
        glance(x);
        x
    });
    assert_eq!(input.run(NotClone(1)).await.unwrap(), NotClone(1));
}

#[tokio::test(start_paused = true)]
async fn pipelines_can_be_called_in_braces() {
    let script = Script::new().with("a", 10, Action::Succeed).with("b", 10, Action::Succeed);
    let sub = pipeline![a => b];
    let both = pipeline![(String, String): pair => |text| text + "."];
    let bound = pipeline![add => |n| n + 1].with(9_u8).boxed();
    let pipeline = pipeline!(|x: String| {
        let one = { sub.clone() }(x);
        let other = { sub }(x);
        let end = { both }(one, other);
        let n = { bound }(1, 2);
        {
            pipeline![join]
        }
        (end, n)
    });
    assert_eq!(pipeline.with(script.clone()).run(text()).await.unwrap(), ">ab+>ab. 4");
    assert_eq!(script.call_log(), ["a 0-10 Done", "a 0-10 Done", "b 10-20 Done", "b 10-20 Done"]);
}

#[stage]
fn decode<T: std::str::FromStr<Err = std::num::ParseIntError> + Send>(
    text: &str,
) -> Result<T, std::num::ParseIntError> {
    text.parse()
}

#[stage]
fn widen(x: u8, y: i64) -> i64 {
    i64::from(x) + y
}

#[tokio::test]
async fn type_arguments_of_stages_in_a_graph_are_given_or_inferred() {
    let pipeline = pipeline!(|x: String| {
        let small = decode::<u8>(x);
        let large = decode::<i64>(x);
        widen(small, large)
    });
    assert_eq!(pipeline.run("21".to_owned()).await.unwrap(), 42);
    let error = pipeline.run("300".to_owned()).await.unwrap_err();
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_graph_can_be_a_step_a_branch_or_an_arm() {
    let pipeline = pipeline![
        |x: u32| x + 1 => (|x: u32| {
            let y = add(x, 1);
            add(x, y)
        }) => (
            |x: u32| { add(x, 100) },
            |x: u32| { let y = make(x); y },
            match { 0 => 0 => |x: u32| { add(x, 1) }, n => n => |n: u32| { add(n, n) } },
        ) => |(a, b, c): (u32, NotClone, u32)| a + b.0 + c
    ];
    assert_eq!(pipeline.collect([0, 1]).await.unwrap(), [103 + 3 + 6, 105 + 5 + 10]);
}
