//! How the values of a graph are borrowed, cloned or moved among its calls.

use pipeline::{pipeline, stage};

use crate::support::scripted_stages::{Copied, Single, copies};

#[stage]
fn add(x: u32, y: u32) -> u32 {
    x + y
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
async fn spend(x: Single, more: u32) -> u32 {
    x.0 + more
}

#[stage]
async fn spend_beside(x: Single, other: &Single) -> u32 {
    x.0 + other.0
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
async fn an_argument_that_is_an_expression_borrows_what_it_names() {
    let line = pipeline!(|x: Copied| {
        let doubled = add(x.number, x.number);
        let more = add(doubled, x.number + doubled);
        own_after(x, more)
    });
    assert_eq!(copies!(line, 7), (7, 0));
}
