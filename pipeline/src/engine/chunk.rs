//! Items on their way through a chain, one after another as long as they are ready at once.
//!
//! Each call of a chain needs a place to wait in, and setting that up costs more than a ready stage. So a lane takes
//! several items at a time, as long as items finish at their first poll. The first that has to wait, or goes wrong,
//! keeps the lane, and those behind it are given back for other lanes.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::item_result::{ItemResult, item_result};
use super::provenance::Provenance;

use crate::call::stage_context::StageContext;
use crate::run::item::Item;
use crate::run::shared::Run;
use crate::stage::contract::Stage;

/// An item that is to run_chunk through.
pub(crate) struct QueuedItem<G, In> {
    pub(crate) provenance: G,
    pub(crate) input: In,
}

/// Items for one lane.
pub(crate) struct Chunk<G, In, T> {
    pub(crate) first: QueuedItem<G, In>,
    /// Those behind it, and where they are given back, should an item have to wait or panic.
    pub(crate) remainder: Following<G, In, T>,
    /// Whether the calls are to be watched from their beginning.
    pub(crate) observed: bool,
}

/// The rest, if there is one, and where it is given back.
pub(crate) type Following<G, In, T> = Option<(Box<Remainder<G, In, T>>, Arc<ReturnSlot<G, In, T>>)>;

pub(crate) type ReturnSlot<G, In, T> = Mutex<Option<Box<Remainder<G, In, T>>>>;

/// What came of the items before the one that a lane is busy with, and the items behind it.
pub(crate) struct Remainder<G, In, T> {
    /// In order.
    pub(crate) outputs: Vec<(G, T)>,
    /// The next one last.
    pub(crate) items: Vec<QueuedItem<G, In>>,
    /// That of the item that the lane is busy with, where the rest was given back.
    pub(crate) provenance: Option<G>,
}

/// What came of the item that a lane stopped at, and the rest.
pub(crate) type ChunkResult<G, In, T> = (G, ItemResult<T>, Recycled<G, In, T>);

/// A rest, which is worth its memory.
pub(crate) type Recycled<G, In, T> = Option<Box<Remainder<G, In, T>>>;

impl<G, In, T> Default for Remainder<G, In, T> {
    fn default() -> Self {
        Self { outputs: Vec::new(), items: Vec::new(), provenance: None }
    }
}

/// Takes the items of a chunk through, up to the first that goes wrong. Gives what came of that one, or of the last;
/// and the rest.
#[allow(clippy::manual_async_fn)] // An `async fn` would copy its arguments before it begins.
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
            let call = stages.call(input, &cx);
            let output = match (FirstCall { call, guard: &mut guard }).await {
                Ok(output) if !item.has_extra() => output,
                other => match item_result(other, &item) {
                    Ok(output) => output,
                    Err(mishap) => {
                        return (
                            guard.provenance.clone(),
                            Err(mishap),
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

/// Takes one item through whose calls are watched from their beginning.
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
    let result = stages.__call_observed(input, &cx).await;
    (provenance, item_result(result, &item), remainder.map(|(remainder, _)| remainder))
}

/// The rest, which is given back when an item has to wait, or panics.
struct ReturnOnPending<G: Provenance, In, T> {
    /// That of the item which is under way.
    provenance: G,
    remainder: Following<G, In, T>,
}

impl<G: Provenance, In, T> ReturnOnPending<G, In, T> {
    #[cold]
    fn return_remainder(&mut self) {
        if let Some((mut remainder, return_slot)) = self.remainder.take() {
            remainder.provenance = Some(self.provenance.clone());
            *return_slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(remainder);
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
    /// A call with others behind it, which do not wait with it.
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
