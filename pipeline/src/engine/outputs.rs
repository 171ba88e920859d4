//! The outputs of a run, as a stream: the run goes on in a task of its own.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::stream::{FusedStream, Stream};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::drive::Sink;
use crate::StageError;
use crate::report::{Failure, Report};

/// The outputs of a run: [`Pipeline::stream`](crate::Pipeline::stream) gives them.
///
/// A `Stream` of outputs, and of failures in their places. The run is a task of its own: while nobody reads, what is
/// under way goes on; no more is begun once as many results wait as a small multiple of the
/// [`concurrency`](crate::Pipeline::concurrency).
///
/// Dropping it gives up what is left of the run, and frees it.
#[must_use = "a stream that is dropped cancels its run"]
pub struct Outputs<Out> {
    /// What was taken from the shelf.
    here: VecDeque<Result<Out, Failure>>,
    shelf: Arc<Shelf<Result<Out, Failure>>>,
    task: JoinHandle<Report>,
    report: Option<Report>,
    over: bool,
}

impl<Out: Send + 'static> Outputs<Out> {
    #[track_caller]
    pub(crate) fn new<R>(room: usize, run: impl FnOnce(Arc<Shelf<Result<Out, Failure>>>) -> R) -> Self
    where
        R: Future<Output = Report> + Send + 'static,
    {
        let runtime = Handle::try_current();
        let Ok(runtime) = runtime else {
            panic!(
                "`stream` runs in a task of its own, and there is no tokio runtime here: call it in async code"
            )
        };
        let shelf = Arc::new(Shelf::new(room));
        let task = runtime.spawn(run(Arc::clone(&shelf)));
        Self { here: VecDeque::new(), shelf, task, report: None, over: false }
    }
}

impl<Out> Outputs<Out> {
    /// The next output, or failure; `None` when the run is over.
    ///
    /// # Errors
    ///
    /// The failure of an item, in its place. In [`Strict`](crate::ErrorMode::Strict) mode the stream ends after the first.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: nothing is taken that is not returned.
    pub async fn next(&mut self) -> Option<Result<Out, Failure>> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Waits until the run is over, dropping what else comes out, and gives its report.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up what is left of the run.
    pub async fn report(mut self) -> Report {
        while self.next().await.is_some() {}
        self.report.take().unwrap_or_default()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Out, Failure>>> {
        if let Some(output) = self.here.pop_front() {
            return Poll::Ready(Some(output));
        }
        if self.over {
            return Poll::Ready(None);
        }
        if self.shelf.take(&mut self.here, cx) {
            return Poll::Ready(self.here.pop_front());
        }
        match Pin::new(&mut self.task).poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(ended) => {
                self.over = true;
                match ended {
                    Ok(report) => self.report = Some(report),
                    // A panic outside of any stage: that of somebody's waker, or drop.
                    Err(error) => {
                        if let Ok(payload) = error.try_into_panic() {
                            resume_unwind(payload);
                        }
                    }
                }
                // The last ones may have come just before.
                self.shelf.take(&mut self.here, cx);
                Poll::Ready(self.here.pop_front())
            }
        }
    }
}

impl<Out> Unpin for Outputs<Out> {}

impl<Out> Stream for Outputs<Out> {
    type Item = Result<Out, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx)
    }
}

impl<Out> FusedStream for Outputs<Out> {
    fn is_terminated(&self) -> bool {
        self.over && self.here.is_empty()
    }
}

impl<Out> Drop for Outputs<Out> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<Out> fmt::Debug for Outputs<Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outputs").field("over", &self.over).finish_non_exhaustive()
    }
}

/// Where results wait for whoever reads them. They change hands many at a time.
pub(crate) struct Shelf<T> {
    room: usize,
    contents: Mutex<Contents<T>>,
}

struct Contents<T> {
    items: VecDeque<T>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl<T> Shelf<T> {
    fn new(room: usize) -> Self {
        Self { room, contents: Mutex::new(Contents { items: VecDeque::new(), reader: None, writer: None }) }
    }

    fn contents(&self) -> MutexGuard<'_, Contents<T>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all there is into `here`, which is empty; or leaves word where to say that there is something.
    fn take(&self, here: &mut VecDeque<T>, cx: &mut Context<'_>) -> bool {
        let mut contents = self.contents();
        if contents.items.is_empty() {
            contents.reader = Some(cx.waker().clone());
            return false;
        }
        std::mem::swap(&mut contents.items, here);
        let writer = contents.writer.take();
        drop(contents);
        if let Some(writer) = writer {
            writer.wake();
        }
        true
    }
}

/// Puts results on a shelf.
pub(crate) struct Shelving<T> {
    shelf: Arc<Shelf<Result<T, Failure>>>,
    ends_at_failure: bool,
    /// What is to be put there.
    items: VecDeque<Result<T, Failure>>,
    /// How many more there was room for.
    room: usize,
}

impl<T> Shelving<T> {
    pub(crate) fn new(shelf: Arc<Shelf<Result<T, Failure>>>, ends_at_failure: bool) -> Self {
        Self { room: shelf.room, shelf, ends_at_failure, items: VecDeque::new() }
    }
}

impl<T> Sink<T> for Shelving<T> {
    fn has_room(&mut self, cx: &mut Context<'_>) -> bool {
        if self.items.len() < self.room {
            return true;
        }
        self.flush();
        let mut contents = self.shelf.contents();
        self.room = self.shelf.room.saturating_sub(contents.items.len());
        if self.room == 0 {
            contents.writer = Some(cx.waker().clone());
        }
        self.room > 0
    }

    fn put(&mut self, index: usize, result: Result<T, StageError>) -> bool {
        let failed = result.is_err();
        self.items.push_back(result.map_err(|error| Failure { index, error }));
        failed && self.ends_at_failure
    }

    fn flush(&mut self) {
        if self.items.is_empty() {
            return;
        }
        let mut contents = self.shelf.contents();
        if contents.items.is_empty() {
            std::mem::swap(&mut contents.items, &mut self.items);
        } else {
            contents.items.append(&mut self.items);
        }
        self.room = self.shelf.room.saturating_sub(contents.items.len());
        let reader = contents.reader.take();
        drop(contents);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}
