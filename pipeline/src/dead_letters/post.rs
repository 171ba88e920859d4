//! The letters of a run, on their way to the sink.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{DeadLetter, DeadLetters, Put};

/// The sink of a pipeline, and how an item is copied for it.
pub(crate) struct Letters<In> {
    pub(crate) sink: Arc<dyn DeadLetters<In>>,
    pub(crate) copy: fn(&In) -> In,
}

impl<In> Clone for Letters<In> {
    fn clone(&self) -> Self {
        Self { sink: Arc::clone(&self.sink), copy: self.copy }
    }
}

/// The letters of a run on their way to the sink, one after another.
pub(crate) struct Post<'a, In> {
    sink: &'a dyn DeadLetters<In>,
    waiting: VecDeque<DeadLetter<In>>,
    posting: Option<(usize, Put<'a>)>,
    pub(crate) lost: usize,
}

impl<'a, In> Post<'a, In> {
    pub(crate) fn new(sink: &'a dyn DeadLetters<In>) -> Self {
        Self { sink, waiting: VecDeque::new(), posting: None, lost: 0 }
    }

    pub(crate) fn add(&mut self, letter: DeadLetter<In>) {
        self.waiting.push_back(letter);
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether all letters are with the sink.
    pub(crate) fn poll(&mut self, cx: &mut std::task::Context<'_>) -> bool {
        loop {
            if let Some((index, posting)) = &mut self.posting {
                let index = *index;
                match posting.as_mut().poll(cx) {
                    std::task::Poll::Pending => return false,
                    std::task::Poll::Ready(done) => {
                        self.posting = None;
                        if let Err(error) = done {
                            self.lost += 1;
                            tracing::error!(index, "a dead letter was lost: {error}");
                        }
                    }
                }
            }
            let Some(letter) = self.waiting.pop_front() else { return true };
            self.posting = Some((letter.index, self.sink.put(letter)));
        }
    }
}
