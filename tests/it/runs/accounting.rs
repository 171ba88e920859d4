//! Random runs: the counts of the report add up, each item is processed once, and all items are dropped at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pipeline::{ErrorKind, ErrorMode, Report, pipeline, stage};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::support::drop_counter::{CountedItem, DropCounter};
use crate::support::random_runs::{
    Action, BATCHES, Case, RunOutcome, SHAPES, SeededActions, Verb, stages_without_boundary,
};
use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Gauge, Refused, ms};

fn modes() -> impl Strategy<Value = ErrorMode> {
    prop_oneof![Just(ErrorMode::Strict), Just(ErrorMode::Lenient), Just(ErrorMode::Collect)]
}

fn verbs() -> impl Strategy<Value = Verb> {
    prop_oneof![Just(Verb::Drain), Just(Verb::Collect), Just(Verb::Stream), Just(Verb::Settle)]
}

prop_compose! {
    fn cases()(
        (shape, verb, mode) in (0..SHAPES, verbs(), modes()),
        items in prop_oneof![0_u64..4, 0_u64..40, 100_u64..600],
        (concurrency, workers, ordered) in (1_usize..=100, 1_usize..=3, any::<bool>()),
        faults_per_mille in prop_oneof![Just(0_u64), Just(5), Just(100)],
        max_sleep_ms in prop_oneof![Just(0_u64), 1_u64..20],
        cancel_at_ms in prop_oneof![3 => Just(vec![]), 2 => prop::collection::vec(0_u64..40, 1..=2)],
        seed in any::<u64>(),
    ) -> Case {
        Case { shape, verb, mode, items, concurrency, workers, ordered, faults_per_mille, max_sleep_ms, cancel_at_ms, seed }
    }
}

/// Runs it on a paused clock. If the run hangs, the clock jumps to the timeout.
fn run(case: &Case, actions: &SeededActions) -> RunOutcome {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    let day = std::time::Duration::from_secs(24 * 3600);
    runtime.block_on(async { tokio::time::timeout(day, case.run(actions)).await }).expect("the run hangs")
}

fn check(case: &Case, actions: &SeededActions, outcome: &RunOutcome) {
    if let Some(report) = &outcome.report {
        check_report(case, actions, outcome, report);
    }
    if let Some(results) = &outcome.results {
        assert_eq!(results.len() as u64, case.items, "each input has its result");
        for (index, result) in (0..).zip(results) {
            match result {
                Ok(output) => assert_eq!(*output, index, "at its index"),
                Err(error) => match error.kind() {
                    ErrorKind::Cancelled => assert!(!case.cancel_at_ms.is_empty(), "{error}"),
                    ErrorKind::Failed => {
                        let name = ["first", "second", "third"].into_iter().find(|it| *it == error.stage());
                        assert_eq!(actions.action(name.unwrap(), index), Action::Fail);
                    }
                    _ => assert_eq!(error.kind(), ErrorKind::Panicked),
                },
            }
        }
    }
    // In an ordered run the ids increase.
    let mut sorted = outcome.ids.clone();
    sorted.sort_unstable();
    if case.ordered || outcome.results.is_some() {
        assert_eq!(outcome.ids, sorted, "in order");
    }
    sorted.dedup();
    assert_eq!(outcome.ids.len(), sorted.len(), "each item came out once");
    let all_reported = case.cancel_at_ms.is_empty() && case.verb != Verb::Drain && !outcome.aborted;
    let continues = case.mode != ErrorMode::Strict || outcome.results.is_some();
    if let Some(stages) = stages_without_boundary(case.shape).filter(|_| all_reported && continues) {
        let expected: Vec<_> = (0..case.items).filter(|id| actions.passes(stages, *id)).collect();
        assert_eq!(sorted, expected, "whatever passes its stages comes out");
    }
    for (stage, id, calls) in ["split", "keep", "pack", "first", "second", "third"]
        .iter()
        .flat_map(|stage| actions.calls(stage).into_iter().map(|(id, calls)| (*stage, id, calls)))
    {
        assert_eq!(calls, 1, "item {id} is seen once at {stage}");
    }
}

fn check_report(case: &Case, actions: &SeededActions, outcome: &RunOutcome, report: &Report) {
    let (items_in, items_out) = (report.items_in(), report.items_out());
    let (failed, cancelled) = (report.items_failed(), report.items_cancelled());
    if stages_without_boundary(case.shape).is_some() {
        assert_eq!(items_in + report.rows_isolated(), items_out + failed + cancelled, "the items add up");
    }
    if case.shape == BATCHES && case.verb == Verb::Stream {
        assert_eq!(
            items_in,
            outcome.ids.len() + failed + cancelled,
            "a batch counts as many as it has members"
        );
    }
    // The failure of a batch is one, and counts as many as it has members.
    let has_batches = [BATCHES, 5, 7].contains(&case.shape);
    let counts = |failures: usize| failures == failed || (has_batches && failures < failed);
    assert!(items_in as u64 <= case.items);
    match case.mode {
        ErrorMode::Collect => assert!(counts(report.failures().len())),
        _ => assert!(counts(report.failures().len() + report.failures_omitted())),
    }
    if !has_batches {
        assert_eq!(report.rows_loaded(), items_out);
    }
    if let Some(outputs) = outcome.outputs {
        assert_eq!(items_out, outputs);
    }
    match (outcome.failures, case.mode) {
        (Some(failures), ErrorMode::Strict) => assert!(failures <= 1),
        (Some(failures), _) if cancelled == 0 => {
            assert!(counts(failures), "each failure is in the stream");
        }
        _ => {}
    }
    match case.verb {
        Verb::Drain => assert_eq!(outcome.aborted, case.mode == ErrorMode::Strict && failed > 0),
        Verb::Collect | Verb::Settle if case.cancel_at_ms.is_empty() => assert!(failed > 0),
        _ => {}
    }
    if case.cancel_at_ms.is_empty() && !(case.mode == ErrorMode::Strict && failed > 0) {
        assert_eq!(
            (items_in as u64, cancelled),
            (case.items, 0),
            "all items are processed unless the run was cancelled or aborted"
        );
    }
    let mut before: Option<&pipeline::StageReport> = None;
    for stage in report.stages() {
        let (name, calls) = (stage.name(), stage.calls());
        if !stage.is_boundary() {
            assert_eq!(calls, stage.outputs() + stage.failed() + stage.cancelled(), "{name} adds up");
            if !name.starts_with("closure") {
                assert_eq!(calls, actions.calls(name).len(), "the calls of {name} match its own count");
            }
        }
        if let Some(before) = before {
            let near = stage.is_boundary() || before.is_boundary();
            assert!(
                calls <= before.outputs(),
                "{name} has no more calls than the stage before it has outputs"
            );
            assert!(
                near || calls == before.outputs(),
                "within a segment each output is the next call's input"
            );
        }
        before = Some(stage);
    }
    if let Some(last) = before {
        assert!(items_out <= last.outputs());
        assert!(cancelled > 0 || items_out == last.outputs() || case.mode == ErrorMode::Strict);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn counts_add_up_and_each_item_is_processed_once(case in cases()) {
        let actions = case.actions();
        let outcome = run(&case, &actions);
        check(&case, &actions, &outcome);
    }

    #[test]
    fn counts_add_up_with_thousands_of_items_in_flight((concurrency, workers) in (200_usize..3000, 1_usize..=3), case in cases()) {
        let case = Case { concurrency, workers, items: case.items * 10, faults_per_mille: case.faults_per_mille.min(2), ..case };
        let actions = case.actions();
        let outcome = run(&case, &actions);
        check(&case, &actions, &outcome);
    }
}

#[stage]
async fn late(x: u64, #[state] calls: &Arc<AtomicU64>) -> Result<u64, Refused> {
    calls.fetch_add(1, Ordering::Relaxed);
    if x == 4100 {
        return Err(Refused(1));
    }
    tokio::time::sleep(ms(10)).await;
    Ok(x)
}

#[tokio::test(start_paused = true)]
async fn an_item_queued_for_a_worker_and_never_started_is_not_counted_as_a_call() {
    for_each_worker_count!(|workers| {
        let calls = Arc::new(AtomicU64::new(0));
        let pipeline = pipeline![late].with(Arc::clone(&calls)).concurrency(4000).on_workers(workers);
        let report = pipeline.drain(0..12_000).await.unwrap_err().report;
        assert_eq!(report.stages()[0].calls() as u64, calls.load(Ordering::Relaxed), "{workers} workers");
    });
}

#[stage]
async fn hold(item: CountedItem, #[state] gauge: &Arc<Gauge>) -> CountedItem {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(10 + item.x)).await;
    item
}

#[tokio::test(start_paused = true)]
async fn a_finished_run_has_dropped_all_its_items() {
    for_each_worker_count!(|workers| {
        let (counter, gauge) = (DropCounter::default(), Arc::new(Gauge::default()));
        let pipeline = pipeline![hold].with(Arc::clone(&gauge)).concurrency(6).on_workers(workers);
        pipeline.drain(counter.items().take(30)).await.unwrap();
        tokio::time::sleep(ms(1)).await;
        assert_eq!((counter.made(), counter.alive(), gauge.now()), (30, 0, 0));
        drop(pipeline.collect(counter.items().take(30)).await.unwrap());
        drop(pipeline.settle(counter.items().take(30)).await);
        pipeline.stream(counter.items().take(30)).report().await;
        tokio::time::sleep(ms(1)).await;
        assert_eq!((counter.alive(), gauge.now()), (0, 0));
    });
}
