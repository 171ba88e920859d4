//! `batch(n, "linger")`: collects items into vectors.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::engine::provenance::{BatchOrigins, Origin, Provenance};
use crate::engine::section::Boundary;
use crate::engine::turn::{Payload, Turn};
use crate::engine::upstream::{Downstream, Upstream};
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::policy::sleep::try_sleep;
use crate::report::accounting::{RunTotals, SegmentTotals};
use crate::report::batches_closed::BatchesClosed;
use crate::report::stopped::Stopped;
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
    collected: Collected<U::Root, U::Item>,
    /// The timer of the linger time, reused by later batches.
    linger: Option<Pin<Box<Sleep>>>,
    upstream_ended: bool,
}

/// The items of the current batch.
struct Collected<R, T> {
    settings: batch,
    items: Vec<T>,
    origins: Vec<Origin<R>>,
    /// The failures behind the current batch, at most as many as it has places. They are emitted after it.
    failures: VecDeque<(Origin<R>, StageError)>,
    /// When the batch is emitted although it is not full.
    lingers_until: Option<Instant>,
    /// Whether the timer is set to that time.
    timer_is_set: bool,
    items_in: u64,
    closed: BatchesClosed,
}

impl<U: Upstream> Batch<U> {
    pub(crate) fn new(upstream: U, settings: batch) -> Self {
        let collected = Collected {
            settings,
            items: Vec::new(),
            origins: Vec::new(),
            failures: VecDeque::new(),
            lingers_until: None,
            timer_is_set: false,
            items_in: 0,
            closed: BatchesClosed::default(),
        };
        Self { upstream, collected, linger: None, upstream_ended: false }
    }

    /// Whether the linger time of the current batch is over. If not, the task is woken when it is.
    fn has_lingered(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> bool {
        let collected = &mut self.collected;
        let Some(until) = collected.lingers_until else { return false };
        let timer = match &mut self.linger {
            Some(timer) => {
                if !collected.timer_is_set {
                    timer.as_mut().reset(until);
                }
                timer
            }
            None => match try_sleep(until) {
                Ok(timer) => self.linger.insert(Box::pin(timer)),
                Err(problem) => {
                    let error = StageError::unusable(
                        "batch",
                        format!("the batch has a linger time, which {problem}"),
                    );
                    turn.abort_with(Stopped::AtFailure, error);
                    return false;
                }
            },
        };
        collected.timer_is_set = true;
        timer.as_mut().poll(&mut turn.cx()).is_ready()
    }
}

impl<R: Send, T> Collected<R, T> {
    /// Whether the current batch takes another item, or a failure behind it.
    #[inline]
    fn has_room(&self) -> bool {
        let size = self.settings.size;
        self.items.len() < size
            && self.failures.len() < size
            && (self.failures.is_empty() || !self.items.is_empty())
    }

    /// Pushes the current batch, and the failures behind it. There must be an item, and room downstream. Counts the reason.
    fn emit<D>(
        &mut self,
        turn: &mut Turn<'_, '_, R>,
        downstream: &mut D,
        reason: impl FnOnce(&mut BatchesClosed) -> &mut usize,
    ) where
        D: Downstream<BatchOrigins<R>, Vec<T>>,
    {
        self.lingers_until = None;
        let items = std::mem::take(&mut self.items);
        if let Some(provenance) = BatchOrigins::new(self.origins.drain(..)) {
            *reason(&mut self.closed) += 1;
            downstream.push(turn, provenance, Ok(items));
        }
        self.emit_failures(turn, downstream);
    }

    /// Pushes the failures that no batch is before, as long as there is room.
    #[inline]
    fn emit_failures<D>(&mut self, turn: &mut Turn<'_, '_, R>, downstream: &mut D)
    where
        D: Downstream<BatchOrigins<R>, Vec<T>>,
    {
        while self.items.is_empty()
            && downstream.has_room()
            && let Some((origin, error)) = self.failures.pop_front()
        {
            downstream.push_rarely(turn, BatchOrigins::one(origin), Err(error));
        }
    }

    /// The first item of a batch.
    #[cold]
    #[inline(never)]
    fn open_batch(&mut self) {
        // Capped: a large batch that is never full must not allocate its whole size.
        self.items.reserve(self.settings.size.min(1024));
        self.lingers_until = self.settings.linger.and_then(|linger| Instant::now().checked_add(linger));
        self.timer_is_set = false;
    }
}

/// Collects the items that the segment before pushes.
struct Intake<'s, R, T, D> {
    collected: &'s mut Collected<R, T>,
    downstream: &'s mut D,
}

impl<G, T, D> Downstream<G, T> for Intake<'_, G::Root, T, D>
where
    G: Provenance<Root: Send>,
    D: Downstream<BatchOrigins<G::Root>, Vec<T>>,
{
    #[inline]
    fn has_room(&self) -> bool {
        self.collected.has_room()
    }

    #[allow(clippy::inline_always)] // Once in each segment before it; see `push_rarely`.
    #[inline(always)]
    fn push(
        &mut self,
        turn: &mut Turn<'_, '_, G::Root>,
        provenance: G,
        value: Result<T, StageError>,
    ) -> bool {
        let collected = &mut *self.collected;
        match value {
            Ok(item) => {
                if collected.items.is_empty() {
                    collected.open_batch();
                }
                collected.items_in += 1;
                collected.items.push(item);
                collected.origins.push(provenance.origin().clone());
                if collected.items.len() == collected.settings.size && self.downstream.can_start() {
                    collected.emit(turn, self.downstream, |closed| &mut closed.full);
                }
            }
            Err(error) => {
                collected.failures.push_back((provenance.origin().clone(), error));
                // In a run that ends with this failure, what is before it goes first and at once. The same if no more
                // failures can wait.
                let emits = turn.run_state.ends_in_order() || !collected.has_room();
                if emits && !collected.items.is_empty() && self.downstream.has_room() {
                    collected.emit(turn, self.downstream, |closed| &mut closed.failure);
                }
                collected.emit_failures(turn, self.downstream);
            }
        }
        collected.has_room()
    }
}

impl<U: Upstream> Upstream for Batch<U> {
    type Root = U::Root;
    type Provenance = BatchOrigins<U::Root>;
    type Item = Vec<U::Item>;

    #[inline]
    fn advance<D>(&mut self, turn: &mut Turn<'_, '_, U::Root>, downstream: &mut D) -> bool
    where
        D: Downstream<Self::Provenance, Self::Item>,
    {
        self.collected.emit_failures(turn, downstream);
        // A batch goes on growing while the step behind it is busy.
        if !self.collected.items.is_empty() && downstream.can_start() {
            if self.collected.items.len() >= self.collected.settings.size {
                self.collected.emit(turn, downstream, |closed| &mut closed.full);
            } else if !self.collected.has_room() {
                self.collected.emit(turn, downstream, |closed| &mut closed.failure);
            } else if self.has_lingered(turn) {
                self.collected.emit(turn, downstream, |closed| &mut closed.linger);
            }
        }
        if !self.upstream_ended {
            let mut intake = Intake { collected: &mut self.collected, downstream };
            self.upstream_ended = self.upstream.advance(turn, &mut intake);
        }
        let collected = &mut self.collected;
        if self.upstream_ended && !collected.items.is_empty() && downstream.has_room() {
            let stopped = turn.run_state.stopped.is_some();
            collected.emit(
                turn,
                downstream,
                |closed| if stopped { &mut closed.stop } else { &mut closed.end },
            );
        }
        let ended = self.upstream_ended && collected.items.is_empty() && collected.failures.is_empty();
        if !turn.exhausted
            && !collected.items.is_empty()
            && !collected.timer_is_set
            && self.has_lingered(turn)
        {
            // The linger time is shorter than the turn.
            turn.exhausted = true;
        }
        ended
    }

    #[cold]
    fn on_panic(&mut self, turn: &mut Turn<'_, '_, U::Root>, payload: Payload) -> Option<Payload> {
        self.upstream.on_panic(turn, payload)
    }

    fn shut_down(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> Poll<()> {
        let upstream = self.upstream.shut_down(turn);
        let Collected { settings, items, origins, failures, .. } = &mut self.collected;
        items.clear();
        failures.clear();
        for origin in origins.drain(..) {
            turn.run_state.cancel_at_boundary(settings.step, &origin);
        }
        upstream
    }

    fn add_totals(&self, totals: &mut RunTotals) {
        self.upstream.add_totals(totals);
        let Collected { items_in, closed, .. } = self.collected;
        totals.segments.push(SegmentTotals::Batch { items_in, closed });
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
