//! A stage that computes for some 100 µs, with one worker and with two.
//!
//! On a runtime with two worker threads. The machine has to have two cores that nobody else wants.

use std::hash::{DefaultHasher, Hasher};
use std::hint::black_box;

use benches::{Contest, Mark};
use pipeline::{pipeline, stage};
use tokio::runtime::Builder;

const ITEMS: u32 = 2000;
const WORDS: u64 = 48_000;
const ROUNDS: usize = 15;

/// Some 100 µs of it.
#[stage]
async fn digest(x: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    for word in 0..WORDS {
        hasher.write_u64(black_box(x ^ word));
    }
    hasher.finish()
}

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().expect("two threads are to be had");
    let one = pipeline![digest].workers(1);
    let two = pipeline![digest].workers(2);
    let items = || 0..u64::from(ITEMS);
    Contest::new("workers", ITEMS)
        .side("workers(2)", || runtime.block_on(two.collect(items())).expect("nothing fails"))
        .marked("workers(1)", Mark::Ratio(1.8), || {
            runtime.block_on(one.collect(items())).expect("nothing fails")
        })
        .run(ROUNDS);
}
