//! The graph form: calls that run as soon as they can.

use std::sync::Arc;

use pipeline::{Context, ErrorKind, Provide, pipeline, stage};

use crate::support::scripted_stages::{Copied, Do, Play, Single, a, b, c, copies, d, pair};
use crate::support::{Act, Gauge, Refused, Service, ms};

fn text() -> String {
    ">".to_owned()
}

#[tokio::test(start_paused = true)]
async fn in_an_n_each_call_starts_as_soon_as_it_can_whoever_is_done_first() {
    for (one, other) in [(10, 30), (30, 10)] {
        let play = Play::new().with("a", one, Do::Answer).with("b", other, Do::Answer);
        let play = play.with("c", 25, Do::Answer).with("d", 5, Do::Answer);
        let line = pipeline!(|id: String| {
            let x = a(id);
            let y = b(id);
            let z = c(x);
            let both = pair(x, y);
            let w = d(both);
            pair(z, w)
        });
        assert_eq!(line.with(play.clone()).run(text()).await.unwrap(), ">ac+>a+>bd");
        let mut lines = play.lines();
        lines.sort();
        let (c, d) = ((one, one + 25), (30, 35));
        let expected = [
            format!("a 0-{one} Done"),
            format!("b 0-{other} Done"),
            format!("c {}-{} Done", c.0, c.1),
            format!("d {}-{} Done", d.0, d.1),
        ];
        assert_eq!(lines, expected);
    }
}

#[stage]
async fn look(x: &Copied) -> u32 {
    tokio::task::yield_now().await;
    x.number
}

#[stage]
async fn own(x: Copied) -> u32 {
    tokio::task::yield_now().await;
    x.number
}

#[stage]
async fn same(x: Copied) -> Copied {
    tokio::task::yield_now().await;
    x
}

#[stage]
async fn own_after(x: Copied, _after: u32) -> u32 {
    x.number
}

#[stage]
async fn twice(x: Copied, y: Copied) -> u32 {
    x.number + y.number
}

#[stage]
async fn lent_and_owned(x: &Copied, y: Copied) -> u32 {
    x.number + y.number
}

#[stage]
async fn lent_twice(x: &Copied, y: &Copied) -> u32 {
    x.number + y.number
}

#[stage]
fn add(x: u32, y: u32) -> u32 {
    x + y
}

#[stage]
fn add_four(a: u32, b: u32, c: u32, d: u32) -> u32 {
    a + b + c + d
}

#[tokio::test]
async fn a_value_is_copied_for_each_that_owns_it_but_the_last() {
    let lent = pipeline!(|x: Copied| {
        let a = look(x);
        let b = look(x);
        let c = look(x);
        let d = look(x);
        add_four(a, b, c, d)
    });
    assert_eq!(copies!(lent, 7), (28, 0));
    let owned = pipeline!(|x: Copied| {
        let a = own(x);
        let b = own(x);
        let c = own(x);
        let d = own(x);
        add_four(a, b, c, d)
    });
    assert_eq!(copies!(owned, 7), (28, 3));
    let mixed = pipeline!(|x: Copied| {
        let a = own(x);
        let b = look(x);
        let c = own(x);
        let d = look(x);
        add_four(a, b, c, d)
    });
    assert_eq!(copies!(mixed, 7), (28, 2));
    let in_turn = pipeline!(|x: Copied| {
        let a = own(x);
        let b = own_after(x, a);
        own_after(x, b)
    });
    assert_eq!(copies!(in_turn, 7), (7, 2));
    let given = pipeline!(|x: Copied| {
        let y = same(x);
        let a = look(y);
        let b = own(y);
        let c = add(a, b);
        own_after(y, c)
    });
    assert_eq!(copies!(given, 7), (7, 1));
}

#[tokio::test]
async fn whoever_waits_for_all_that_borrow_has_the_value_for_its_own() {
    let line = pipeline!(|x: Copied| {
        let a = look(x);
        let b = look(x);
        let c = add(a, b);
        own_after(x, c)
    });
    assert_eq!(copies!(line, 7), (7, 0));
}

#[stage]
fn glance(x: &Single) -> u32 {
    x.0
}

#[stage]
async fn make(x: u32) -> Single {
    tokio::task::yield_now().await;
    Single(x)
}

#[stage]
async fn spend(x: Single, more: u32) -> u32 {
    x.0 + more
}

#[stage]
async fn spend_beside(x: Single, other: &Single) -> u32 {
    x.0 + other.0
}

#[stage]
async fn part(x: Single) -> (Single, (u32, String)) {
    let n = x.0;
    (x, (n + 1, n.to_string()))
}

#[tokio::test]
async fn what_has_no_copies_is_lent_and_then_moved() {
    let line = pipeline!(|x: Single| {
        let n = glance(x);
        let m = glance(x);
        let made = make(n);
        let seen = glance(made);
        let spent = spend(made, seen);
        let sum = add(m, spent);
        spend(x, sum)
    });
    assert_eq!(line.run(Single(3)).await.unwrap(), 3 + 3 + 3 + 3);
    // In an N, too: what one call alone wants it has for its own.
    let tangle = pipeline!(|x: u32| {
        let one = make(x);
        let other = make(x);
        let seen = glance(one);
        let spent = spend_beside(other, one);
        let sum = add(seen, spent);
        spend(one, sum)
    });
    assert_eq!(tangle.run(5).await.unwrap(), 5 + 5 + 5 + 5);
}

#[tokio::test]
async fn one_call_may_have_a_value_twice() {
    assert_eq!(copies!(pipeline!(|x: Copied| { twice(x, x) }), 7), (14, 1));
    assert_eq!(copies!(pipeline!(|x: Copied| { lent_twice(x, x) }), 7), (14, 0));
    assert_eq!(copies!(pipeline!(|x: Copied| { lent_and_owned(x, x) }), 7), (14, 1));
    let later = pipeline!(|x: Copied| {
        let y = twice(x, x);
        own_after(x, y)
    });
    assert_eq!(copies!(later, 7), (7, 2));
}

#[tokio::test]
async fn patterns_take_tuples_apart() {
    let line = pipeline!(|(x, (_, y)): (Single, (u8, u32))| {
        let (x, (n, _)) = part(x);
        let (_, (_, text)) = part(x);
        let m = add(n, y);
        join(text, m)
    });
    assert_eq!(line.run((Single(4), (1, 10))).await.unwrap(), "4 15");
}

#[stage]
fn join(text: &str, number: u32) -> String {
    format!("{text} {number}")
}

#[tokio::test(start_paused = true)]
async fn calls_without_a_name_run_for_what_they_do() {
    let play = Play::new().with("a", 10, Do::Answer).with("b", 20, Do::Answer).with("c", 30, Do::Answer);
    let line = pipeline!(|id: String| {
        a(id);
        let _ = b(id);
        let _ignored = d(id);
        c(id)
    });
    assert_eq!(line.clone().with(play.clone()).run(text()).await.unwrap(), ">c");
    let lines = play.lines();
    assert_eq!(lines, ["d 0-0 Done", "a 0-10 Done", "b 0-20 Done", "c 0-30 Done"]);
    let play = Play::new().with("b", 20, Do::Fail).with("c", 10, Do::Answer);
    let error = line.with(play).run(text()).await.unwrap_err();
    assert_eq!(error.stage(), "b", "nothing is done before all of it is");
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
async fn arguments_are_literals_constants_variables_closures_and_expressions() {
    let (prefix, offset) = ("n".to_owned(), 2);
    let line = pipeline!(|x: u32| {
        let more = add(x, LIMIT);
        let next = apply(more, |v: u32| v + 1);
        let name = label(prefix, next);
        let fixed = label("f", 7);
        let shown = label(format!("{name}/{fixed}"), x + offset);
        let sum = total(vec![*x, *more, *next]);
        let size = add(shown.len() as u32, sum.pow(2) % 7);
        join(shown, size)
    });
    assert_eq!(line.run(1).await.unwrap(), "n42/f73 7");
    assert_eq!(line.run(2).await.unwrap(), "n43/f74 9");
}

#[tokio::test]
async fn a_variable_from_outside_is_used_more_than_once() {
    let prefix = "n".to_owned();
    let line = pipeline!(|x: u32| {
        let one = label(prefix, x);
        let other = label(prefix, x);
        pair(one, other)
    });
    assert_eq!(line.run(1).await.unwrap(), "n1+n1");
}

#[tokio::test]
async fn an_argument_that_is_an_expression_borrows_what_it_names() {
    let line = pipeline!(|x: Copied| {
        let doubled = add(x.number, x.number);
        let more = add(doubled, x.number + doubled);
        own_after(x, more)
    });
    assert_eq!(copies!(line, 7), (7, 0));
}

#[derive(Debug, PartialEq, Eq)]
struct Page {
    user: Single,
    score: u32,
}

#[tokio::test]
async fn the_end_is_a_call_a_name_a_tuple_a_struct_or_any_expression() {
    let named = pipeline!(|x: u32| {
        let one = make(x);
        one
    });
    assert_eq!(named.run(1).await.unwrap(), Single(1));
    let tuple = pipeline!(|x: u32| {
        let one = make(x);
        let n = glance(one);
        (one, n, x)
    });
    assert_eq!(tuple.run(1).await.unwrap(), (Single(1), 1, 1));
    let page = pipeline!(|x: u32| {
        let user = make(x);
        let score = glance(user);
        Page { user, score }
    });
    assert_eq!(page.run(1).await.unwrap(), Page { user: Single(1), score: 1 });
    let offset = 3;
    let page = pipeline!(|x: u32| {
        let user = make(x);
        Some(Page { score: offset + x, user })
    });
    assert_eq!(page.run(1).await.unwrap(), Some(Page { user: Single(1), score: 4 }));
    let method = pipeline!(|x: u32| {
        let n = add(x, 1);
        n.to_string() + "!"
    });
    assert_eq!(method.run(1).await.unwrap(), "2!");
    let input = pipeline!(|x: Single| {
        glance(x);
        x
    });
    assert_eq!(input.run(Single(1)).await.unwrap(), Single(1));
}

#[stage(retries = 1, delay = "10ms", backoff = "fixed")]
async fn fetch(x: u32, #[state] service: &Service) -> Result<u32, Refused> {
    service.call().await.map(|()| x)
}

#[tokio::test(start_paused = true)]
async fn policies_hold_and_can_be_overridden() {
    let began = tokio::time::Instant::now();
    let line = pipeline!(|x: u32| {
        let one = fetch(x);
        let other = fetch.retries(2).delay("1ms").name("again")(one);
        add(one, other)
    });
    let script = [Act::Fail(1), Act::Answer, Act::Fail(2), Act::Fail(3)];
    assert_eq!(line.clone().with(Service::new(script)).run(4).await.unwrap(), 8);
    assert_eq!(began.elapsed(), ms(12));
    let script = [Act::Answer, Act::Fail(1), Act::Fail(2), Act::Fail(3)];
    let error = line.with(Service::new(script)).run(4).await.unwrap_err();
    assert_eq!((error.stage(), error.attempts()), ("again", 3));
}

#[derive(Provide)]
struct Shared {
    service: Arc<u32>,
    gauge: Arc<Gauge>,
}

#[stage]
async fn from_state(x: &u32, #[state] more: &Arc<u32>, #[context] cx: &Context) -> String {
    tokio::task::yield_now().await;
    format!("{} {} {}", x + **more, cx.stage(), cx.index())
}

#[stage]
async fn remember(x: u32, #[context] cx: &Context) {
    cx.extensions().insert(x * 100);
}

#[stage]
async fn recall(_done: (), #[context] cx: &Context) -> u32 {
    cx.extensions().get::<u32>().unwrap_or_default()
}

#[tokio::test]
async fn stages_have_their_state_and_the_context_of_the_item() {
    let line = pipeline!(|x: u32| {
        let done = remember(x);
        let text = from_state(x);
        let number = recall(done);
        join(text, number)
    });
    let line = line.with(Shared { service: Arc::new(5), gauge: Arc::default() });
    assert_eq!(line.collect([1, 2]).await.unwrap(), ["6 from_state 0 100", "7 from_state 1 200"]);
}

#[tokio::test(start_paused = true)]
async fn pipelines_are_called_in_braces() {
    let play = Play::new().with("a", 10, Do::Answer).with("b", 10, Do::Answer);
    let sub = pipeline![a => b];
    let both = pipeline![(String, String): pair => |text| text + "."];
    let bound = pipeline![add => |n| n + 1].with(9_u8).boxed();
    let line = pipeline!(|x: String| {
        let one = { sub.clone() }(x);
        let other = { sub }(x);
        let end = { both }(one, other);
        let n = { bound }(1, 2);
        {
            pipeline![join]
        }
        (end, n)
    });
    assert_eq!(line.with(play.clone()).run(text()).await.unwrap(), ">ab+>ab. 4");
    assert_eq!(play.lines(), ["a 0-10 Done", "a 0-10 Done", "b 10-20 Done", "b 10-20 Done"]);
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
async fn generic_stages_are_given_their_types_or_find_them() {
    let line = pipeline!(|x: String| {
        let small = decode::<u8>(x);
        let large = decode::<i64>(x);
        widen(small, large)
    });
    assert_eq!(line.run("21".to_owned()).await.unwrap(), 42);
    let error = line.run("300".to_owned()).await.unwrap_err();
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_expression_fails_the_item_in_the_name_of_the_graph() {
    let play = || Play::new().with("a", 50, Do::Answer).with("b", 10, Do::Answer);
    let line = pipeline!(|(x, n): (String, usize)| {
        let one = a(x);
        let other = b(x);
        let part = c(other[*n..].to_owned());
        pair(one, part)
    });
    let told = play();
    let line = line.with(told.clone());
    let error = line.run((text(), 7)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert!(error.stage().starts_with("graph at tests/it/graphs/calls.rs:"), "{error}");
    assert_eq!(told.lines(), ["b 0-10 Done", "a 0-10 Dropped"]);
    assert_eq!(line.run((text(), 1)).await.unwrap(), ">a+bc");
    let last = pipeline!(|(x, n): (String, usize)| {
        let one = a(x);
        one[n..].to_owned()
    });
    let error = last.with(play()).run((text(), 7)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert!(error.stage().starts_with("graph at tests/it/graphs/calls.rs:"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_graph_is_a_step_a_branch_and_an_arm_like_any_other() {
    let line = pipeline![
        |x: u32| x + 1 => (|x: u32| {
            let y = add(x, 1);
            add(x, y)
        }) => (
            |x: u32| { add(x, 100) },
            |x: u32| { let y = make(x); y },
            match { 0 => 0 => |x: u32| { add(x, 1) }, n => n => |n: u32| { add(n, n) } },
        ) => |(a, b, c): (u32, Single, u32)| a + b.0 + c
    ];
    assert_eq!(line.collect([0, 1]).await.unwrap(), [103 + 3 + 6, 105 + 5 + 10]);
}

#[stage(concurrency = 1)]
async fn narrow(x: u32, #[state] gauge: &Arc<Gauge>) -> u32 {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(10)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_stage_holds_for_each_call_that_is_written_over_all_items() {
    let gauge = Arc::new(Gauge::default());
    let line = pipeline!(|x: u32| {
        let one = narrow(x);
        let other = narrow(x);
        add(one, other)
    });
    let line = line.with(Shared { service: Arc::new(0), gauge: Arc::clone(&gauge) });
    let began = tokio::time::Instant::now();
    assert_eq!(line.collect(0..6).await.unwrap(), [0, 2, 4, 6, 8, 10]);
    assert_eq!((began.elapsed(), gauge.most()), (ms(60), 2));
}
