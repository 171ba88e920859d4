//! Delivers the dead letters of a run to their sink.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::sink::DeadLetter;
use super::sink::DeadLetters;
use super::sink::Put;

/// The sink of a pipeline, and the function that clones an item for it.
pub(crate) struct DeadLetterConfig<In> {
    pub(crate) sink: Arc<dyn DeadLetters<In>>,
    pub(crate) copy: fn(&In) -> In,
}

impl<In> Clone for DeadLetterConfig<In> {
    fn clone(&self) -> Self {
        Self { sink: Arc::clone(&self.sink), copy: self.copy }
    }
}

/// The dead letters of a run. They are delivered one at a time, in order.
pub(crate) struct DeliveryQueue<'a, In> {
    sink: &'a dyn DeadLetters<In>,
    /// Dead letters that are not yet passed to the sink.
    queue: VecDeque<DeadLetter<In>>,
    /// The delivery in progress, and the index of its item.
    in_progress: Option<(usize, Put<'a>)>,
    /// Wakes the task that drives the run.
    driver: Option<Waker>,
    /// Dead letters that the sink failed to take.
    lost: usize,
}

impl<'a, In> DeliveryQueue<'a, In> {
    pub(crate) fn new(sink: &'a dyn DeadLetters<In>) -> Self {
        Self { sink, queue: VecDeque::new(), in_progress: None, driver: None, lost: 0 }
    }

    /// Queues a dead letter, and wakes the driver so that it is delivered in the next poll.
    ///
    /// Delivery does not wait for the rest of the current poll, in which other items may take long. Without the wake-up
    /// there might be no next poll: the source may be paused until dead letters are delivered.
    pub(crate) fn add(&mut self, letter: DeadLetter<In>) {
        self.queue.push_back(letter);
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }

    /// The number of queued dead letters.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// The number of dead letters that were not delivered. At the end of a run this includes those still in the queue.
    pub(crate) fn lost(&self) -> usize {
        self.lost + self.queue.len() + usize::from(self.in_progress.is_some())
    }

    /// Delivers dead letters until the sink is pending. Returns whether all are delivered.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            if let Some((index, in_progress)) = &mut self.in_progress {
                let index = *index;
                // Unwind safe: the future is dropped after a panic, and the sink is responsible for its own state.
                let delivered = catch_unwind(AssertUnwindSafe(|| in_progress.as_mut().poll(cx)));
                match delivered {
                    Ok(Poll::Pending) => break,
                    Ok(Poll::Ready(Ok(()))) => {}
                    Ok(Poll::Ready(Err(error))) => self.record_lost(index, format_args!("{error}")),
                    Err(_) => self.record_lost(index, format_args!("the sink panicked")),
                }
                self.in_progress = None;
            }
            let Some(letter) = self.queue.pop_front() else { break };
            let index = letter.index;
            let sink = self.sink;
            match catch_unwind(AssertUnwindSafe(|| sink.put(letter))) {
                Ok(in_progress) => self.in_progress = Some((index, in_progress)),
                Err(_) => self.record_lost(index, format_args!("the sink panicked")),
            }
        }
        self.driver = Some(cx.waker().clone());
        self.in_progress.is_none()
    }

    fn record_lost(&mut self, index: usize, reason: std::fmt::Arguments<'_>) {
        self.lost += 1;
        tracing::error!(index, "a dead letter was lost: {reason}");
    }
}
