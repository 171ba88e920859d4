//! How late a neighbour on the same thread is woken while a run computes: a task that asks to be woken each millisecond.
//!
//! The runtime has one thread, so the neighbour is polled only when the run yields. Beside it runs either a loop by hand or
//! a pipeline whose stage, source or `each` computes. The loop over calls of 10 µs yields after each 64, the loop over
//! calls of 1 ms after each one. The mark: the worst lateness is at most 2 × that of the loop by hand with the same calls;
//! of stages that are ready at once, at most 2 × that of the loop over calls of 10 µs.
//!
//! To compute is to read the clock until the time has passed. All sides take turns, round after round. On Linux, the time
//! that other processes keep the thread from its core does not count: `/proc` tells how long it was. The rest of what the
//! machine does is why the worst lateness of a round is compared in the median of the rounds; the worst of all rounds is
//! printed too. Give parts of names to run only those cases: `cargo bench -p benches --bench lateness -- batch`.

mod neighbour;
mod work;

use std::fs;
use std::future::Future;
use std::hint::spin_loop;
use std::time::{Duration, Instant};

use benches::median;
use neighbour::tick;
use pipeline::{pipeline, stage};
use tokio::task::yield_now;
use work::runtime;

const ROUNDS: u32 = 5;
const ROUND: Duration = Duration::from_millis(300);
const SHORT: Duration = Duration::from_micros(10);
const LONG: Duration = Duration::from_millis(1);
/// How many short calls the loop by hand makes before it yields.
const CALLS_PER_YIELD: u32 = 64;
const MARK: f64 = 2.0;

fn compute(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        spin_loop();
    }
}

/// Numbers until the time is up.
fn until(end: Instant) -> impl Iterator<Item = u64> + Send + 'static {
    (0..).take_while(move |_| Instant::now() < end)
}

#[stage]
fn long(x: u64) -> u64 {
    compute(LONG);
    x
}

/// Ready at once, but for twenty items in a row out of two thousand.
#[stage]
fn long_at_times(x: u64) -> u64 {
    if x % 2000 >= 1980 {
        compute(LONG);
    }
    x
}

#[stage]
async fn scale(x: u64) -> u64 {
    x.wrapping_mul(31)
}

#[stage]
async fn shift(x: u64) -> u64 {
    x ^ 7
}

#[stage]
async fn rotate(x: u64) -> u64 {
    x.rotate_left(3)
}

#[stage]
fn count(rows: &[u64]) -> usize {
    rows.len()
}

async fn short_by_hand(end: Instant) {
    while Instant::now() < end {
        for _ in 0..CALLS_PER_YIELD {
            compute(SHORT);
        }
        yield_now().await;
    }
}

async fn long_by_hand(end: Instant) {
    while Instant::now() < end {
        compute(LONG);
        yield_now().await;
    }
}

async fn long_at_times_by_hand(end: Instant) {
    for x in until(end) {
        long_at_times(x);
        if x % u64::from(CALLS_PER_YIELD) == 0 {
            yield_now().await;
        }
    }
}

async fn stage_long_at_times(end: Instant) {
    pipeline![long_at_times].drain(until(end)).await.expect("nothing fails");
}

async fn long_stage(end: Instant) {
    pipeline![long].drain(until(end)).await.expect("nothing fails");
}

async fn long_stage_on_workers(end: Instant) {
    pipeline![long].workers(2).drain(until(end)).await.expect("nothing fails");
}

async fn source_before_batch(end: Instant) {
    let source = until(end).inspect(|_| compute(SHORT));
    pipeline![u64: batch(1000) => count].drain(source).await.expect("nothing fails");
}

async fn each_before_batch(end: Instant) {
    let rows =
        pipeline![|end: Instant| until(end).inspect(|_| compute(SHORT)) => each => batch(1000) => count];
    rows.drain([end]).await.expect("nothing fails");
}

async fn ready_stages(end: Instant) {
    pipeline![scale => shift => rotate].drain(until(end)).await.expect("nothing fails");
}

/// How late the neighbour was until `end`, each time.
async fn neighbour(start: Instant, end: Instant) -> Vec<Duration> {
    let mut all = Vec::new();
    let mut kept_before = kept_waiting();
    tick(start, |late| {
        let kept = kept_waiting();
        all.push(late.saturating_sub(kept.saturating_sub(kept_before)));
        kept_before = kept;
        Instant::now() < end
    })
    .await;
    all
}

/// How long this thread has waited for a core while it was ready to run. Zero where there is no such file.
fn kept_waiting() -> Duration {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let waited = statistics.split_whitespace().nth(1).and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(waited.unwrap_or(0))
}

/// The lateness of one side: the worst and the median of each round.
#[derive(Default)]
struct Lateness {
    worst: Vec<Duration>,
    median: Vec<Duration>,
}

impl Lateness {
    /// Runs the load beside the neighbour, on a runtime of its own.
    fn round<F: Future<Output = ()>>(&mut self, load: impl FnOnce(Instant) -> F) {
        let start = Instant::now();
        let runtime = runtime();
        let end = start + ROUND;
        let mut late = runtime.block_on(async {
            let neighbour = tokio::spawn(neighbour(start, end));
            load(end).await;
            neighbour.await.expect("it does not panic")
        });
        late.sort_unstable();
        self.worst.push(*late.last().expect("it ticked"));
        self.median.push(late[late.len() / 2]);
    }

    /// The worst of a round, in the median of the rounds, in microseconds.
    fn worst_of_a_round(&self) -> f64 {
        median(self.worst.iter().map(micros))
    }

    /// The worst of all rounds.
    fn worst_of_all(&self) -> f64 {
        self.worst.iter().map(micros).fold(0.0, f64::max)
    }

    fn median(&self) -> f64 {
        median(self.median.iter().map(micros))
    }
}

fn micros(time: &Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Lets a loop by hand and the pipelines with the same calls take turns, and prints a line for each.
macro_rules! beside {
    ($wanted:ident, $by_hand:literal: $hand:path, $($name:literal: $case:path),+ $(,)?) => {{
        let names = [$($name),+];
        let mut hand = Lateness::default();
        let mut cases = names.map(|_| Lateness::default());
        if names.iter().any(|name| $wanted(name)) {
            for _ in 0..ROUNDS {
                hand.round($hand);
                let mut cases = names.iter().zip(&mut cases);
                $({
                    let (name, case) = cases.next().expect("there are as many cases as names");
                    if $wanted(name) {
                        case.round($case);
                    }
                })+
            }
            print($by_hand, &hand, None);
            for (name, case) in names.iter().zip(&cases).filter(|(name, _)| $wanted(name)) {
                print(name, case, Some(&hand));
            }
        }
    }};
}

fn print(name: &str, case: &Lateness, hand: Option<&Lateness>) {
    let (worst, of_all, median) = (case.worst_of_a_round(), case.worst_of_all(), case.median());
    print!("  {name:<54} {worst:>9.0} {of_all:>9.0} {median:>9.0}");
    if let Some(hand) = hand {
        let hand = hand.worst_of_a_round();
        let ratio = worst / hand;
        let verdict = if ratio > MARK { ": missed" } else { "" };
        print!(" {hand:>9.0} {ratio:>7.2} ×  mark {MARK} ×{verdict}");
    }
    println!();
}

fn main() {
    let wanted: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));

    println!(
        "\nlateness of a neighbour that is woken each millisecond, in µs ({ROUNDS} rounds of {ROUND:?})"
    );
    let titles = ["worst", "of all", "median", "by hand", "ratio"];
    println!(
        "  {:<54} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "", titles[0], titles[1], titles[2], titles[3], titles[4]
    );
    beside!(
        wants,
        "by hand: 1 ms, a yield after each call": long_by_hand,
        "a stage of 1 ms": long_stage,
        "a stage of 1 ms, workers(2)": long_stage_on_workers,
    );
    beside!(
        wants,
        "by hand: 10 µs, a yield after 64 calls": short_by_hand,
        "a source of 10 µs an item, batch(1000)": source_before_batch,
        "an each of 10 µs an item, batch(1000)": each_before_batch,
        "ready stages": ready_stages,
    );
    beside!(
        wants,
        "by hand: 20 calls of 1 ms in 2000, a yield after 64": long_at_times_by_hand,
        "a stage of 1 ms for 20 items in 2000": stage_long_at_times,
    );
}
