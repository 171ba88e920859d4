//! The events of runs as a stream, for consumers that are async or in another task.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::Stream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::observer::Observer;
use super::outcome::Outcome;
use super::stage_call::StageCall;

use crate::error::failed_attempt::FailedAttempt;
use crate::error::kind::ErrorKind;
use crate::report::run_id::RunId;
use crate::report::summary::Report;

/// An event of a run, as an owned value. See [`events`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// See [`Observer::run_started`].
    RunStarted {
        /// The id of the run.
        run: RunId,
    },
    /// See [`Observer::stage_started`].
    StageStarted {
        /// The id of the run.
        run: RunId,
        /// The position of the item in the source, starting at 0.
        index: usize,
        /// The name of the stage.
        stage: &'static str,
    },
    /// See [`Observer::attempt_failed`].
    AttemptFailed {
        /// The id of the run.
        run: RunId,
        /// The position of the item in the source, starting at 0.
        index: usize,
        /// The name of the stage.
        stage: &'static str,
        /// The number of the attempt, starting at 1.
        attempt: u32,
        /// How it failed: `Failed` or `TimedOut`.
        kind: ErrorKind,
        /// The `Display` text of the attempt's error.
        error: String,
        /// The scheduled wait before the next attempt.
        wait: Duration,
    },
    /// See [`Observer::stage_finished`].
    StageFinished {
        /// The id of the run.
        run: RunId,
        /// The position of the item in the source, starting at 0.
        index: usize,
        /// The name of the stage.
        stage: &'static str,
        /// How the call ended.
        outcome: Outcome,
        /// The duration of the call.
        elapsed: Duration,
    },
    /// See [`Observer::item_finished`].
    ItemFinished {
        /// The id of the run.
        run: RunId,
        /// The position of the item in the source, starting at 0.
        index: usize,
        /// How the item ended.
        outcome: Outcome,
    },
    /// See [`Observer::run_finished`].
    RunFinished {
        /// The id of the run.
        run: RunId,
        /// The report of the run.
        report: Report,
    },
}

/// Creates an observer, and the stream of the events that it observes.
///
/// The channel between them is unbounded: events are buffered until they are read. Once the stream is dropped, further
/// events are discarded. The stream ends when the sender is dropped with all its clones, that is, with the pipelines that it
/// observes and their runs.
///
/// ```
/// use pipeline::{pipeline, stage, events, Event};
///
/// #[stage]
/// async fn double(x: u32) -> u32 {
///     x * 2
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pipeline::Aborted> {
/// let (sender, mut events) = events();
/// let doubled = pipeline![double].observe(sender);
/// doubled.drain(0..2).await?;
/// drop(doubled); // drops the sender, so that the stream ends
/// let mut done = 0;
/// while let Some(event) = events.next().await {
///     if let Event::ItemFinished { .. } = event {
///         done += 1;
///     }
/// }
/// assert_eq!(done, 2);
/// # Ok(()) }
/// ```
#[must_use]
pub fn events() -> (EventSender, Events) {
    let (sender, receiver) = unbounded_channel();
    (EventSender { sender }, Events { receiver })
}

/// The observer that sends to [`Events`]. Created by [`events`]; clones send to the same stream.
#[derive(Debug, Clone)]
pub struct EventSender {
    sender: UnboundedSender<Event>,
}

/// The events of runs, in order, as a `Stream`. Created by [`events`].
#[derive(Debug)]
pub struct Events {
    receiver: UnboundedReceiver<Event>,
}

impl Events {
    /// Returns the next event, or `None` at the end of the stream.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: a dropped call loses no event.
    pub async fn next(&mut self) -> Option<Event> {
        self.receiver.recv().await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.receiver.poll_recv(cx)
    }
}

impl EventSender {
    fn send(&self, event: Event) {
        // The receiver may have been dropped.
        let _ = self.sender.send(event);
    }
}

impl Observer for EventSender {
    fn run_started(&self, run: RunId) {
        self.send(Event::RunStarted { run });
    }

    fn stage_started(&self, call: &StageCall<'_>) {
        self.send(Event::StageStarted { run: call.run_id(), index: call.index(), stage: call.stage() });
    }

    fn attempt_failed(&self, call: &StageCall<'_>, attempt: &FailedAttempt) {
        self.send(Event::AttemptFailed {
            run: call.run_id(),
            index: call.index(),
            stage: call.stage(),
            attempt: attempt.attempt(),
            kind: attempt.kind(),
            error: attempt.error().map(ToString::to_string).unwrap_or_default(),
            wait: attempt.wait(),
        });
    }

    fn stage_finished(&self, call: &StageCall<'_>, outcome: &Outcome, elapsed: Duration) {
        let (run, index, stage) = (call.run_id(), call.index(), call.stage());
        self.send(Event::StageFinished { run, index, stage, outcome: outcome.clone(), elapsed });
    }

    fn item_finished(&self, run: RunId, index: usize, outcome: &Outcome) {
        self.send(Event::ItemFinished { run, index, outcome: outcome.clone() });
    }

    fn run_finished(&self, run: RunId, report: &Report) {
        self.send(Event::RunFinished { run, report: report.clone() });
    }
}
