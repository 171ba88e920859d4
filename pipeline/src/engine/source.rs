//! Where the items of a run come from: any iterator as it is, a stream through [`stream`].

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{Stream, StreamExt};

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

impl<In, P: PollSource<In> + ?Sized> PollSource<In> for &mut P {
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

/// A single item.
pub(crate) fn once<In: Send>(item: In) -> impl PollSource<In> {
    IterPoller(std::iter::once(item))
}
