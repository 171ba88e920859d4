//! `Swept`: what a [sweep](super::sweep) did. How the sinks take its outputs.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::turn::Payload;

use crate::error::stage_error::StageError;

/// What a sweep did.
pub struct Swept {
    /// The number of items that reached the sink.
    pub(crate) items: usize,
    pub(crate) end: SweepEnd,
}

/// What ended a sweep.
pub(crate) enum SweepEnd {
    /// The iterator ended.
    Through,
    /// The next item failed.
    Failed(StageError),
    /// A panic that no stage is known to have caused.
    Panicked(Payload),
}

/// At most so many bytes are reserved for outputs that are expected: an iterator may promise more than it has.
const MAX_RESERVED: usize = 1 << 22;

/// Extends the outputs.
pub(super) fn collect<T>(outputs: &mut Vec<T>, more: impl Iterator<Item = T>, expected: usize) -> Swept {
    let before = outputs.len();
    let result = catch_unwind(AssertUnwindSafe(|| {
        // The iterator and the stages are user code, and both may panic: what came before is kept.
        if outputs.capacity() == before {
            outputs.reserve(expected.min(MAX_RESERVED / size_of::<T>().max(1)));
        }
        outputs.extend(more);
    }));
    Swept::new(outputs.len() - before, result)
}

/// Drops the outputs.
pub(super) fn discard<T>(outputs: impl Iterator<Item = T>) -> Swept {
    let (mut dropped, mut panicked_in_drop) = (0, false);
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut tally =
            Tally { count: 0, total: &mut dropped, dropping: false, panicked: &mut panicked_in_drop };
        outputs.for_each(|output| {
            tally.dropping = true;
            drop(output);
            tally.dropping = false;
            tally.count += 1;
        });
    }));
    match result {
        // A panic in the destructor of an output is none of its item.
        Err(payload) if panicked_in_drop => resume_unwind(payload),
        result => Swept::new(dropped, result),
    }
}

/// Counts in a local variable, and stores the count at the end or in a panic.
struct Tally<'t> {
    count: usize,
    total: &'t mut usize,
    dropping: bool,
    panicked: &'t mut bool,
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        *self.total = self.count;
        *self.panicked = self.dropping;
    }
}

impl Swept {
    fn new(items: usize, result: Result<(), Payload>) -> Self {
        let end = match result {
            Ok(()) => SweepEnd::Through,
            Err(payload) => SweepEnd::Panicked(payload),
        };
        Self { items, end }
    }
}
