//! How the values of a graph are borrowed, cloned or moved among its calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pipeline::{pipeline, stage};

use crate::support::scripted_stages::{CountsClones, NotClone, add, count_clones, glance, make};

#[stage]
async fn look(x: &CountsClones) -> u32 {
    tokio::task::yield_now().await;
    x.value
}

#[stage]
async fn own(x: CountsClones) -> u32 {
    tokio::task::yield_now().await;
    x.value
}

#[stage]
async fn same(x: CountsClones) -> CountsClones {
    tokio::task::yield_now().await;
    x
}

#[stage]
async fn own_after(x: CountsClones, _after: u32) -> u32 {
    x.value
}

#[stage]
async fn twice(x: CountsClones, y: CountsClones) -> u32 {
    x.value + y.value
}

#[stage]
async fn borrowed_and_owned(x: &CountsClones, y: CountsClones) -> u32 {
    x.value + y.value
}

#[stage]
async fn borrowed_twice(x: &CountsClones, y: &CountsClones) -> u32 {
    x.value + y.value
}

#[stage]
fn add_four(a: u32, b: u32, c: u32, d: u32) -> u32 {
    a + b + c + d
}

#[tokio::test]
async fn a_value_is_cloned_for_each_call_that_owns_it_but_the_last() {
    let borrowed = pipeline!(|x: CountsClones| {
        let a = look(x);
        let b = look(x);
        let c = look(x);
        let d = look(x);
        add_four(a, b, c, d)
    });
    assert_eq!(count_clones!(borrowed, 7), (28, 0));
    let owned = pipeline!(|x: CountsClones| {
        let a = own(x);
        let b = own(x);
        let c = own(x);
        let d = own(x);
        add_four(a, b, c, d)
    });
    assert_eq!(count_clones!(owned, 7), (28, 3));
    let mixed = pipeline!(|x: CountsClones| {
        let a = own(x);
        let b = look(x);
        let c = own(x);
        let d = look(x);
        add_four(a, b, c, d)
    });
    assert_eq!(count_clones!(mixed, 7), (28, 2));
    let sequential = pipeline!(|x: CountsClones| {
        let a = own(x);
        let b = own_after(x, a);
        own_after(x, b)
    });
    assert_eq!(count_clones!(sequential, 7), (7, 2));
    let returned = pipeline!(|x: CountsClones| {
        let y = same(x);
        let a = look(y);
        let b = own(y);
        let c = add(a, b);
        own_after(y, c)
    });
    assert_eq!(count_clones!(returned, 7), (7, 1));
}

#[tokio::test]
async fn a_call_that_runs_after_all_borrows_gets_the_value_without_a_clone() {
    let pipeline = pipeline!(|x: CountsClones| {
        let a = look(x);
        let b = look(x);
        let c = add(a, b);
        own_after(x, c)
    });
    assert_eq!(count_clones!(pipeline, 7), (7, 0));
}

#[stage]
async fn spend(x: NotClone, more: u32) -> u32 {
    x.0 + more
}

#[stage]
async fn spend_beside(x: NotClone, other: &NotClone) -> u32 {
    x.0 + other.0
}

#[tokio::test]
async fn a_value_that_is_not_clone_is_borrowed_and_then_moved() {
    let pipeline = pipeline!(|x: NotClone| {
        let n = glance(x);
        let m = glance(x);
        let made = make(n);
        let seen = glance(made);
        let spent = spend(made, seen);
        let sum = add(m, spent);
        spend(x, sum)
    });
    assert_eq!(pipeline.run(NotClone(3)).await.unwrap(), 3 + 3 + 3 + 3);
    // Also in a graph that is not series-parallel: a value with one consumer is moved into it.
    let not_series_parallel = pipeline!(|x: u32| {
        let one = make(x);
        let other = make(x);
        let seen = glance(one);
        let spent = spend_beside(other, one);
        let sum = add(seen, spent);
        spend(one, sum)
    });
    assert_eq!(not_series_parallel.run(5).await.unwrap(), 5 + 5 + 5 + 5);
}

#[tokio::test]
async fn one_call_can_take_a_value_twice() {
    assert_eq!(count_clones!(pipeline!(|x: CountsClones| { twice(x, x) }), 7), (14, 1));
    assert_eq!(count_clones!(pipeline!(|x: CountsClones| { borrowed_twice(x, x) }), 7), (14, 0));
    assert_eq!(count_clones!(pipeline!(|x: CountsClones| { borrowed_and_owned(x, x) }), 7), (14, 1));
    let later = pipeline!(|x: CountsClones| {
        let y = twice(x, x);
        own_after(x, y)
    });
    assert_eq!(count_clones!(later, 7), (7, 2));
}

#[tokio::test]
async fn an_expression_argument_borrows_the_values_it_names() {
    let pipeline = pipeline!(|x: CountsClones| {
        let doubled = add(x.value, x.value);
        let more = add(doubled, x.value + doubled);
        own_after(x, more)
    });
    assert_eq!(count_clones!(pipeline, 7), (7, 0));
}

/// A value that counts how many of its kind are alive.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

type AliveCount = Arc<AtomicUsize>;

#[stage]
fn download(_key: u32, #[state] alive: &AliveCount) -> Alive {
    Alive::new(alive)
}

#[stage]
async fn measure(_page: &Alive) -> usize {
    tokio::task::yield_now().await;
    1
}

#[stage]
async fn alive_now(_measured: usize, #[state] alive: &AliveCount) -> usize {
    tokio::task::yield_now().await;
    alive.load(Ordering::Relaxed)
}

#[stage]
fn sum_of(a: usize, b: usize) -> usize {
    a + b
}

#[tokio::test]
async fn a_borrowed_value_is_dropped_after_its_last_use() {
    let alive = AliveCount::default();
    let one_after_the_other = pipeline!(|key: u32| {
        let page = download(key);
        let size = measure(page);
        let left = alive_now(size);
        sum_of(left, left)
    });
    assert_eq!(one_after_the_other.with(Arc::clone(&alive)).run(1).await.unwrap(), 0);

    let by_two_calls = pipeline!(|key: u32| {
        let page = download(key);
        let size = measure(page);
        let again = measure(page);
        let both = sum_of(size, again);
        alive_now(both)
    });
    assert_eq!(by_two_calls.with(Arc::clone(&alive)).run(1).await.unwrap(), 0);

    let in_a_branch = pipeline!(|key: u32| {
        let page = download(key);
        let other = download(key);
        let size = measure(page);
        let left = alive_now(size);
        let size_of_other = measure(other);
        let left_of_other = alive_now(size_of_other);
        sum_of(left, left_of_other)
    });
    assert_eq!(in_a_branch.with(Arc::clone(&alive)).run(1).await.unwrap(), 0);

    let used_later = pipeline!(|key: u32| {
        let page = download(key);
        let size = measure(page);
        let left = alive_now(size);
        let again = measure(page);
        sum_of(left, again)
    });
    // The call that borrows it again runs beside the other.
    assert!(used_later.with(Arc::clone(&alive)).run(1).await.unwrap() <= 2);
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}
