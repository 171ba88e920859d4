//! The cases of `instructions.rs` under gungraun, for `instructions.sh --check`, which holds the counts against the budget.
//!
//! Only the run is counted: the runtime is built before and dropped after. What a run does once is divided among its items.
//! Needs the feature `gungraun`, and the runner that the script installs.
#![allow(missing_docs)] // Of what the macros generate.

#[path = "instructions.rs"]
#[allow(dead_code)]
mod instructions;

use gungraun::{library_benchmark, library_benchmark_group, main};
use instructions::run;
use tokio::runtime::{Builder, Runtime};

/// What is not counted.
fn prepared(case: &'static str, count: u64) -> (Runtime, &'static str, u64) {
    let runtime = Builder::new_current_thread().enable_time().build();
    (runtime.expect("a runtime on this thread needs no resources"), case, count)
}

// The script reads the name and the number of items of a case from what gungraun prints. An observed `run` takes long.
#[library_benchmark(setup = prepared)]
#[bench::one_item("one_item", 20000)]
#[bench::one_item_policy("one_item_policy", 20000)]
#[bench::one_item_fork("one_item_fork", 20000)]
#[bench::one_item_observed("one_item_observed", 1000)]
#[bench::many_drain("many_drain", 60000)]
#[bench::many_collect("many_collect", 60000)]
#[bench::many_sync("many_sync", 60000)]
#[bench::many_yield("many_yield", 60000)]
#[bench::many_boundaries("many_boundaries", 20000)]
fn item((runtime, case, count): (Runtime, &'static str, u64)) -> Runtime {
    runtime.block_on(run(case, count)).expect("nothing fails");
    runtime
}

library_benchmark_group!(name = budget, benchmarks = item);
main!(library_benchmark_groups = budget);
