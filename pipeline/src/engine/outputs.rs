//! `Outputs`: the results of a run as a stream. The run is a task of its own.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::stream::{FusedStream, Stream};
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};

use super::sinks::Sink;
use super::sync::{Mutex, MutexGuard, lock};

use crate::error::stage_error::StageError;
use crate::report::failure::Failure;
use crate::report::stopped::Stopped;
use crate::report::summary::{Report, ReportSlot};
use crate::run::lock::lock as lock_slot;

/// The results of a run as a `Stream`. Created by [`Pipeline::stream`](crate::Pipeline::stream).
///
/// It yields outputs, and failures in the places of their items. The run is a task of its own: calls in flight continue while
/// nobody reads. No more calls are started once the number of unread results reaches a small multiple of the
/// [`concurrency`](crate::Pipeline::concurrency).
///
/// Dropping it cancels the run.
#[must_use = "a stream that is dropped cancels its run"]
pub struct Outputs<Out> {
    /// Results that were taken from the queue.
    buffered: VecDeque<Result<Out, Failure>>,
    queue: Arc<OutputQueue<Result<Out, Failure>>>,
    task: JoinHandle<Report>,
    report: Option<Report>,
    over: bool,
}

impl<Out: Send + 'static> Outputs<Out> {
    #[track_caller]
    pub(crate) fn new<R>(
        capacity: usize,
        run: impl FnOnce(Arc<OutputQueue<Result<Out, Failure>>>) -> R,
    ) -> Self
    where
        R: Future<Output = Report> + Send + 'static,
    {
        let runtime = Handle::try_current();
        let Ok(runtime) = runtime else {
            panic!("`stream` spawns a tokio task, and there is no tokio runtime here: call it in async code")
        };
        let queue = Arc::new(OutputQueue::new(capacity));
        let task = runtime.spawn(run(Arc::clone(&queue)));
        Self { buffered: VecDeque::new(), queue, task, report: None, over: false }
    }
}

impl<Out> Outputs<Out> {
    /// Returns the next output or failure, or `None` at the end of the run.
    ///
    /// # Errors
    ///
    /// The failure of an item, in the place of its output. In [`Strict`](crate::ErrorMode::Strict) mode the stream ends after the
    /// first. If the tokio runtime of the run is shut down, the last item is an error of kind
    /// [`Cancelled`](crate::ErrorKind::Cancelled) that says so.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: a dropped call loses no result.
    pub async fn next(&mut self) -> Option<Result<Out, Failure>> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Discards the remaining results, and returns the report of the run.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the run.
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
                // The last results may have been pushed since the queue was read.
                self.queue.take(&mut self.buffered, cx);
                match ended.map_err(JoinError::try_into_panic) {
                    Ok(report) => self.report = Some(report),
                    // A panic outside of any stage, such as in a destructor.
                    Err(Ok(payload)) => resume_unwind(payload),
                    Err(Err(_)) => self.end_with_runtime(),
                }
                Poll::Ready(self.buffered.pop_front())
            }
        }
    }
}

impl<Out> Outputs<Out> {
    /// The task of the run was dropped by its runtime.
    #[cold]
    fn end_with_runtime(&mut self) {
        let mut report = lock_slot(&self.queue.report_of_dropped_run).take().unwrap_or_default();
        report.stopped = Some(Stopped::RuntimeShutDown);
        let failure = Failure { index: report.items_in, error: StageError::runtime_shut_down("stream") };
        self.buffered.push_back(Err(failure));
        self.report = Some(report);
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

/// The queue between a run and its reader. Results move in bulk.
pub(crate) struct OutputQueue<T> {
    capacity: usize,
    state: Mutex<QueueState<T>>,
    report_of_dropped_run: ReportSlot,
}

struct QueueState<T> {
    items: VecDeque<T>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl<T> OutputQueue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            state: Mutex::new(QueueState { items: VecDeque::new(), reader: None, writer: None }),
            report_of_dropped_run: ReportSlot::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, QueueState<T>> {
        lock(&self.state)
    }

    /// Moves all results to `buffered`, which must be empty. If there are none, registers the waker and returns false.
    pub(super) fn take(&self, buffered: &mut VecDeque<T>, cx: &mut Context<'_>) -> bool {
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

/// The sink that pushes results to an [`OutputQueue`].
pub(crate) struct QueueSink<T> {
    queue: Arc<OutputQueue<Result<T, Failure>>>,
    /// Whether the run ends at the first failure.
    ends_at_failure: bool,
    /// Results that are not flushed yet.
    items: VecDeque<Result<T, Failure>>,
    /// The number of results that fit into the queue, as of the last flush.
    room: usize,
}

impl<T> QueueSink<T> {
    pub(crate) fn new(queue: Arc<OutputQueue<Result<T, Failure>>>, ends_at_failure: bool) -> Self {
        Self { room: queue.capacity, queue, ends_at_failure, items: VecDeque::new() }
    }
}

impl<T> Sink<T> for QueueSink<T> {
    fn has_room(&mut self, cx: &mut Context<'_>) -> bool {
        if self.items.len() < self.room {
            return true;
        }
        self.flush();
        let mut state = self.queue.state();
        self.room = self.queue.capacity.saturating_sub(state.items.len());
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

    fn report_of_dropped_run(&self) -> Option<ReportSlot> {
        Some(Arc::clone(&self.queue.report_of_dropped_run))
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
        self.room = self.queue.capacity.saturating_sub(state.items.len());
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}
