//! A neighbour of a run: a task that asks to be woken at each millisecond, and notes how late it is.

use std::time::{Duration, Instant};

use tokio::time::sleep_until;

const TICK: Duration = Duration::from_millis(1);

/// Waits for each millisecond from `start` on, and passes on how late it was woken, until `record` returns false.
///
/// Tokio counts its milliseconds from when the runtime was built, and fires a timer at the first of them that is not before
/// the time asked for. So `start` has to be when the runtime was built: otherwise up to one more millisecond is measured.
pub(crate) async fn tick(start: Instant, mut record: impl FnMut(Duration) -> bool) {
    let mut due = start + TICK;
    loop {
        sleep_until(due.into()).await;
        let late = due.elapsed();
        if !record(late) {
            return;
        }
        // Ticks that were missed are not made up for: the one that was late counts, with all its lateness.
        let missed = late.as_micros() / TICK.as_micros();
        due += TICK * u32::try_from(missed + 1).expect("nothing is late by weeks");
    }
}
