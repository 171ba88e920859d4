//! The sources of runs: any iterator, or a stream wrapped in [`stream`].

use std::any::type_name;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{Stream, StreamExt};

/// The items of a run: any `IntoIterator`, or a `Stream` wrapped in [`stream`].
///
/// An iterator is read on the task of the run, one item at a time, when there is room for the item. An iterator that blocks
/// also blocks that thread: read it elsewhere, and pass the receiver of a channel as a stream. A panic in a source ends the
/// source, and fails the item that it should have returned, with `source` as the name of the stage. A `Result` that is an `Err`
/// fails the run.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a source of `{In}`, which this pipeline takes",
    label = "not a source of `{In}`",
    note = "pass an iterator over `{In}` that is `Send`, such as a `Vec<{In}>`; or a stream of them, `pipeline::source::stream(…)`",
    note = "items that are only borrowed become owned with `.cloned()`, and a `&str` with `.map(String::from)`"
)]
pub trait Source<In> {
    #[doc(hidden)]
    type Poller: PollSource<In>;

    #[doc(hidden)]
    fn __poller(self) -> Self::Poller;
}

/// A source in use.
#[doc(hidden)]
pub trait PollSource<In>: Send {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<In>>;

    /// The number of items left, if the source knows it without being read.
    fn remaining(&self) -> Option<usize> {
        None
    }

    /// Why no run can have this source.
    fn problem(&self) -> Option<&'static str> {
        None
    }

    /// The iterator, if the source is one.
    fn iterator(&mut self) -> Option<impl Iterator<Item = In>>
    where
        Self: Sized,
    {
        None::<std::iter::Empty<In>>
    }
}

impl<In, P: PollSource<In>> PollSource<In> for &mut P {
    #[inline]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<In>> {
        P::poll_next(self, cx)
    }

    fn remaining(&self) -> Option<usize> {
        P::remaining(self)
    }

    fn problem(&self) -> Option<&'static str> {
        P::problem(self)
    }

    fn iterator(&mut self) -> Option<impl Iterator<Item = In>> {
        P::iterator(self)
    }
}

impl<In> PollSource<In> for &mut (dyn PollSource<In> + '_) {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<In>> {
        (**self).poll_next(cx)
    }

    fn remaining(&self) -> Option<usize> {
        (**self).remaining()
    }

    fn problem(&self) -> Option<&'static str> {
        (**self).problem()
    }
}

impl<In> PollSource<In> for Box<dyn PollSource<In> + '_> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<In>> {
        (**self).poll_next(cx)
    }

    fn remaining(&self) -> Option<usize> {
        (**self).remaining()
    }

    fn problem(&self) -> Option<&'static str> {
        (**self).problem()
    }
}

#[doc(hidden)]
pub struct IterPoller<I>(I);

impl<I: Iterator + Send> PollSource<I::Item> for IterPoller<I> {
    #[inline]
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.0.next())
    }

    fn remaining(&self) -> Option<usize> {
        match self.0.size_hint() {
            (least, Some(most)) if least == most => Some(most),
            _ => None,
        }
    }

    // A `Result` is an iterator too, and its `Err` would be a run without items, which succeeds.
    fn problem(&self) -> Option<&'static str> {
        let is_err = type_name::<I>().starts_with("core::result::") && self.remaining() == Some(0);
        is_err.then_some("it is a `Result`, and an `Err`: handle that before the run, such as with `?`, `drain(read(path)?)`")
    }

    fn iterator(&mut self) -> Option<impl Iterator<Item = I::Item>> {
        Some(&mut self.0)
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

/// Wraps a stream as a source.
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

/// A stream as a source. Created by [`stream`].
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

/// A source of a single item.
pub(crate) fn once<In: Send>(item: In) -> impl PollSource<In> {
    IterPoller(std::iter::once(item))
}
