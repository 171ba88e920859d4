//! The benches stand beside this file, one a question: see the README.
//!
//! Those whose runs are too long for criterion share the [`Contest`]: all sides take turns, round after round, so that
//! whatever disturbs the machine disturbs them alike; what counts is the ratio within a round.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// Sides that do equal work, the first of which the others are held against.
pub struct Contest<'a, T> {
    name: &'static str,
    items: u32,
    sides: Vec<Side<'a, T>>,
}

struct Side<'a, T> {
    name: &'static str,
    mark: Option<Mark>,
    run: Box<dyn FnMut() -> T + 'a>,
    times: Vec<f64>,
}

/// What is asked of a side, as the first one is held against it.
#[derive(Clone, Copy, Debug)]
pub enum Mark {
    /// The side takes at least so many times as long as the first.
    Ratio(f64),
    /// The side takes at most so many times as long as the first.
    Within(f64),
    /// An item takes at most so many nanoseconds more than with the first.
    Extra(f64),
}

impl<'a, T: PartialEq + Debug> Contest<'a, T> {
    /// A contest over so many items.
    #[must_use]
    pub fn new(name: &'static str, items: u32) -> Self {
        Self { name, items, sides: Vec::new() }
    }

    /// The side that the others are held against, or one without a mark.
    #[must_use]
    pub fn side(self, name: &'static str, run: impl FnMut() -> T + 'a) -> Self {
        self.add(name, None, run)
    }

    /// A side with a mark.
    #[must_use]
    pub fn marked(self, name: &'static str, mark: Mark, run: impl FnMut() -> T + 'a) -> Self {
        self.add(name, Some(mark), run)
    }

    fn add(mut self, name: &'static str, mark: Option<Mark>, run: impl FnMut() -> T + 'a) -> Self {
        self.sides.push(Side { name, mark, run: Box::new(run), times: Vec::new() });
        self
    }

    /// Lets the sides take turns, once to warm up and `rounds` times for the clock, and prints what came of it: the
    /// median and the least time per item, the median of the ratios within a round, and its distance from the mark.
    ///
    /// # Panics
    ///
    /// If two sides do not give the same.
    pub fn run(mut self, rounds: usize) {
        let mut expected = None;
        for round in 0..=rounds {
            for side in &mut self.sides {
                let (took, result) = timed(&mut side.run);
                if round > 0 {
                    side.times.push(took.as_secs_f64() * 1e9 / f64::from(self.items));
                }
                let expected = expected.get_or_insert(result);
                assert!(round > 0 || *expected == (side.run)(), "{} does other work", side.name);
            }
        }
        self.print();
    }

    fn print(&self) {
        println!("\n{} ({} items)", self.name, self.items);
        let ours = &self.sides[0].times;
        for Side { name, mark, times, .. } in &self.sides {
            let ratio = median(times.iter().zip(ours).map(|(theirs, ours)| theirs / ours));
            let extra = median(times.iter().zip(ours).map(|(theirs, ours)| theirs - ours));
            let verdict = match *mark {
                None => String::new(),
                Some(Mark::Ratio(least)) => format!("  mark {least} ×{}", missed(ratio < least)),
                Some(Mark::Within(most)) => format!("  mark {most} ×{}", missed(ratio > most)),
                Some(Mark::Extra(most)) => {
                    format!("  {extra:+.1} ns, mark {most} ns{}", missed(extra > most))
                }
            };
            let (median, least) =
                (median(times.iter().copied()), times.iter().copied().fold(f64::MAX, f64::min));
            println!("  {name:<32} {median:>10.1} ns  (least {least:>8.1}) {ratio:>8.2} ×{verdict}");
        }
    }
}

fn missed(missed: bool) -> &'static str {
    if missed { ": missed" } else { "" }
}

/// How long a call takes, and what it gives.
pub fn timed<T>(call: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = call();
    (start.elapsed(), result)
}

/// The one in the middle.
///
/// # Panics
///
/// If there is none.
#[must_use]
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
