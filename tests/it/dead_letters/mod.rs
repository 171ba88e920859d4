//! Dead dead_letters: the sinks, and which items they receive.

mod delivery;
#[cfg(feature = "serde")]
mod json_lines;
mod sinks;

use std::sync::{Arc, Mutex};

use pipeline::{DeadLetter, ErrorKind, Report, stage};

use crate::support::Refused;

pub(super) type SharedDeadLetters<In> = Arc<Mutex<Vec<DeadLetter<In>>>>;

/// Refuses the multiples of three, at each attempt.
#[stage(retries = 1, delay = "1ms")]
pub(super) async fn fetch(x: u64) -> Result<u64, Refused> {
    tokio::task::yield_now().await;
    if x.is_multiple_of(3) { Err(Refused(503)) } else { Ok(x) }
}

/// The index and value of each number from `numbers()` that `fetch` refuses.
pub(super) const REFUSED: [(usize, u64); 3] = [(2, 102), (5, 105), (8, 108)];

pub(super) fn numbers() -> std::ops::Range<u64> {
    100..110
}

pub(super) fn check(dead_letters: &[DeadLetter<u64>]) {
    let mut found: Vec<_> = dead_letters.iter().map(|letter| (letter.index, letter.item)).collect();
    found.sort_unstable();
    assert_eq!(found, REFUSED);
    for letter in dead_letters {
        assert_eq!((letter.stage(), letter.attempts()), ("fetch", 2));
        assert_eq!(letter.error.kind(), ErrorKind::Failed);
        assert_eq!(letter.error.downcast_ref(), Some(&Refused(503)));
        assert_eq!(letter.error.failed_attempts().len(), 1);
    }
}

pub(super) fn take_all<In: Clone>(dead_letters: &SharedDeadLetters<In>) -> Vec<DeadLetter<In>> {
    std::mem::take(&mut *dead_letters.lock().unwrap())
}

pub(super) fn adds_up(report: &Report) {
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (10, 7, 3));
    assert_eq!(report.letters_lost(), 0);
}
