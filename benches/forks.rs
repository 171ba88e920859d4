//! Items through forks, beside the same by hand: branches side by side beside `try_join!`, alternatives and a route beside
//! a `match`, a graph beside `try_join!` and what awaits it.
//!
//! One item at a time, in `run`, and many in `drain`, beside `buffer_unordered`; with stages that are ready at once, and
//! with one yield in each. All sides take the same items through the same functions and stop at an error (there is none).
//! By hand an error becomes a boxed one, as the functions of a program rarely all fail with the same.
//!
//! `run` stands beside the code by hand twice: as it is, and as the one stage of a pipeline, which takes away what `run`
//! costs whatever it runs, and leaves what the fork does. A chain is there for comparison.

mod work;

use std::future::Future;
use std::hint::black_box;

use benches::{Contest, Mark};
use futures::stream::{self, StreamExt};
use pipeline::{Accepts, Pipeline, Stage, pipeline};
use work::{Failure, WIDTH, items, runtime};

const ITEMS: u32 = 100_000;
const ROUNDS: usize = 51;
const MARK: Mark = Mark::Within(1.3);

#[derive(Debug, Clone, Copy)]
struct User(u64);

#[derive(Debug, Clone, Copy)]
struct Orders(u64);

#[derive(Debug, Clone, Copy)]
struct Score(u64);

/// What a route goes by.
enum Job {
    Create(u64),
    Update(u64),
    Delete(u64),
    Check(u64),
}

impl Job {
    /// One of the four in turn.
    fn of(item: u64) -> Self {
        match item % 4 {
            0 => Self::Create(item),
            1 => Self::Update(item),
            2 => Self::Delete(item),
            _ => Self::Check(item),
        }
    }
}

/// The stages, each of which first does as it is told; and what they are put together to, by hand.
macro_rules! stages {
    ($name:ident: $($first:tt)*) => {
        mod $name {
            use pipeline::stage;

            use super::work::{Failure, Overflow};
            use super::{Job, Orders, Score, User};

            #[stage]
            pub(super) async fn scale(x: u64) -> Result<u64, Overflow> {
                $($first)*
                x.checked_mul(31).ok_or(Overflow)
            }

            #[stage]
            pub(super) async fn shift(x: u64) -> Result<u64, Overflow> {
                $($first)*
                x.checked_add(17).ok_or(Overflow)
            }

            #[stage]
            pub(super) async fn square(x: u64) -> Result<u64, Overflow> {
                $($first)*
                x.checked_mul(x).ok_or(Overflow)
            }

            #[stage]
            pub(super) async fn halve(x: u64) -> Result<u64, Overflow> {
                $($first)*
                x.checked_div(2).ok_or(Overflow)
            }

            #[stage]
            pub(super) async fn fetch_user(id: u64) -> Result<User, Overflow> {
                $($first)*
                id.checked_mul(31).map(User).ok_or(Overflow)
            }

            #[stage]
            pub(super) async fn fetch_orders(id: u64) -> Result<Orders, Overflow> {
                $($first)*
                id.checked_add(17).map(Orders).ok_or(Overflow)
            }

            #[stage]
            pub(super) async fn rank(user: &User, orders: &Orders) -> Result<Score, Overflow> {
                $($first)*
                user.0.checked_add(orders.0).map(Score).ok_or(Overflow)
            }

            #[stage]
            pub(super) async fn greet(user: &User) -> Result<u64, Overflow> {
                $($first)*
                user.0.checked_add(1).ok_or(Overflow)
            }

            #[stage]
            pub(super) async fn render(user: User, score: Score) -> Result<u64, Overflow> {
                $($first)*
                user.0.checked_add(score.0).ok_or(Overflow)
            }

            #[stage]
            pub(super) async fn show(greeting: u64, score: Score) -> Result<u64, Overflow> {
                $($first)*
                greeting.checked_add(score.0).ok_or(Overflow)
            }

            #[stage]
            pub(super) async fn chain_by_hand(x: u64) -> Result<u64, Failure> {
                let x = scale(x).await?;
                let x = shift(x).await?;
                Ok(square(x).await?)
            }

            #[stage]
            pub(super) async fn all_by_hand(x: u64) -> Result<(u64, u64, u64), Failure> {
                Ok(tokio::try_join!(scale(x), shift(x), square(x))?)
            }

            #[stage]
            pub(super) async fn first_by_hand(x: u64) -> Result<u64, Failure> {
                match scale(x).await {
                    Ok(value) => Ok(value),
                    Err(_) => Ok(shift(x).await?),
                }
            }

            #[stage]
            pub(super) async fn route_by_hand(job: Job) -> Result<u64, Failure> {
                Ok(match job {
                    Job::Create(x) => scale(x).await?,
                    Job::Update(x) => shift(x).await?,
                    Job::Delete(x) => square(x).await?,
                    Job::Check(x) => halve(x).await?,
                })
            }

            #[stage]
            pub(super) async fn graph_by_hand(id: u64) -> Result<u64, Failure> {
                let (user, orders) = tokio::try_join!(fetch_user(id), fetch_orders(id))?;
                let score = rank(&user, &orders).await?;
                Ok(render(user, score).await?)
            }

            /// The greeting waits for the orders, too, which it has no need of. By hand it takes channels not to.
            #[stage]
            pub(super) async fn tangle_by_hand(id: u64) -> Result<u64, Failure> {
                let (user, orders) = tokio::try_join!(fetch_user(id), fetch_orders(id))?;
                let (greeting, score) = tokio::try_join!(greet(&user), rank(&user, &orders))?;
                Ok(show(greeting, score).await?)
            }
        }
    };
}

stages!(ready:);
stages!(yielding: tokio::task::yield_now().await;);

/// What an output amounts to.
trait Amount {
    fn amount(self) -> u64;
}

impl Amount for u64 {
    fn amount(self) -> u64 {
        self
    }
}

impl Amount for (u64, u64, u64) {
    fn amount(self) -> u64 {
        self.0.wrapping_add(self.1).wrapping_add(self.2)
    }
}

/// Items one after another: the sum of what comes out.
async fn one_by_one<T: Amount, E, A>(call: impl Fn(u64) -> A) -> Result<u64, E>
where
    A: Future<Output = Result<T, E>>,
{
    let mut total = 0_u64;
    for item in items(ITEMS) {
        total = total.wrapping_add(call(item).await?.amount());
    }
    Ok(total)
}

/// Many at once: how many come out.
async fn by_futures<T, A>(call: impl Fn(u64) -> A) -> Result<usize, Failure>
where
    A: Future<Output = Result<T, Failure>>,
{
    let mut outputs = std::pin::pin!(stream::iter(items(ITEMS)).map(call).buffer_unordered(WIDTH));
    let mut count = 0;
    while let Some(output) = outputs.next().await {
        black_box(output?);
        count += 1;
    }
    Ok(count)
}

/// Of items that `input` makes: the fork beside the same by hand, one at a time and many at once.
fn contests<In, H, F, O, A>(
    names: [&'static str; 3],
    input: impl Fn(u64) -> In + Copy + Send,
    by_hand: impl Fn(In) -> A,
    stage: &Pipeline<In, H>,
    fork: &Pipeline<In, F>,
) where
    In: Send,
    O: Amount + Send,
    A: Future<Output = Result<O, Failure>>,
    H: Stage<In, ()> + Accepts<In, Out = O>,
    F: Stage<In, ()> + Accepts<In, Out = O>,
{
    let runtime = runtime();
    let run = &runtime;
    let fork_runs = || run.block_on(one_by_one(|x| fork.run(input(x)))).expect("nothing fails");
    let [alone, in_a_stage, many] = names;
    Contest::new(alone, ITEMS)
        .side("by hand", || run.block_on(one_by_one(|x| by_hand(input(x)))).expect("nothing fails"))
        .marked("pipeline, run", MARK, fork_runs)
        .run(ROUNDS);
    Contest::new(in_a_stage, ITEMS)
        .side("by hand in a stage, run", || {
            run.block_on(one_by_one(|x| stage.run(input(x)))).expect("nothing fails")
        })
        .marked("pipeline, run", MARK, fork_runs)
        .run(ROUNDS);
    let drain = |items| async { fork.drain(items).await.expect("nothing fails").items_out() };
    Contest::new(many, ITEMS)
        .side("by hand, buffer_unordered", || {
            run.block_on(by_futures(|x| by_hand(input(x)))).expect("nothing fails")
        })
        .marked("pipeline, drain", MARK, || run.block_on(drain(items(ITEMS).map(input))))
        .run(ROUNDS);
}

/// All of them, with one kind of stages.
macro_rules! contests {
    ($kind:ident: $($name:ident, $input:expr, $by_hand:ident, $fork:expr;)*) => {{
        use $kind::*;

        $(contests(
            [
                concat!(stringify!($name), ", ", stringify!($kind)),
                concat!(stringify!($name), ", ", stringify!($kind), ", beside one stage"),
                concat!(stringify!($name), ", ", stringify!($kind), ", many"),
            ],
            $input,
            $by_hand,
            &pipeline![$by_hand],
            &$fork.unordered(),
        );)*
    }};
    ($kind:ident) => {
        contests! { $kind:
            chain, |x| x, chain_by_hand, pipeline![scale => shift => square];
            all, |x| x, all_by_hand, pipeline![(scale, shift, square)];
            first, |x| x, first_by_hand, pipeline![(scale | shift)];
            route, Job::of, route_by_hand, pipeline![match {
                Job::Create(x) => x => scale,
                Job::Update(x) => x => shift,
                Job::Delete(x) => x => square,
                Job::Check(x) => x => halve,
            }];
            graph, |x| x, graph_by_hand, pipeline!(|id: u64| {
                let user = fetch_user(id);
                let orders = fetch_orders(id);
                let score = rank(user, orders);
                render(user, score)
            });
            tangle, |x| x, tangle_by_hand, pipeline!(|id: u64| {
                let user = fetch_user(id);
                let orders = fetch_orders(id);
                let greeting = greet(user);
                let score = rank(user, orders);
                show(greeting, score)
            });
        }
    };
}

fn main() {
    contests!(ready);
    contests!(yielding);
}
