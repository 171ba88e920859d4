//! `batch(n, "linger")`: items in, vectors of them out.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::engine::provenance::{BatchOrigins, Origin, Provenance};
use crate::engine::section::Boundary;
use crate::engine::upstream::{PollBudget, Pulled, Tagged, Upstream};
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::policy::sleep::sleep;
use crate::report::accounting::{RunTotals, SegmentTotals};
use crate::stage::contract::Accepts;
use crate::stage::plan::Plan;

/// `batch(n, "linger")`: items in, vectors of them out. Named as in `pipeline!`, because errors name it.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
pub struct batch {
    pub(crate) step: StepId,
    pub(crate) size: usize,
    pub(crate) linger: Option<Duration>,
}

/// The `batch` of a running line.
pub(crate) struct Batch<U: Upstream> {
    upstream: U,
    settings: batch,
    items: Vec<U::Item>,
    origins: Vec<Origin<U::Root>>,
    /// Failures that stood between the items: they follow the batch.
    failures: VecDeque<(Origin<U::Root>, StageError)>,
    /// Until when the first item may wait for others.
    linger: Option<Pin<Box<Sleep>>>,
    lingers: bool,
    ended: bool,
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
            ended: false,
            items_in: 0,
            items_out: 0,
        }
    }

    /// Takes what is there, up to a batch; and says whether it is time to give it.
    fn fill_batch(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) -> bool {
        while self.items.len() < self.settings.size && !self.ended && budget.take_item() {
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
                Pulled::End => self.ended = true,
            }
        }
        let full = self.items.len() >= self.settings.size || self.ended;
        !self.items.is_empty() && (full || self.has_lingered(budget))
    }

    /// The first item of a batch is there.
    fn start_linger(&mut self) {
        // A batch that is never full should not take the memory of one.
        self.items.reserve(self.settings.size.min(1024));
        let Some(until) = self.settings.linger.and_then(|linger| Instant::now().checked_add(linger)) else {
            return;
        };
        self.lingers = true;
        match &mut self.linger {
            Some(sleep) => sleep.as_mut().reset(until),
            None => self.linger = Some(Box::pin(sleep(until))),
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
            if self.ended {
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
            if let Some(metrics) = budget.run_state.run.metrics(self.settings.step) {
                metrics.waiting.inc();
            }
            budget.run_state.cancel_item(origin.index, totals);
        }
        upstream
    }

    fn add_totals(&self, totals: &mut RunTotals) {
        self.upstream.add_totals(totals);
        totals.segments.push(SegmentTotals::Boundary { items_in: self.items_in, items_out: self.items_out });
    }
}

/// The boundary of so many items, or of those that come within the time.
///
/// # Panics
///
/// If the size is 0, where `pipeline!` could not see it.
#[must_use]
#[track_caller]
pub fn settings(size: usize, linger: Option<Duration>) -> batch {
    assert!(size > 0, "`batch(0)` would never give a batch: 1 makes batches of one item");
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
