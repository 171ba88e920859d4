//! The letters of a run, on their way to the sink.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::sink::DeadLetter;
use super::sink::DeadLetters;
use super::sink::Put;

/// The sink of a pipeline, and how an item is copied for it.
pub(crate) struct DeadLetterConfig<In> {
    pub(crate) sink: Arc<dyn DeadLetters<In>>,
    pub(crate) copy: fn(&In) -> In,
}

impl<In> Clone for DeadLetterConfig<In> {
    fn clone(&self) -> Self {
        Self { sink: Arc::clone(&self.sink), copy: self.copy }
    }
}

/// The letters of a run on their way to the sink, one after another.
pub(crate) struct DeliveryQueue<'a, In> {
    sink: &'a dyn DeadLetters<In>,
    waiting: VecDeque<DeadLetter<In>>,
    in_progress: Option<(usize, Put<'a>)>,
    /// Of whoever drives the run, to be told of a letter.
    driver: Option<Waker>,
    lost: usize,
}

impl<'a, In> DeliveryQueue<'a, In> {
    pub(crate) fn new(sink: &'a dyn DeadLetters<In>) -> Self {
        Self { sink, waiting: VecDeque::new(), in_progress: None, driver: None, lost: 0 }
    }

    /// Takes a letter, to be posted in the next turn: the other items of this one may take long, and where the source
    /// waits for the post there may be none.
    pub(crate) fn add(&mut self, letter: DeadLetter<In>) {
        self.waiting.push_back(letter);
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The letters that the sink did not take; when all is over, those that it was not asked to take as well.
    pub(crate) fn lost(&self) -> usize {
        self.lost + self.waiting.len() + usize::from(self.in_progress.is_some())
    }

    /// Whether all letters are with the sink.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            if let Some((index, in_progress)) = &mut self.in_progress {
                let index = *index;
                // What a sink leaves half done is its own.
                let delivered = catch_unwind(AssertUnwindSafe(|| in_progress.as_mut().poll(cx)));
                match delivered {
                    Ok(Poll::Pending) => break,
                    Ok(Poll::Ready(Ok(()))) => {}
                    Ok(Poll::Ready(Err(error))) => self.count_lost(index, format_args!("{error}")),
                    Err(_) => self.count_lost(index, format_args!("its sink panicked")),
                }
                self.in_progress = None;
            }
            let Some(letter) = self.waiting.pop_front() else { break };
            let index = letter.index;
            let sink = self.sink;
            match catch_unwind(AssertUnwindSafe(|| sink.put(letter))) {
                Ok(in_progress) => self.in_progress = Some((index, in_progress)),
                Err(_) => self.count_lost(index, format_args!("its sink panicked")),
            }
        }
        self.driver = Some(cx.waker().clone());
        self.in_progress.is_none()
    }

    fn count_lost(&mut self, index: usize, why: std::fmt::Arguments<'_>) {
        self.lost += 1;
        tracing::error!(index, "a dead letter was lost: {why}");
    }
}
