//! Where the items of a run come from: any iterator as it is, a stream through [`stream`].

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{Stream, StreamExt};

use super::provenance::Origin;
use super::upstream::{PollBudget, Pulled, RunTotals, Tagged, Upstream};
use crate::StageError;
use crate::panic_origin::CallSite;
use crate::plan::StepId;

/// Gives the items of a run: any `IntoIterator`, or a `Stream` through [`stream`].
///
/// An iterator is read on the run's own thread, one item at a time, as there is room for it. One that blocks holds that
/// thread up: read it elsewhere and pass the receiving end of a channel as a stream. A panic in it fails the item that it
/// should have given, as of a stage `source`, and ends the source.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not give the `{In}`s that this pipeline takes",
    label = "not a source of `{In}`",
    note = "pass an iterator over `{In}` that is `Send`, such as a `Vec<{In}>`; or a stream of them, `pipeline::source::stream(…)`"
)]
pub trait Source<In> {
    #[doc(hidden)]
    type Poller: PollSource<In>;

    #[doc(hidden)]
    fn __poller(self) -> Self::Poller;
}

/// A source that is being read.
#[doc(hidden)]
pub trait PollSource<In>: Send {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<In>>;
}

impl<In, P: PollSource<In>> PollSource<In> for &mut P {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<In>> {
        P::poll_next(self, cx)
    }
}

impl<In> PollSource<In> for Box<dyn PollSource<In> + '_> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<In>> {
        (**self).poll_next(cx)
    }
}

#[doc(hidden)]
pub struct IterPoller<I>(I);

impl<I: Iterator + Send> PollSource<I::Item> for IterPoller<I> {
    #[inline]
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.0.next())
    }
}

#[diagnostic::do_not_recommend]
impl<In, I> Source<In> for I
where
    I: IntoIterator<Item = In, IntoIter: Send>,
{
    type Poller = IterPoller<I::IntoIter>;

    fn __poller(self) -> Self::Poller {
        IterPoller(self.into_iter())
    }
}

/// A stream as a source.
///
/// ```
/// use pipeline::{pipeline, source};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pipeline::Aborted> {
/// let (send, mut receive) = tokio::sync::mpsc::channel(8);
/// tokio::spawn(async move {
///     for x in 1..=3 {
///         let _ = send.send(x).await;
///     }
/// });
/// let numbers = futures_util::stream::poll_fn(move |cx| receive.poll_recv(cx));
/// let doubled = pipeline![|x: u32| x * 2].collect(source::stream(numbers)).await?;
/// assert_eq!(doubled, [2, 4, 6]);
/// # Ok(()) }
/// ```
pub fn stream<St: Stream>(stream: St) -> StreamSource<St> {
    StreamSource(stream)
}

/// What [`stream`] gives.
#[derive(Debug)]
pub struct StreamSource<St>(St);

#[doc(hidden)]
pub struct StreamPoller<St>(Pin<Box<St>>);

impl<St: Stream + Send> PollSource<St::Item> for StreamPoller<St> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<St::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

#[diagnostic::do_not_recommend]
impl<In, St> Source<In> for StreamSource<St>
where
    St: Stream<Item = In> + Send,
{
    type Poller = StreamPoller<St>;

    fn __poller(self) -> Self::Poller {
        StreamPoller(Box::pin(self.0))
    }
}

/// The beginning of a running line.
pub(crate) struct SourceSegment<In, P> {
    pull: P,
    /// Between the beginning and the end of a call of the source: if it is set before one, the last one panicked.
    reading: bool,
    ended: bool,
    items: PhantomData<fn() -> In>,
}

impl<In: Send, P: PollSource<In>> SourceSegment<In, P> {
    pub(crate) fn new(pull: P) -> Self {
        Self { pull, reading: false, ended: false, items: PhantomData }
    }

    #[cold]
    fn panicked(&mut self, budget: &mut PollBudget<'_, '_, In>) -> Pulled<Origin<In>, In> {
        self.ended = true;
        self.reading = false;
        let Some(payload) = budget.run_state.source_panic.take() else { return Pulled::End };
        let site = CallSite::of("source", StepId::NONE);
        let provenance = Origin { index: budget.run_state.items_in, source_item: None };
        budget.run_state.items_in += 1;
        match budget.run_state.fail_item(&provenance, StageError::panicked(site, payload)) {
            Some(error) => Pulled::Item(Tagged { provenance, value: Err(error) }),
            None => Pulled::End,
        }
    }
}

impl<In: Send, P: PollSource<In>> Upstream for SourceSegment<In, P> {
    type Root = In;
    type Provenance = Origin<In>;
    type Item = In;

    fn wake(&mut self, _: &mut PollBudget<'_, '_, In>) {}

    #[inline]
    fn pull(&mut self, budget: &mut PollBudget<'_, '_, In>) -> Pulled<Origin<In>, In> {
        if self.reading {
            return self.panicked(budget);
        }
        if self.ended || budget.run_state.source_closed {
            return Pulled::End;
        }
        if budget.run_state.is_delivery_full() {
            return Pulled::Pending;
        }
        self.reading = true;
        let next = self.pull.poll_next(&mut budget.cx());
        self.reading = false;
        match next {
            Poll::Ready(Some(item)) => {
                let provenance = budget.run_state.admit(&item);
                Pulled::Item(Tagged { provenance, value: Ok(item) })
            }
            Poll::Ready(None) => {
                self.ended = true;
                budget.run_state.source_exhausted = true;
                Pulled::End
            }
            Poll::Pending => Pulled::Pending,
        }
    }

    #[inline]
    fn pull_many(
        &mut self,
        budget: &mut PollBudget<'_, '_, In>,
        most: usize,
        mut each: impl FnMut(Origin<In>, In),
    ) -> Option<Pulled<Origin<In>, In>> {
        if self.ended || self.reading || budget.run_state.source_closed || budget.run_state.is_delivery_full()
        {
            return Some(self.pull(budget));
        }
        self.reading = true;
        let mut cx = budget.cx();
        let mut stopped = None;
        for _ in 0..budget.take_calls(most) {
            match self.pull.poll_next(&mut cx) {
                Poll::Ready(Some(item)) => each(budget.run_state.admit(&item), item),
                Poll::Ready(None) => {
                    self.ended = true;
                    budget.run_state.source_exhausted = true;
                    stopped = Some(Pulled::End);
                    break;
                }
                Poll::Pending => {
                    stopped = Some(Pulled::Pending);
                    break;
                }
            }
        }
        self.reading = false;
        stopped
    }

    fn prefetch(&mut self, _: &mut PollBudget<'_, '_, In>) {}

    fn shut_down(&mut self, _: &mut PollBudget<'_, '_, In>, _: &mut RunTotals) -> Poll<()> {
        Poll::Ready(())
    }

    fn add_totals(&self, _: &mut RunTotals) {}
}

/// A single item.
pub(crate) fn once<In: Send>(item: In) -> impl PollSource<In> {
    IterPoller(std::iter::once(item))
}
