//! Where the items of a run come from: any iterator as it is, a stream through [`stream`].

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{Stream, StreamExt};

use super::tag::Origin;
use super::upstream::{Account, Packet, Take, Turn, Upstream};
use crate::StageError;
use crate::footing::Place;
use crate::plan::Slot;

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
    type Reading: Pull<In>;

    #[doc(hidden)]
    fn __pull(self) -> Self::Reading;
}

/// A source that is being read.
#[doc(hidden)]
pub trait Pull<In>: Send {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<In>>;
}

impl<In, P: Pull<In>> Pull<In> for &mut P {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<In>> {
        P::poll_next(self, cx)
    }
}

impl<In> Pull<In> for Box<dyn Pull<In> + '_> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<In>> {
        (**self).poll_next(cx)
    }
}

#[doc(hidden)]
pub struct Iterating<I>(I);

impl<I: Iterator + Send> Pull<I::Item> for Iterating<I> {
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
    type Reading = Iterating<I::IntoIter>;

    fn __pull(self) -> Self::Reading {
        Iterating(self.into_iter())
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
pub fn stream<St: Stream>(stream: St) -> Streaming<St> {
    Streaming(stream)
}

/// What [`stream`] gives.
#[derive(Debug)]
pub struct Streaming<St>(St);

#[doc(hidden)]
pub struct Polling<St>(Pin<Box<St>>);

impl<St: Stream + Send> Pull<St::Item> for Polling<St> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<St::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

#[diagnostic::do_not_recommend]
impl<In, St> Source<In> for Streaming<St>
where
    St: Stream<Item = In> + Send,
{
    type Reading = Polling<St>;

    fn __pull(self) -> Self::Reading {
        Polling(Box::pin(self.0))
    }
}

/// The beginning of a running line.
pub(crate) struct Origins<In, P> {
    pull: P,
    /// Between the beginning and the end of a call of the source: if it is set before one, the last one panicked.
    reading: bool,
    ended: bool,
    items: PhantomData<fn() -> In>,
}

impl<In: Send, P: Pull<In>> Origins<In, P> {
    pub(crate) fn new(pull: P) -> Self {
        Self { pull, reading: false, ended: false, items: PhantomData }
    }

    #[cold]
    fn panicked(&mut self, turn: &mut Turn<'_, '_, In>) -> Take<Origin<In>, In> {
        self.ended = true;
        self.reading = false;
        let Some(payload) = turn.books.panic.take() else { return Take::End };
        let place = Place::of("source", Slot::NONE);
        let tag = Origin { index: turn.books.taken, original: None };
        turn.books.taken += 1;
        match turn.books.fail(&tag, StageError::panicked(place, payload)) {
            Some(error) => Take::Item(Packet { tag, value: Err(error) }),
            None => Take::End,
        }
    }
}

impl<In: Send, P: Pull<In>> Upstream for Origins<In, P> {
    type Root = In;
    type Tag = Origin<In>;
    type Item = In;

    fn wake(&mut self, _: &mut Turn<'_, '_, In>) {}

    #[inline]
    fn take(&mut self, turn: &mut Turn<'_, '_, In>) -> Take<Origin<In>, In> {
        if self.reading {
            return self.panicked(turn);
        }
        if self.ended || turn.books.closed {
            return Take::End;
        }
        if turn.books.is_backed_up() {
            return Take::Empty;
        }
        self.reading = true;
        let next = self.pull.poll_next(&mut turn.cx());
        self.reading = false;
        match next {
            Poll::Ready(Some(item)) => {
                let tag = turn.books.enter(&item);
                Take::Item(Packet { tag, value: Ok(item) })
            }
            Poll::Ready(None) => {
                self.ended = true;
                turn.books.exhausted = true;
                Take::End
            }
            Poll::Pending => Take::Empty,
        }
    }

    #[inline]
    fn take_many(
        &mut self,
        turn: &mut Turn<'_, '_, In>,
        most: usize,
        mut each: impl FnMut(Origin<In>, In),
    ) -> Option<Take<Origin<In>, In>> {
        if self.ended || self.reading || turn.books.closed || turn.books.is_backed_up() {
            return Some(self.take(turn));
        }
        self.reading = true;
        let mut cx = turn.cx();
        let mut stopped = None;
        for _ in 0..turn.spend_many(most) {
            match self.pull.poll_next(&mut cx) {
                Poll::Ready(Some(item)) => each(turn.books.enter(&item), item),
                Poll::Ready(None) => {
                    self.ended = true;
                    turn.books.exhausted = true;
                    stopped = Some(Take::End);
                    break;
                }
                Poll::Pending => {
                    stopped = Some(Take::Empty);
                    break;
                }
            }
        }
        self.reading = false;
        stopped
    }

    fn fill(&mut self, _: &mut Turn<'_, '_, In>) {}

    fn close(&mut self, _: &mut Turn<'_, '_, In>, _: &mut Account) -> Poll<()> {
        Poll::Ready(())
    }

    fn report(&self, _: &mut Account) {}
}

/// A single item.
pub(crate) fn once<In: Send>(item: In) -> impl Pull<In> {
    Iterating(std::iter::once(item))
}
