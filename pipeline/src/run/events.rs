//! What happens in runs, as a stream: for consumers that are async, or elsewhere.

use futures_util::stream::Stream;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::observer::Observer;
use super::outcome::End;
use super::outcome::Outcome;
use super::stage_call::StageCall;
use crate::error::failed_attempt::FailedAttempt;
use crate::error::kind::ErrorKind;
use crate::report::run_id::RunId;
use crate::report::summary::Report;

/// Something that happened in a run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// See [`Observer::run_started`].
    RunStarted {
        /// The run.
        run: RunId,
    },
    /// See [`Observer::stage_started`].
    StageStarted {
        /// The run.
        run: RunId,
        /// The position of the item in the source.
        index: usize,
        /// The name of the stage.
        stage: &'static str,
    },
    /// See [`Observer::attempt_failed`].
    AttemptFailed {
        /// The run.
        run: RunId,
        /// The position of the item in the source.
        index: usize,
        /// The name of the stage.
        stage: &'static str,
        /// Which attempt it was; the first is 1.
        attempt: u32,
        /// Failed, or timed out.
        kind: ErrorKind,
        /// What the attempt said.
        error: String,
        /// The wait before the next.
        wait: Duration,
    },
    /// See [`Observer::stage_finished`].
    StageFinished {
        /// The run.
        run: RunId,
        /// The position of the item in the source.
        index: usize,
        /// The name of the stage.
        stage: &'static str,
        /// How it ended.
        end: End,
        /// How long it took.
        elapsed: Duration,
    },
    /// See [`Observer::item_finished`].
    ItemFinished {
        /// The run.
        run: RunId,
        /// The position of the item in the source.
        index: usize,
        /// How it ended.
        end: End,
    },
    /// See [`Observer::run_finished`].
    RunFinished {
        /// The run.
        run: RunId,
        /// What came of it.
        report: Report,
    },
}

/// An observer, and the stream of what it sees.
///
/// Events wait without limit until they are read; those that nobody will read any more, as the stream was dropped, are
/// dropped. The stream ends when the pipelines that are observed, and their runs, are gone.
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
/// let line = pipeline![double].observe(sender);
/// line.drain(0..2).await?;
/// drop(line);
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

/// The observer that feeds [`Events`].
#[derive(Debug, Clone)]
pub struct EventSender {
    sender: UnboundedSender<Event>,
}

/// What happens in runs, in order: a `Stream`.
#[derive(Debug)]
pub struct Events {
    receiver: UnboundedReceiver<Event>,
}

impl Events {
    /// The next event; `None` when there will be none.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: nothing is taken that is not returned.
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
        // Nobody has to listen.
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

    fn stage_finished(&self, call: &StageCall<'_>, outcome: &Outcome<'_>, elapsed: Duration) {
        let (run, index, stage) = (call.run_id(), call.index(), call.stage());
        self.send(Event::StageFinished { run, index, stage, end: outcome.into(), elapsed });
    }

    fn item_finished(&self, run: RunId, index: usize, outcome: &Outcome<'_>) {
        self.send(Event::ItemFinished { run, index, end: outcome.into() });
    }

    fn run_finished(&self, run: RunId, report: &Report) {
        self.send(Event::RunFinished { run, report: report.clone() });
    }
}
