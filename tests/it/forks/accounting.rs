//! Random runs through forks: the report of each stage matches what the stage itself counted.

use pipeline::{ErrorKind, ErrorMode, Failure};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::random_runs::{Action, Case, Count, RunOutcome, SHAPES, SeededActions, Verb};
use crate::support::Refused;

fn modes() -> impl Strategy<Value = ErrorMode> {
    prop_oneof![Just(ErrorMode::Strict), Just(ErrorMode::Lenient), Just(ErrorMode::Collect)]
}

fn verbs() -> impl Strategy<Value = Verb> {
    prop_oneof![3 => Just(Verb::Drain), 1 => Just(Verb::Collect), 1 => Just(Verb::Stream)]
}

prop_compose! {
    fn cases()(
        (shape, verb, mode) in (0..SHAPES, verbs(), modes()),
        items in prop_oneof![0_u64..4, 0_u64..40, 100_u64..400],
        (concurrency, workers, ordered, observed) in (1_usize..=100, 1_usize..=3, any::<bool>(), any::<bool>()),
        failures in prop_oneof![Just(0_u64), Just(10), Just(300), Just(600)],
        panics in prop_oneof![Just(0_u64), Just(5), Just(50)],
        max_sleep_ms in prop_oneof![Just(0_u64), 1_u64..20],
        cancel_at_ms in prop_oneof![3 => Just(vec![]), 1 => prop::collection::vec(0_u64..40, 1..=2)],
        seed in any::<u64>(),
    ) -> Case {
        Case { shape, verb, mode, items, concurrency, workers, ordered, observed, failures, panics, max_sleep_ms, cancel_at_ms, seed }
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
    if let Some(outputs) = &outcome.outputs {
        let mut sorted = outputs.clone();
        sorted.sort_unstable();
        assert!(!case.ordered || sorted == *outputs, "in order");
        sorted.dedup();
        assert_eq!(sorted.len(), outputs.len(), "each item came out once");
    }
    let Some(report) = &outcome.report else { return };
    let (items_in, items_out) = (report.items_in(), report.items_out());
    let (failed, cancelled) = (report.items_failed(), report.items_cancelled());
    if case.shape != 4 {
        assert_eq!(items_in, items_out + failed + cancelled, "the items add up");
    }
    if case.mode == ErrorMode::Collect {
        // The failure of a batch is one, and counts as many as it has members.
        let failures = report.failures().len();
        assert!(failures == failed || (case.shape == 4 && failures < failed));
        report.failures().iter().for_each(|failure| check_failure(actions, outcome, failure));
    }
    if case.cancel_at_ms.is_empty() && !(case.mode == ErrorMode::Strict && failed > 0) {
        assert_eq!(
            (items_in, cancelled),
            (usize::try_from(case.items).unwrap(), 0),
            "all items are processed unless the run was cancelled or aborted"
        );
    }
    assert_eq!(report.stages().len(), outcome.steps.len(), "{report}");
    for (stage, step) in report.stages().iter().zip(outcome.steps) {
        let (name, calls) = (stage.name(), stage.calls());
        if stage.is_boundary() {
            continue;
        }
        assert_eq!(calls, stage.outputs() + stage.failed() + stage.cancelled(), "{name} adds up");
        if *step == "choice" {
            let arms =
                ["low", "mid", "high"].map(|arm| report.stage(arm).map_or(0, pipeline::StageReport::calls));
            assert_eq!(stage.outputs(), arms.iter().sum::<usize>(), "each item has one arm\n{report}");
            assert!(stage.failed() <= 1);
        }
        if ["_", "choice"].contains(step) {
            continue;
        }
        assert!(name == *step || name.contains(" at "), "{name} is {step}");
        // A stage counts under its own name, also where `.name(…)` gave it another one for one use.
        let (own, places): (_, Vec<_>) = match step.strip_suffix('2') {
            Some(own) => (own, vec![own, step]),
            None => (
                *step,
                outcome
                    .steps
                    .iter()
                    .copied()
                    .filter(|it| it == step || it.strip_suffix('2') == Some(step))
                    .collect(),
            ),
        };
        let at = |it: &&pipeline::StageReport| places.contains(&it.name());
        let all: Vec<_> =
            if name.contains(" at ") { vec![stage] } else { report.stages().iter().filter(at).collect() };
        let sum = |of: fn(&pipeline::StageReport) -> usize| all.iter().map(|stage| of(stage)).sum::<usize>();
        let Count { started, succeeded, mut failed } = actions.counted(own);
        // A stopped run begins no further attempt. The call fails where its script may have another attempt.
        if own == "again" && !case.cancel_at_ms.is_empty() {
            let all_failed = sum(pipeline::StageReport::failed);
            assert!((failed..=started - succeeded).contains(&all_failed), "{name}\n{report}");
            failed = all_failed;
        }
        let reported = (sum(pipeline::StageReport::outputs), sum(pipeline::StageReport::failed));
        assert_eq!(
            reported,
            (succeeded, failed),
            "the outputs and failures of {name} match its own counts\n{report}"
        );
        // A call that waits for a permit has not counted itself as started.
        let cancelled_calls = started - succeeded - failed;
        if *step == "narrow" {
            assert!(sum(pipeline::StageReport::cancelled) >= cancelled_calls);
        } else {
            assert_eq!(
                sum(pipeline::StageReport::cancelled),
                cancelled_calls,
                "the cancelled calls of {name} match its own counts\n{report}"
            );
            assert_eq!(sum(pipeline::StageReport::calls), started, "{name} was called\n{report}");
        }
    }
}

/// Checks that the failure is one that the seed decided.
fn check_failure(actions: &SeededActions, outcome: &RunOutcome, Failure { error, index, .. }: &Failure) {
    let name = error.stage();
    assert!(name.contains(" at ") || outcome.steps.contains(&name), "{error}");
    let stage = name.strip_suffix('2').unwrap_or(name);
    match error.kind() {
        ErrorKind::Failed => assert!(error.downcast_ref::<Refused>().is_some()),
        kind => assert_eq!(kind, ErrorKind::Panicked),
    }
    if !name.contains(" at ") && !outcome.steps.contains(&"split") {
        let action = if error.kind() == ErrorKind::Failed { Action::Fail } else { Action::Panic };
        assert_eq!(actions.action(stage, *index as u64), action, "{error}");
        for error in error.alternatives() {
            let stage = error.stage().strip_suffix('2').unwrap_or(error.stage());
            assert_eq!(actions.action(stage, *index as u64), Action::Fail, "{error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(11),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_report_of_stages_in_forks_matches_their_own_counts(case in cases()) {
        let actions = case.actions();
        let outcome = run(&case, &actions);
        check(&case, &actions, &outcome);
    }
}
