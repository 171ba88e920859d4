//! The calls of a graph start as soon as their inputs are ready: on graphs of all shapes, with random durations.

use std::collections::BTreeMap;

use pipeline::{BoxPipeline, ErrorKind, pipeline, stage};

use crate::support::Refused;
use crate::support::scripted_stages::{Do, Ended, Entry, Play};

/// What a value is made of.
fn mix(stage: &str, values: &[u64]) -> u64 {
    let name = stage.bytes().fold(7, |hash: u64, byte| hash.wrapping_mul(31) ^ u64::from(byte));
    values.iter().fold(name, |hash, value| (hash ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// A graph; and which call takes what, to reckon with.
struct Shape {
    name: &'static str,
    line: BoxPipeline<u64, u64, Play>,
    /// In an order in which they could run. Arguments are calls, or `x`, the input.
    calls: Vec<(&'static str, Vec<&'static str>)>,
}

/// A graph of calls, the last of which gives the output.
macro_rules! shape {
    ($shape:ident($x:ident): $($call:ident($($argument:ident: $ty:ty),*);)* => $last:ident($($last_argument:ident: $last_ty:ty),*)) => {{
        #[stage]
        async fn $last($($last_argument: $last_ty,)* #[state] play: &Play) -> Result<u64, Refused> {
            play.act(stringify!($last)).await?;
            Ok(mix(stringify!($last), &[$($last_argument.to_owned()),*]))
        }
        $(
            #[stage]
            async fn $call($($argument: $ty,)* #[state] play: &Play) -> Result<u64, Refused> {
                play.act(stringify!($call)).await?;
                Ok(mix(stringify!($call), &[$($argument.to_owned()),*]))
            }
        )*
        let line = pipeline!(|$x: u64| {
            $(let $call = $call($($argument),*);)*
            $last($($last_argument),*)
        });
        Shape {
            name: stringify!($shape),
            line: line.with(Play::new()).boxed(),
            calls: vec![
                $((stringify!($call), vec![$(stringify!($argument)),*]),)*
                (stringify!($last), vec![$(stringify!($last_argument)),*]),
            ],
        }
    }};
}

#[allow(clippy::many_single_char_names)] // They are places.
fn shapes() -> Vec<Shape> {
    vec![
        shape!(series(x): a(x: u64); b(a: &u64); c(b: u64); => d(c: &u64)),
        shape!(parallel(x): a(x: &u64); b(x: &u64); c(x: &u64); d(x: u64); => e(a: u64, b: &u64, c: u64, d: u64)),
        shape!(diamond(x): a(x: u64); b(a: &u64); c(a: u64); => d(b: &u64, c: &u64)),
        // c waits for a alone, d for a and b.
        shape!(n(x): a(x: &u64); b(x: u64); c(a: &u64); d(a: u64, b: u64); => e(c: u64, d: u64)),
        shape!(n_the_other_way(x): a(x: u64); b(x: u64); c(a: &u64, b: u64); d(b: &u64); => e(c: &u64, d: u64)),
        // Each of three waits for the one before it and its neighbour.
        shape!(double_n(x):
            a(x: &u64); b(x: &u64); c(x: &u64);
            d(a: &u64); e(a: u64, b: &u64); f(b: u64, c: u64);
            => g(d: u64, e: u64, f: u64)),
        // A zigzag down: what is written last may be ready first.
        shape!(ladder(x):
            a(x: u64); b(x: u64);
            c(a: &u64); d(a: &u64, b: &u64); e(b: u64);
            f(c: u64, d: &u64); g(d: u64, e: u64);
            => h(f: u64, g: u64, a: u64)),
        // Five who want one value, each in its own way.
        shape!(fan(x):
            a(x: u64);
            b(x: &u64, a: &u64); c(a: u64); d(a: &u64, x: u64); e(a: u64, x: &u64); f(a: u64);
            => g(b: u64, c: u64, d: u64, e: u64, f: u64)),
        shape!(skips(x):
            a(x: &u64); b(a: &u64, x: &u64); c(b: &u64, a: u64); d(c: u64, x: u64);
            => e(d: u64, b: u64)),
        // Two that have nothing to do with each other until the end; one of them is an N.
        shape!(two_ways(x):
            a(x: &u64); b(x: &u64); c(a: &u64); d(a: &u64, b: &u64); e(c: u64, d: u64);
            f(x: u64); g(f: &u64); h(f: u64); i(g: u64, h: u64);
            => j(e: u64, i: u64)),
        // An N whose parts are diamonds and lines.
        shape!(n_of_more(x):
            a(x: &u64); b(a: u64); c(x: &u64);
            d(b: &u64); e(b: u64, c: &u64); f(c: u64);
            g(d: u64, e: &u64); h(e: u64, f: u64);
            => i(g: u64, h: u64, x: u64)),
        // A crown: each of three waits for two of three.
        shape!(crown(x):
            a(x: u64); b(x: u64); c(x: u64);
            d(a: &u64, b: &u64); e(b: u64, c: &u64); f(c: u64, a: u64);
            => g(d: &u64, e: u64, f: &u64)),
        // Two levels, all to all: rows and columns again.
        shape!(layers(x):
            a(x: u64); b(x: u64);
            c(a: &u64, b: &u64); d(a: &u64, b: u64); e(a: u64, b: u64);
            => f(c: u64, d: u64, e: u64)),
        // Whoever waits for nothing starts with the others.
        shape!(out_of_nothing(x): a(); b(x: &u64, a: u64); c(a: &u64); => d(b: u64, c: u64, x: u64)),
        // A row in which a value from inside meets one from outside.
        shape!(rows(x): a(x: &u64); b(a: &u64, x: &u64); c(x: u64); => d(b: u64, c: u64)),
        // A tangle behind a tangle, through one value.
        shape!(two_tangles(x):
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

    /// When each call begins and ends, if nothing fails; and what the output is.
    fn reckon(&self, play: &Play, x: u64) -> (BTreeMap<&'static str, (u64, u64)>, u64) {
        let mut times: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        let mut values = BTreeMap::from([("x", x)]);
        for (call, arguments) in &self.calls {
            let begun = self.needs(call).map(|need| times[need].1).max().unwrap_or(0);
            times.insert(*call, (begun, begun + play.time(call)));
            let arguments: Vec<_> = arguments.iter().map(|argument| values[argument]).collect();
            values.insert(*call, mix(call, &arguments));
        }
        (times, values[self.calls.last().unwrap().0])
    }

    /// A play in which each call takes some time of its own.
    fn play(&self, rng: &mut fastrand::Rng) -> Play {
        let some_are_ready = rng.bool();
        self.calls.iter().fold(Play::new(), |play, (call, _)| {
            let time = if some_are_ready && rng.bool() { 0 } else { rng.u64(1..100_000) };
            play.with(call, time, Do::Answer)
        })
    }

    async fn run(&self, play: &Play, x: u64) -> Result<u64, pipeline::StageError> {
        self.line.clone().with(play.clone()).run(x).await
    }
}

#[tokio::test(start_paused = true)]
async fn each_call_begins_when_the_last_of_its_values_is_there() {
    let mut rng = fastrand::Rng::with_seed(11);
    for shape in shapes() {
        for x in 0..100 {
            let play = shape.play(&mut rng);
            let output = shape.run(&play, x).await.unwrap();
            let (times, expected) = shape.reckon(&play, x);
            assert_eq!(output, expected, "{}", shape.name);
            let diary = play.diary();
            assert_eq!(diary.len(), shape.calls.len(), "{}: each is called once", shape.name);
            for Entry { stage, begun, over, ended } in diary {
                assert_eq!((begun, over), times[stage], "{}, {stage} in {play:?}", shape.name);
                assert_eq!(ended, Ended::Done);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn when_a_call_fails_or_panics_those_under_way_are_dropped_and_the_others_never_begin() {
    let mut rng = fastrand::Rng::with_seed(12);
    for (shape, act) in shapes().into_iter().zip([Do::Fail, Do::Panic].into_iter().cycle()) {
        for (at, _) in &shape.calls {
            for x in 0..10 {
                // All take a while, and no two end at once.
                let play = shape.calls.iter().fold(Play::new(), |play, (call, _)| {
                    play.with(call, rng.u64(1..100_000), if call == at { act } else { Do::Answer })
                });
                let error = shape.run(&play, x).await.unwrap_err();
                let kind = if act == Do::Fail { ErrorKind::Failed } else { ErrorKind::Panicked };
                assert_eq!((error.stage(), error.kind()), (*at, kind), "{}", shape.name);
                let (times, _) = shape.reckon(&play, x);
                let end = times[at].1;
                let mut expected: Vec<_> =
                    times.iter().filter(|(_, (begun, _))| *begun < end).map(|(call, _)| *call).collect();
                expected.sort_unstable();
                let mut diary = play.diary();
                diary.sort_unstable_by_key(|entry| entry.stage);
                let begun: Vec<_> = diary.iter().map(|entry| entry.stage).collect();
                assert_eq!(begun, expected, "{}: {at} ends at {end} in {times:?}", shape.name);
                for Entry { stage, begun, over, ended } in diary {
                    let (_, done) = times[stage];
                    let how = match act {
                        _ if done < end => Ended::Done,
                        Do::Fail if stage == *at => Ended::Failed,
                        Do::Panic if stage == *at => Ended::Panicked,
                        _ => Ended::Dropped,
                    };
                    assert_eq!((over, ended), (done.min(end), how), "{}: {stage}, begun {begun}", shape.name);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn many_items_at_once_each_have_their_own_values() {
    let mut rng = fastrand::Rng::with_seed(13);
    for shape in shapes() {
        let play = shape.play(&mut rng);
        let line = shape.line.clone().with(play.clone()).concurrency(7);
        let expected: Vec<_> = (0..50).map(|x| shape.reckon(&play, x).1).collect();
        assert_eq!(line.collect(0..50).await.unwrap(), expected, "{}", shape.name);
        let report = line.drain(0..50).await.unwrap();
        assert_eq!(report.stages().len(), shape.calls.len());
        for (stage, (call, _)) in report.stages().iter().zip(&shape.calls) {
            assert_eq!((stage.name(), stage.calls(), stage.outputs()), (*call, 50, 50), "{}", shape.name);
        }
    }
}
