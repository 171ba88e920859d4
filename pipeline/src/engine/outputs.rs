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

use super::sinks::Sink;

use crate::error::stage_error::StageError;
use crate::report::failure::Failure;
use crate::report::summary::Report;

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
    buffered: VecDeque<Result<Out, Failure>>,
    queue: Arc<OutputQueue<Result<Out, Failure>>>,
    task: JoinHandle<Report>,
    report: Option<Report>,
    over: bool,
}

impl<Out: Send + 'static> Outputs<Out> {
    #[track_caller]
    pub(crate) fn new<R>(room: usize, run: impl FnOnce(Arc<OutputQueue<Result<Out, Failure>>>) -> R) -> Self
    where
        R: Future<Output = Report> + Send + 'static,
    {
        let runtime = Handle::try_current();
        let Ok(runtime) = runtime else {
            panic!(
                "`stream` runs in a task of its own, and there is no tokio runtime here: call it in async code"
            )
        };
        let queue = Arc::new(OutputQueue::new(room));
        let task = runtime.spawn(run(Arc::clone(&queue)));
        Self { buffered: VecDeque::new(), queue, task, report: None, over: false }
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
        if let Some(output) = self.buffered.pop_front() {
            return Poll::Ready(Some(output));
        }
        if self.over {
            return Poll::Ready(None);
        }
        if self.queue.take(&mut self.buffered, cx) {
            return Poll::Ready(self.buffered.pop_front());
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
                self.queue.take(&mut self.buffered, cx);
                Poll::Ready(self.buffered.pop_front())
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
        self.over && self.buffered.is_empty()
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
pub(crate) struct OutputQueue<T> {
    room: usize,
    state: Mutex<QueueState<T>>,
}

struct QueueState<T> {
    items: VecDeque<T>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl<T> OutputQueue<T> {
    fn new(room: usize) -> Self {
        Self { room, state: Mutex::new(QueueState { items: VecDeque::new(), reader: None, writer: None }) }
    }

    fn state(&self) -> MutexGuard<'_, QueueState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all there is into `here`, which is empty; or leaves word where to say that there is something.
    fn take(&self, buffered: &mut VecDeque<T>, cx: &mut Context<'_>) -> bool {
        let mut state = self.state();
        if state.items.is_empty() {
            state.reader = Some(cx.waker().clone());
            return false;
        }
        std::mem::swap(&mut state.items, buffered);
        let writer = state.writer.take();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        true
    }
}

/// Puts results on a shelf.
pub(crate) struct QueueSink<T> {
    queue: Arc<OutputQueue<Result<T, Failure>>>,
    ends_at_failure: bool,
    /// What is to be put there.
    items: VecDeque<Result<T, Failure>>,
    /// How many more there was room for.
    room: usize,
}

impl<T> QueueSink<T> {
    pub(crate) fn new(queue: Arc<OutputQueue<Result<T, Failure>>>, ends_at_failure: bool) -> Self {
        Self { room: queue.room, queue, ends_at_failure, items: VecDeque::new() }
    }
}

impl<T> Sink<T> for QueueSink<T> {
    fn has_room(&mut self, cx: &mut Context<'_>) -> bool {
        if self.items.len() < self.room {
            return true;
        }
        self.flush();
        let mut state = self.queue.state();
        self.room = self.queue.room.saturating_sub(state.items.len());
        if self.room == 0 {
            state.writer = Some(cx.waker().clone());
        }
        self.room > 0
    }

    fn push(&mut self, index: usize, result: Result<T, StageError>) -> bool {
        let failed = result.is_err();
        self.items.push_back(result.map_err(|error| Failure { index, error }));
        failed && self.ends_at_failure
    }

    fn flush(&mut self) {
        if self.items.is_empty() {
            return;
        }
        let mut state = self.queue.state();
        if state.items.is_empty() {
            std::mem::swap(&mut state.items, &mut self.items);
        } else {
            state.items.append(&mut self.items);
        }
        self.room = self.queue.room.saturating_sub(state.items.len());
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}
