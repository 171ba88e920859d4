//! Items on their way through a chain, one after another as long as they are ready at once.
//!
//! Each call of a chain needs a place to wait in, and setting that up costs more than a ready stage. So a lane takes
//! several items at a time, as long as items finish at their first poll. The first that has to wait, or goes wrong,
//! keeps the lane, and those behind it are given back for other lanes.

use std::collections::VecDeque;
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
    pub(crate) rest: Rest<G, In, T>,
    /// Where the rest is given back, should an item have to wait or panic; nowhere, if there is none.
    pub(crate) back: Option<Arc<Back<G, In, T>>>,
    /// Whether the calls are to be watched from their beginning.
    pub(crate) watched: bool,
}

pub(crate) type Back<G, In, T> = Mutex<Rest<G, In, T>>;

/// What came of the items before the one that a lane is busy with, and the items behind it.
pub(crate) struct Rest<G, In, T> {
    pub(crate) done: VecDeque<(G, T)>,
    pub(crate) jobs: VecDeque<Job<G, In>>,
    /// That of the item that the lane is busy with, where the rest was given back.
    pub(crate) tag: Option<G>,
}

/// What came of the item that a lane stopped at, and the rest.
pub(crate) type Gone<G, In, T> = (G, Way<T>, Rest<G, In, T>);

impl<G, In, T> Default for Rest<G, In, T> {
    fn default() -> Self {
        Self { done: VecDeque::new(), jobs: VecDeque::new(), tag: None }
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
        let Chunk { first, rest, back, watched } = chunk;
        let Job { tag, mut input } = first;
        let mut hold = Hold { tag, rest, back };
        loop {
            let item = Item::new(run, hold.tag.origin().index, watched);
            let cx = Scope::new(state, &item);
            let result = if watched {
                let call = Box::pin(stages.__call_watched(input, &cx));
                Leading { call, hold: &mut hold }.await
            } else {
                let call = stages.call(input, &cx);
                Leading { call, hold: &mut hold }.await
            };
            let way = match result {
                Ok(output) if !item.has_extra() => Ok(output),
                other => finished(other, &item),
            };
            match (way, hold.rest.jobs.pop_front()) {
                (Ok(output), Some(next)) => {
                    let tag = std::mem::replace(&mut hold.tag, next.tag);
                    hold.rest.done.push_back((tag, output));
                    input = next.input;
                }
                (way, next) => {
                    if let Some(next) = next {
                        hold.rest.jobs.push_front(next);
                    }
                    return (hold.tag.clone(), way, std::mem::take(&mut hold.rest));
                }
            }
        }
    }
}

/// The rest, which is given back when an item panics.
struct Hold<G: Tag, In, T> {
    /// That of the item which is under way.
    tag: G,
    rest: Rest<G, In, T>,
    back: Option<Arc<Back<G, In, T>>>,
}

impl<G: Tag, In, T> Hold<G, In, T> {
    #[cold]
    fn give_back(&mut self) {
        if let Some(back) = &self.back {
            if !self.rest.done.is_empty() || !self.rest.jobs.is_empty() {
                self.rest.tag = Some(self.tag.clone());
                *back.lock().unwrap_or_else(PoisonError::into_inner) = std::mem::take(&mut self.rest);
            }
        }
    }
}

impl<G: Tag, In, T> Drop for Hold<G, In, T> {
    #[inline]
    fn drop(&mut self) {
        if !self.rest.jobs.is_empty() || !self.rest.done.is_empty() {
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
                if this.hold.back.is_some() {
                    this.hold.give_back();
                }
                Poll::Pending
            }
        }
    }
}
