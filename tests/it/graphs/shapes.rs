//! The calls of a graph start as soon as their inputs are ready: on graphs of all shapes, with random durations.

use std::collections::BTreeMap;

use pipeline::{BoxPipeline, ErrorKind, pipeline, stage};

use crate::support::Refused;
use crate::support::scripted_stages::{Action, CallOutcome, CallRecord, Script};

/// The output of a stage: a hash of its name and inputs.
fn mix(stage: &str, values: &[u64]) -> u64 {
    let name = stage.bytes().fold(7, |hash: u64, byte| hash.wrapping_mul(31) ^ u64::from(byte));
    values.iter().fold(name, |hash, value| (hash ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// A graph, and the arguments of each of its calls.
struct Shape {
    name: &'static str,
    /// The pipeline that runs under this script.
    pipeline: Box<dyn Fn(Script) -> BoxPipeline<u64, u64>>,
    /// In topological order. An argument is the name of a call, or `x`, the input.
    calls: Vec<(&'static str, Vec<&'static str>)>,
}

/// A graph of calls. The last call gives the output.
macro_rules! shape {
    ($shape:ident($x:ident): $($call:ident($($argument:ident: $ty:ty),*);)* => $last:ident($($last_argument:ident: $last_ty:ty),*)) => {{
        #[stage]
        async fn $last($($last_argument: $last_ty,)* #[state] script: &Script) -> Result<u64, Refused> {
            script.perform(stringify!($last)).await?;
            Ok(mix(stringify!($last), &[$($last_argument.to_owned()),*]))
        }
        $(
            #[stage]
            async fn $call($($argument: $ty,)* #[state] script: &Script) -> Result<u64, Refused> {
                script.perform(stringify!($call)).await?;
                Ok(mix(stringify!($call), &[$($argument.to_owned()),*]))
            }
        )*
        let pipeline = pipeline!(|$x: u64| {
            $(let $call = $call($($argument),*);)*
            $last($($last_argument),*)
        });
        Shape {
            name: stringify!($shape),
            pipeline: Box::new(move |script| pipeline.clone().with(script).boxed()),
            calls: vec![
                $((stringify!($call), vec![$(stringify!($argument)),*]),)*
                (stringify!($last), vec![$(stringify!($last_argument)),*]),
            ],
        }
    }};
}

#[allow(clippy::many_single_char_names)] // They name the nodes of a graph.
fn shapes() -> Vec<Shape> {
    vec![
        shape!(series(x): a(x: u64); b(a: &u64); c(b: u64); => d(c: &u64)),
        shape!(parallel(x): a(x: &u64); b(x: &u64); c(x: &u64); d(x: u64); => e(a: u64, b: &u64, c: u64, d: u64)),
        shape!(diamond(x): a(x: u64); b(a: &u64); c(a: u64); => d(b: &u64, c: &u64)),
        // An N, the smallest graph that is not series-parallel: c waits for a alone, d for a and b.
        shape!(n(x): a(x: &u64); b(x: u64); c(a: &u64); d(a: u64, b: u64); => e(c: u64, d: u64)),
        shape!(n_mirrored(x): a(x: u64); b(x: u64); c(a: &u64, b: u64); d(b: &u64); => e(c: &u64, d: u64)),
        // d waits for a, e for a and b, f for b and c.
        shape!(double_n(x):
            a(x: &u64); b(x: &u64); c(x: &u64);
            d(a: &u64); e(a: u64, b: &u64); f(b: u64, c: u64);
            => g(d: u64, e: u64, f: u64)),
        // A zigzag: the call that is written last may be ready first.
        shape!(ladder(x):
            a(x: u64); b(x: u64);
            c(a: &u64); d(a: &u64, b: &u64); e(b: u64);
            f(c: u64, d: &u64); g(d: u64, e: u64);
            => h(f: u64, g: u64, a: u64)),
        // Five consumers of one value, by reference and by value.
        shape!(fan(x):
            a(x: u64);
            b(x: &u64, a: &u64); c(a: u64); d(a: &u64, x: u64); e(a: u64, x: &u64); f(a: u64);
            => g(b: u64, c: u64, d: u64, e: u64, f: u64)),
        shape!(skips(x):
            a(x: &u64); b(a: &u64, x: &u64); c(b: &u64, a: u64); d(c: u64, x: u64);
            => e(d: u64, b: u64)),
        // Two parts that are independent until the last call; one of them is not series-parallel.
        shape!(two_ways(x):
            a(x: &u64); b(x: &u64); c(a: &u64); d(a: &u64, b: &u64); e(c: u64, d: u64);
            f(x: u64); g(f: &u64); h(f: u64); i(g: u64, h: u64);
            => j(e: u64, i: u64)),
        // Not series-parallel, with parallel branches and chains as its parts.
        shape!(n_of_parts(x):
            a(x: &u64); b(a: u64); c(x: &u64);
            d(b: &u64); e(b: u64, c: &u64); f(c: u64);
            g(d: u64, e: &u64); h(e: u64, f: u64);
            => i(g: u64, h: u64, x: u64)),
        // Each of three calls waits for two of three.
        shape!(crown(x):
            a(x: u64); b(x: u64); c(x: u64);
            d(a: &u64, b: &u64); e(b: u64, c: &u64); f(c: u64, a: u64);
            => g(d: &u64, e: u64, f: &u64)),
        // Two levels, each call of the second waits for all of the first: series-parallel.
        shape!(layers(x):
            a(x: u64); b(x: u64);
            c(a: &u64, b: &u64); d(a: &u64, b: u64); e(a: u64, b: u64);
            => f(c: u64, d: u64, e: u64)),
        // A call without arguments starts immediately.
        shape!(out_of_nothing(x): a(); b(x: &u64, a: u64); c(a: &u64); => d(b: u64, c: u64, x: u64)),
        // A chain whose second call takes the first one's output and the input of the graph.
        shape!(chain_with_input(x): a(x: &u64); b(a: &u64, x: &u64); c(x: u64); => d(b: u64, c: u64)),
        // Two parts that are not series-parallel, connected by one value.
        shape!(two_n(x):
            a(x: &u64); b(x: u64); c(a: &u64); d(a: u64, b: u64); e(c: u64, d: u64);
            f(e: &u64); g(e: &u64); h(f: &u64); i(f: u64, g: u64);
            => j(h: u64, i: u64, e: u64)),
    ]
}

impl Shape {
    fn needs(&self, call: &str) -> impl Iterator<Item = &'static str> {
        let (_, needs) = self.calls.iter().find(|(name, _)| *name == call).unwrap();
        needs.clone().into_iter().filter(|need| *need != "x")
    }

    /// The start and end of each call if nothing fails, and the output.
    fn expected(&self, script: &Script, x: u64) -> (BTreeMap<&'static str, (u64, u64)>, u64) {
        let mut times: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        let mut values = BTreeMap::from([("x", x)]);
        for (call, arguments) in &self.calls {
            let start = self.needs(call).map(|need| times[need].1).max().unwrap_or(0);
            times.insert(*call, (start, start + script.time(call)));
            let arguments: Vec<_> = arguments.iter().map(|argument| values[argument]).collect();
            values.insert(*call, mix(call, &arguments));
        }
        (times, values[self.calls.last().unwrap().0])
    }

    /// A script with a random duration for each call.
    fn script(&self, rng: &mut fastrand::Rng) -> Script {
        let some_are_ready = rng.bool();
        self.calls.iter().fold(Script::new(), |script, (call, _)| {
            let time = if some_are_ready && rng.bool() { 0 } else { rng.u64(1..100_000) };
            script.with(call, time, Action::Succeed)
        })
    }

    async fn run(&self, script: &Script, x: u64) -> Result<u64, pipeline::StageError> {
        (self.pipeline)(script.clone()).run(x).await
    }
}

#[tokio::test(start_paused = true)]
async fn each_call_starts_when_its_last_input_is_ready() {
    let mut rng = fastrand::Rng::with_seed(11);
    for shape in shapes() {
        for x in 0..100 {
            let script = shape.script(&mut rng);
            let output = shape.run(&script, x).await.unwrap();
            let (times, expected) = shape.expected(&script, x);
            assert_eq!(output, expected, "{}", shape.name);
            let calls = script.take_calls();
            assert_eq!(calls.len(), shape.calls.len(), "{}: each is called once", shape.name);
            for CallRecord { stage, start, end, outcome } in calls {
                assert_eq!((start, end), times[stage], "{}, {stage} in {script:?}", shape.name);
                assert_eq!(outcome, CallOutcome::Done);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_or_panic_calls_in_flight_are_dropped_and_the_others_never_start() {
    let mut rng = fastrand::Rng::with_seed(12);
    for (shape, act) in shapes().into_iter().zip([Action::Fail, Action::Panic].into_iter().cycle()) {
        for (at, _) in &shape.calls {
            for x in 0..10 {
                // Each call takes some time, and no two calls end at the same time.
                let script = shape.calls.iter().fold(Script::new(), |script, (call, _)| {
                    script.with(call, rng.u64(1..100_000), if call == at { act } else { Action::Succeed })
                });
                let error = shape.run(&script, x).await.unwrap_err();
                let kind = if act == Action::Fail { ErrorKind::Failed } else { ErrorKind::Panicked };
                assert_eq!((error.stage(), error.kind()), (*at, kind), "{}", shape.name);
                let (times, _) = shape.expected(&script, x);
                let failed_at = times[at].1;
                let mut expected: Vec<_> = times
                    .iter()
                    .filter(|(_, (start, _))| *start < failed_at)
                    .map(|(call, _)| *call)
                    .collect();
                expected.sort_unstable();
                let mut calls = script.take_calls();
                calls.sort_unstable_by_key(|call| call.stage);
                let started: Vec<_> = calls.iter().map(|call| call.stage).collect();
                assert_eq!(started, expected, "{}: {at} fails at {failed_at} in {times:?}", shape.name);
                for CallRecord { stage, start, end, outcome } in calls {
                    let (_, done) = times[stage];
                    let expected = match act {
                        _ if done < failed_at => CallOutcome::Done,
                        Action::Fail if stage == *at => CallOutcome::Failed,
                        Action::Panic if stage == *at => CallOutcome::Panicked,
                        _ => CallOutcome::Dropped,
                    };
                    assert_eq!(
                        (end, outcome),
                        (done.min(failed_at), expected),
                        "{}: {stage}, started at {start}",
                        shape.name
                    );
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn concurrent_items_do_not_mix_their_values() {
    let mut rng = fastrand::Rng::with_seed(13);
    for shape in shapes() {
        let script = shape.script(&mut rng);
        let pipeline = (shape.pipeline)(script.clone()).concurrency(7);
        let expected: Vec<_> = (0..50).map(|x| shape.expected(&script, x).1).collect();
        assert_eq!(pipeline.collect(0..50).await.unwrap(), expected, "{}", shape.name);
        let report = pipeline.drain(0..50).await.unwrap();
        assert_eq!(report.stages().len(), shape.calls.len());
        for (stage, (call, _)) in report.stages().iter().zip(&shape.calls) {
            assert_eq!((stage.name(), stage.calls(), stage.outputs()), (*call, 50, 50), "{}", shape.name);
        }
    }
}

#[stage]
fn sum4(first: u64, second: u64, third: u64, fourth: u64) -> u64 {
    first + second + third + fourth
}

/// They are joined as a tree, which stays far from rustc's limit on types within types.
#[tokio::test]
async fn thirty_two_calls_run_side_by_side() {
    #[stage]
    async fn double(x: u64) -> u64 {
        tokio::task::yield_now().await;
        x * 2
    }

    let graph = pipeline!(|x: u64| {
        let x0 = double(x);
        let x1 = double(x);
        let x2 = double(x);
        let x3 = double(x);
        let x4 = double(x);
        let x5 = double(x);
        let x6 = double(x);
        let x7 = double(x);
        let x8 = double(x);
        let x9 = double(x);
        let x10 = double(x);
        let x11 = double(x);
        let x12 = double(x);
        let x13 = double(x);
        let x14 = double(x);
        let x15 = double(x);
        let x16 = double(x);
        let x17 = double(x);
        let x18 = double(x);
        let x19 = double(x);
        let x20 = double(x);
        let x21 = double(x);
        let x22 = double(x);
        let x23 = double(x);
        let x24 = double(x);
        let x25 = double(x);
        let x26 = double(x);
        let x27 = double(x);
        let x28 = double(x);
        let x29 = double(x);
        let x30 = double(x);
        let x31 = double(x);
        let sum0 = sum4(x0, x1, x2, x3);
        let sum1 = sum4(x4, x5, x6, x7);
        let sum2 = sum4(x8, x9, x10, x11);
        let sum3 = sum4(x12, x13, x14, x15);
        let total4 = sum4(x16, x17, x18, x19);
        let sum5 = sum4(x20, x21, x22, x23);
        let sum6 = sum4(x24, x25, x26, x27);
        let sum7 = sum4(x28, x29, x30, x31);
        sum0 + sum1 + sum2 + sum3 + total4 + sum5 + sum6 + sum7
    });
    assert_eq!(graph.run(1).await.ok(), Some(64));
    assert_eq!(graph.run(2).await.ok(), Some(128));
}
