//! Runs a chunk of items through a chain of stages in one call, as long as each item finishes at its first poll.
//!
//! Each call in flight needs a slot, and setting one up costs more than a stage that is ready at once. So one call takes
//! several items. The first item that is pending or fails keeps the slot; unstarted items return to the queue.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::item_result::{ItemResult, item_result};
use super::provenance::Provenance;
use crate::call::observe::{Observed, Unobserved};

use crate::call::stage_context::StageContext;
use crate::run::item::Item;
use crate::run::lock::lock;
use crate::run::shared::Run;
use crate::stage::contract::Stage;

/// An item that was pulled and not started.
pub(crate) struct QueuedItem<G, In> {
    pub(crate) provenance: G,
    pub(crate) input: In,
}

/// The items for one call.
pub(crate) struct Chunk<G, In, T> {
    pub(crate) first: QueuedItem<G, In>,
    /// The items after the first; `None` if there are none.
    pub(crate) remainder: SharedRemainder<G, In, T>,
    /// Whether the calls are timed from their start, and reported to observers.
    pub(crate) observed: bool,
}

/// The rest of a chunk, and the slot to return it through when an item is pending or panics.
pub(crate) type SharedRemainder<G, In, T> = Option<(Box<Remainder<G, In, T>>, Arc<ReturnSlot<G, In, T>>)>;

/// Where a call that is still in flight puts the rest of its chunk.
pub(crate) type ReturnSlot<G, In, T> = Mutex<Option<Box<Remainder<G, In, T>>>>;

/// The outputs of the items before the current one, and the items after it.
pub(crate) struct Remainder<G, In, T> {
    /// In the order of the items.
    pub(crate) outputs: Vec<(G, T)>,
    /// In reverse order.
    pub(crate) items: Vec<QueuedItem<G, In>>,
    /// The provenance of the current item, set when the rest is put into the return slot.
    pub(crate) provenance: Option<G>,
}

/// The result of the item that the call stopped at, and the rest of the chunk.
pub(crate) type ChunkResult<G, In, T> = (G, ItemResult<T>, Recycled<G, In, T>);

/// A `Remainder` whose allocations are reused.
pub(crate) type Recycled<G, In, T> = Option<Box<Remainder<G, In, T>>>;

impl<G, In, T> Default for Remainder<G, In, T> {
    fn default() -> Self {
        Self { outputs: Vec::new(), items: Vec::new(), provenance: None }
    }
}

/// Runs the items of a chunk in order, up to the first failure. Returns the result of the failed or last item, and the rest
/// of the chunk.
#[allow(clippy::manual_async_fn)] // An `async fn` would copy its arguments before it starts.
#[inline]
pub(crate) fn run_chunk<'a, G, In, F, S>(
    stages: &'a F,
    chunk: Chunk<G, In, F::Out>,
    state: &'a Arc<S>,
    run: &'a Run<'a>,
) -> impl Future<Output = ChunkResult<G, In, F::Out>> + Send + use<'a, G, In, F, S>
where
    G: Provenance,
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    async move {
        let Chunk { first: QueuedItem { provenance, mut input }, remainder, .. } = chunk;
        let mut guard = ReturnOnPending { provenance, remainder };
        loop {
            let item = Item::new(run, guard.provenance.origin().index, false);
            let cx = StageContext::new(state, &item);
            let call = stages.__call(Unobserved, input, &cx);
            let output = match (FirstCall { call, guard: &mut guard }).await {
                Ok(output) if !item.has_extra() => output,
                other => match item_result(other, &item) {
                    Ok(output) => output,
                    Err(failure) => {
                        return (
                            guard.provenance.clone(),
                            Err(failure),
                            guard.remainder.take().map(|(remainder, _)| remainder),
                        );
                    }
                },
            };
            if let Some((remainder, _)) = &mut guard.remainder
                && let Some(next) = remainder.items.pop()
            {
                remainder.outputs.push((std::mem::replace(&mut guard.provenance, next.provenance), output));
                input = next.input;
                continue;
            }
            return (
                guard.provenance.clone(),
                Ok(output),
                guard.remainder.take().map(|(remainder, _)| remainder),
            );
        }
    }
}

/// Runs one item whose calls are timed from their start, and reported to observers.
pub(crate) async fn run_observed<G, In, F, S>(
    stages: &F,
    chunk: Chunk<G, In, F::Out>,
    state: &Arc<S>,
    run: &Run<'_>,
) -> ChunkResult<G, In, F::Out>
where
    G: Provenance,
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    let Chunk { first: QueuedItem { provenance, input }, remainder, .. } = chunk;
    let item = Item::new(run, provenance.origin().index, true);
    let cx = StageContext::new(state, &item);
    let result = stages.__call(Observed, input, &cx).await;
    (provenance, item_result(result, &item), remainder.map(|(remainder, _)| remainder))
}

/// The rest of a chunk. It is put into the return slot when an item is pending, panics or is dropped.
struct ReturnOnPending<G: Provenance, In, T> {
    /// The provenance of the current item.
    provenance: G,
    remainder: SharedRemainder<G, In, T>,
}

impl<G: Provenance, In, T> ReturnOnPending<G, In, T> {
    #[cold]
    fn return_remainder(&mut self) {
        if let Some((mut remainder, return_slot)) = self.remainder.take() {
            remainder.provenance = Some(self.provenance.clone());
            *lock(&return_slot) = Some(remainder);
        }
    }
}

impl<G: Provenance, In, T> Drop for ReturnOnPending<G, In, T> {
    #[inline]
    fn drop(&mut self) {
        if self.remainder.is_some() {
            self.return_remainder();
        }
    }
}

pin_project! {
    /// The call of the current item. When it returns `Pending`, the rest of the chunk is put into the return slot.
    struct FirstCall<'c, C, G: Provenance, In, T> {
        #[pin]
        call: C,
        guard: &'c mut ReturnOnPending<G, In, T>,
    }
}

impl<C: Future, G: Provenance, In, T> Future for FirstCall<'_, C, G, In, T> {
    type Output = C::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.call.poll(cx) {
            Poll::Ready(output) => Poll::Ready(output),
            Poll::Pending => {
                if this.guard.remainder.is_some() {
                    this.guard.return_remainder();
                }
                Poll::Pending
            }
        }
    }
}
