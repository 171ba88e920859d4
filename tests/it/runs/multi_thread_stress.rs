//! Random runs on a multi-thread runtime with the real clock: none of them hangs.

use std::time::{Duration, Instant};

use pipeline::ErrorMode;

use crate::support::random_runs::{Case, SHAPES, Verb};

fn random(seed: u64) -> Case {
    let mut rng = fastrand::Rng::with_seed(seed);
    let cancel_at_ms = if rng.u8(..5) < 2 { rng.usize(1..=2) } else { 0 };
    Case {
        shape: rng.usize(..SHAPES),
        verb: [Verb::Drain, Verb::Collect, Verb::Stream, Verb::Settle][rng.usize(..4)],
        mode: [ErrorMode::Strict, ErrorMode::Lenient, ErrorMode::Collect][rng.usize(..3)],
        items: [rng.u64(..5), rng.u64(..100), rng.u64(..3000)][rng.usize(..3)],
        concurrency: rng.usize(1..=100),
        workers: rng.usize(1..=3),
        ordered: rng.bool(),
        faults_per_mille: [0, 0, 3, 100][rng.usize(..4)],
        max_sleep_ms: rng.u64(..3),
        cancel_at_ms: std::iter::repeat_with(|| rng.u64(..5)).take(cancel_at_ms).collect(),
        seed,
    }
}

/// Runs for `STRESS_SECONDS` (default 3), starting with the seed `STRESS_SEED` (default 1).
#[test]
fn no_random_run_hangs_on_a_multi_thread_runtime() {
    let said = |name| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let budget = Duration::from_secs(said("STRESS_SECONDS").unwrap_or(3));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_time().build().unwrap();
    let start = Instant::now();
    let mut seed = said("STRESS_SEED").unwrap_or(1);
    while start.elapsed() < budget {
        let case = random(seed);
        let ended = runtime.block_on(async {
            let case = case.clone();
            let run = tokio::spawn(async move { case.run(&case.actions()).await });
            tokio::time::timeout(Duration::from_secs(30), run).await
        });
        assert!(ended.is_ok(), "the run of seed {seed} hangs: {case:?}");
        assert!(ended.is_ok_and(|run| run.is_ok()), "the run of seed {seed} panicked: {case:?}");
        seed += 1;
    }
}
