//! `Pace`: how often a turn reads the clock. `TurnClock`: when a turn is over.

use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};

/// A turn ends after this time. A call that computes for longer ends it when the call returns.
const TURN_LIMIT: Duration = Duration::from_micros(100 * TIME_SCALE);

/// A turn in a run with workers, in a runtime with several threads: other tasks can go on in another thread, and to yield costs
/// a thread of tokio several microseconds.
const WORKER_TURN_LIMIT: Duration = Duration::from_micros(500 * TIME_SCALE);

/// The clock is read about this often.
const CLOCK_INTERVAL: Duration = Duration::from_micros(10 * TIME_SCALE);

/// After this time between two reads, the clock is read once per [`SLOW_CALLS_PER_READ`] calls at least: calls that were slow
/// once may be slow again.
const SLOW_INTERVAL: Duration = Duration::from_micros(1000 * TIME_SCALE);

const SLOW_CALLS_PER_READ: u32 = 8;

/// Instructions are counted on a simulated processor that is about a hundred times slower.
const TIME_SCALE: u64 = if cfg!(pipeline_count_instructions) { 100 } else { 1 };

/// The number of calls between two reads of the clock. It is kept from one turn to the next.
#[derive(Debug)]
pub(super) struct Pace {
    calls_per_read: u32,
    max_calls_per_read: u32,
}

impl Pace {
    /// Begins with a read per call.
    pub(super) fn new(max_calls_per_read: u32) -> Self {
        Self { calls_per_read: 1, max_calls_per_read }
    }

    #[inline]
    pub(super) fn calls_per_read(&self) -> u32 {
        self.calls_per_read
    }

    /// Adapts to the time between the last two reads.
    pub(super) fn adapt(&mut self, interval: Duration) {
        if interval > SLOW_INTERVAL {
            self.max_calls_per_read = SLOW_CALLS_PER_READ;
        }
        if interval > CLOCK_INTERVAL * 2 {
            let fitting = u128::from(self.calls_per_read) * CLOCK_INTERVAL.as_nanos() / interval.as_nanos();
            self.calls_per_read = u32::try_from(fitting).unwrap_or(u32::MAX).max(1);
        } else if interval < CLOCK_INTERVAL {
            self.calls_per_read = (self.calls_per_read * 2).min(self.max_calls_per_read);
        }
    }
}

/// The time of a turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct TurnClock {
    started: Instant,
    last_read: Instant,
    limit: Duration,
}

impl TurnClock {
    #[inline]
    pub(super) fn start(limit: Duration) -> Self {
        let now = Instant::now();
        Self { started: now, last_read: now, limit }
    }

    pub(super) fn last_read(&self) -> Instant {
        self.last_read
    }

    /// Reads the clock. Returns the time since the last read.
    pub(super) fn read(&mut self) -> Duration {
        let now = Instant::now();
        let interval = now - self.last_read;
        self.last_read = now;
        interval
    }

    /// Whether the turn should end, as of the last read.
    pub(super) fn is_over(&self) -> bool {
        self.last_read - self.started > self.limit
    }
}

/// The time limit of a turn of this task, in a run with so many workers.
pub(super) fn turn_limit(workers: usize) -> Duration {
    if workers > 1 && has_several_threads() { WORKER_TURN_LIMIT } else { TURN_LIMIT }
}

/// Whether the tokio runtime of this task has several threads.
pub(super) fn has_several_threads() -> bool {
    Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros * TIME_SCALE)
    }

    #[test]
    fn reads_are_about_ten_microseconds_apart() {
        let mut pace = Pace::new(64);
        let mut reads = Vec::new();
        for call_nanos in [100, 100, 100, 100, 100, 100, 100, 100, 5_000, 5_000, 5_000] {
            reads.push(pace.calls_per_read());
            pace.adapt(Duration::from_nanos(call_nanos * TIME_SCALE) * pace.calls_per_read());
        }
        // A hundred calls of 100 ns would take ten microseconds, and at most 64 are made; then two of five.
        assert_eq!(reads, [1, 2, 4, 8, 16, 32, 64, 64, 64, 2, 2]);
    }

    #[test]
    fn after_a_slow_call_few_calls_are_made_without_a_read() {
        let mut pace = Pace::new(64);
        pace.adapt(micros(1_001));
        for _ in 0..10 {
            pace.adapt(micros(1));
        }
        assert_eq!(pace.calls_per_read(), SLOW_CALLS_PER_READ);
    }
}
