//! `batch(n, "linger")`: collects items into vectors.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::engine::provenance::{BatchOrigins, Origin, Provenance, Tagged};
use crate::engine::section::Boundary;
use crate::engine::upstream::{PollBudget, Pulled, Upstream};
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::policy::sleep::sleep;
use crate::report::accounting::{RunTotals, SegmentTotals};
use crate::stage::contract::Accepts;
use crate::stage::plan::Plan;

/// The boundary `batch(n, "linger")`, which collects items into vectors. Spelled as in `pipeline!`, because compile errors show
/// this name.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
pub struct batch {
    pub(crate) step: StepId,
    pub(crate) size: usize,
    pub(crate) linger: Option<Duration>,
}

/// The segment of a `batch`.
pub(crate) struct Batch<U: Upstream> {
    upstream: U,
    settings: batch,
    items: Vec<U::Item>,
    origins: Vec<Origin<U::Root>>,
    /// The failures between the items of the current batch. They are emitted after it.
    failures: VecDeque<(Origin<U::Root>, StageError)>,
    /// The timer of the linger time, reused by later batches.
    linger: Option<Pin<Box<Sleep>>>,
    /// Whether the timer is set for the current batch.
    lingers: bool,
    upstream_ended: bool,
    items_in: u64,
    items_out: u64,
}

impl<U: Upstream> Batch<U> {
    pub(crate) fn new(upstream: U, settings: batch) -> Self {
        Self {
            upstream,
            settings,
            items: Vec::new(),
            origins: Vec::new(),
            failures: VecDeque::new(),
            linger: None,
            lingers: false,
            upstream_ended: false,
            items_in: 0,
            items_out: 0,
        }
    }

    /// Pulls the available items, up to a full batch. Returns whether the batch can be emitted.
    fn fill_batch(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) -> bool {
        while self.items.len() < self.settings.size && !self.upstream_ended && budget.take_item() {
            match self.upstream.pull(budget) {
                Pulled::Item(Tagged { provenance, value: Ok(value) }) => {
                    if self.items.is_empty() {
                        self.start_linger();
                    }
                    self.items_in += 1;
                    self.items.push(value);
                    self.origins.push(provenance.origin().clone());
                }
                Pulled::Item(Tagged { provenance, value: Err(error) }) => {
                    self.failures.push_back((provenance.origin().clone(), error));
                    if self.items.is_empty() {
                        return false;
                    }
                }
                Pulled::Pending => break,
                Pulled::End => self.upstream_ended = true,
            }
        }
        let full = self.items.len() >= self.settings.size || self.upstream_ended;
        !self.items.is_empty() && (full || self.has_lingered(budget))
    }

    /// Starts the linger time, at the first item of a batch.
    fn start_linger(&mut self) {
        // Capped: a large batch that is never full must not allocate its whole size.
        self.items.reserve(self.settings.size.min(1024));
        let Some(deadline) = self.settings.linger.and_then(|linger| Instant::now().checked_add(linger))
        else {
            return;
        };
        self.lingers = true;
        match &mut self.linger {
            Some(sleep) => sleep.as_mut().reset(deadline),
            None => self.linger = Some(Box::pin(sleep(deadline))),
        }
    }

    fn has_lingered(&mut self, budget: &PollBudget<'_, '_, U::Root>) -> bool {
        let Some(sleep) = self.linger.as_mut().filter(|_| self.lingers) else { return false };
        sleep.as_mut().poll(&mut budget.cx()).is_ready()
    }
}

impl<U: Upstream> Upstream for Batch<U> {
    type Root = U::Root;
    type Provenance = BatchOrigins<U::Root>;
    type Item = Vec<U::Item>;

    fn wake(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) {
        self.upstream.wake(budget);
    }

    fn pull(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) -> Pulled<Self::Provenance, Self::Item> {
        if self.items.is_empty()
            && let Some((origin, error)) = self.failures.pop_front()
        {
            return Pulled::Item(Tagged { provenance: BatchOrigins::one(origin), value: Err(error) });
        }
        if self.fill_batch(budget) {
            self.lingers = false;
            self.items_out += 1;
            let value = std::mem::take(&mut self.items);
            if let Some(provenance) = BatchOrigins::new(self.origins.drain(..)) {
                return Pulled::Item(Tagged { provenance, value: Ok(value) });
            }
        }
        if self.items.is_empty() {
            if let Some((origin, error)) = self.failures.pop_front() {
                return Pulled::Item(Tagged { provenance: BatchOrigins::one(origin), value: Err(error) });
            }
            if self.upstream_ended {
                return Pulled::End;
            }
        }
        Pulled::Pending
    }

    fn prefetch(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) {
        self.fill_batch(budget);
        self.upstream.prefetch(budget);
    }

    fn shut_down(&mut self, budget: &mut PollBudget<'_, '_, U::Root>, totals: &mut RunTotals) -> Poll<()> {
        let upstream = self.upstream.shut_down(budget, totals);
        self.items.clear();
        for origin in self.origins.drain(..) {
            budget.run_state.cancel_at_boundary(self.settings.step, origin.index, totals);
        }
        upstream
    }

    fn add_totals(&self, totals: &mut RunTotals) {
        self.upstream.add_totals(totals);
        totals.segments.push(SegmentTotals::Boundary { items_in: self.items_in, items_out: self.items_out });
    }
}

/// The boundary `batch(size, linger)`. A batch is emitted when it is full, or `linger` after its first item.
///
/// # Panics
///
/// If `size` is 0. (`pipeline!` rejects a literal 0 at compile time.)
#[must_use]
#[track_caller]
pub fn settings(size: usize, linger: Option<Duration>) -> batch {
    assert!(size > 0, "`batch(0)` would never emit a batch: use 1 for batches of one item");
    batch { step: StepId::NONE, size, linger }
}

impl<In: Send> Accepts<In> for batch {
    type Out = Vec<In>;

    fn __register(&mut self, plan: &mut Plan) {
        self.step = plan.boundary(format!("batch({})", self.size));
    }
}

impl<In: Send> Boundary<In> for batch {
    fn open<U>(&self, upstream: U) -> impl Upstream<Root = U::Root, Item = Vec<In>>
    where
        U: Upstream<Item = In>,
    {
        Batch::new(upstream, *self)
    }
}
