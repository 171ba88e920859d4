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

use super::one::{Way, finished};
use super::tag::Tag;
use crate::item::Item;
use crate::run::Run;
use crate::{Scope, Stage};

/// An item that is to go through.
pub(crate) struct Job<G, In> {
    pub(crate) tag: G,
    pub(crate) input: In,
}

/// Items for one lane.
pub(crate) struct Chunk<G, In, T> {
    pub(crate) first: Job<G, In>,
    /// Those behind it, and where they are given back, should an item have to wait or panic.
    pub(crate) rest: Behind<G, In, T>,
    /// Whether the calls are to be watched from their beginning.
    pub(crate) watched: bool,
}

/// The rest, if there is one, and where it is given back.
pub(crate) type Behind<G, In, T> = Option<(Box<Rest<G, In, T>>, Arc<Back<G, In, T>>)>;

pub(crate) type Back<G, In, T> = Mutex<Option<Box<Rest<G, In, T>>>>;

/// What came of the items before the one that a lane is busy with, and the items behind it.
pub(crate) struct Rest<G, In, T> {
    /// In order.
    pub(crate) done: Vec<(G, T)>,
    /// The next one last.
    pub(crate) jobs: Vec<Job<G, In>>,
    /// That of the item that the lane is busy with, where the rest was given back.
    pub(crate) tag: Option<G>,
}

/// What came of the item that a lane stopped at, and the rest.
pub(crate) type Gone<G, In, T> = (G, Way<T>, Spare<G, In, T>);

/// A rest, which is worth its memory.
pub(crate) type Spare<G, In, T> = Option<Box<Rest<G, In, T>>>;

impl<G, In, T> Default for Rest<G, In, T> {
    fn default() -> Self {
        Self { done: Vec::new(), jobs: Vec::new(), tag: None }
    }
}

/// Takes the items of a chunk through, up to the first that goes wrong. Gives what came of that one, or of the last;
/// and the rest.
#[allow(clippy::manual_async_fn)] // An `async fn` would copy its arguments before it begins.
#[inline]
pub(crate) fn go<'a, G, In, F, S>(
    stages: &'a F,
    chunk: Chunk<G, In, F::Out>,
    state: &'a Arc<S>,
    run: &'a Run<'a>,
) -> impl Future<Output = Gone<G, In, F::Out>> + Send + use<'a, G, In, F, S>
where
    G: Tag,
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    async move {
        let Chunk { first: Job { tag, mut input }, rest, .. } = chunk;
        let mut hold = Hold { tag, rest };
        loop {
            let item = Item::new(run, hold.tag.origin().index, false);
            let cx = Scope::new(state, &item);
            let call = stages.call(input, &cx);
            let output = match (Leading { call, hold: &mut hold }).await {
                Ok(output) if !item.has_extra() => output,
                other => match finished(other, &item) {
                    Ok(output) => output,
                    Err(mishap) => {
                        return (hold.tag.clone(), Err(mishap), hold.rest.take().map(|(rest, _)| rest));
                    }
                },
            };
            if let Some((rest, _)) = &mut hold.rest
                && let Some(next) = rest.jobs.pop()
            {
                rest.done.push((std::mem::replace(&mut hold.tag, next.tag), output));
                input = next.input;
                continue;
            }
            return (hold.tag.clone(), Ok(output), hold.rest.take().map(|(rest, _)| rest));
        }
    }
}

/// Takes one item through whose calls are watched from their beginning.
pub(crate) async fn go_watched<G, In, F, S>(
    stages: &F,
    chunk: Chunk<G, In, F::Out>,
    state: &Arc<S>,
    run: &Run<'_>,
) -> Gone<G, In, F::Out>
where
    G: Tag,
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    let Chunk { first: Job { tag, input }, rest, .. } = chunk;
    let item = Item::new(run, tag.origin().index, true);
    let cx = Scope::new(state, &item);
    let result = stages.__call_watched(input, &cx).await;
    (tag, finished(result, &item), rest.map(|(rest, _)| rest))
}

/// The rest, which is given back when an item has to wait, or panics.
struct Hold<G: Tag, In, T> {
    /// That of the item which is under way.
    tag: G,
    rest: Behind<G, In, T>,
}

impl<G: Tag, In, T> Hold<G, In, T> {
    #[cold]
    fn give_back(&mut self) {
        if let Some((mut rest, back)) = self.rest.take() {
            rest.tag = Some(self.tag.clone());
            *back.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
        }
    }
}

impl<G: Tag, In, T> Drop for Hold<G, In, T> {
    #[inline]
    fn drop(&mut self) {
        if self.rest.is_some() {
            self.give_back();
        }
    }
}

pin_project! {
    /// A call with others behind it, which do not wait with it.
    struct Leading<'c, C, G: Tag, In, T> {
        #[pin]
        call: C,
        hold: &'c mut Hold<G, In, T>,
    }
}

impl<C: Future, G: Tag, In, T> Future for Leading<'_, C, G, In, T> {
    type Output = C::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.call.poll(cx) {
            Poll::Ready(output) => Poll::Ready(output),
            Poll::Pending => {
                if this.hold.rest.is_some() {
                    this.hold.give_back();
                }
                Poll::Pending
            }
        }
    }
}
