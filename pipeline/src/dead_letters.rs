//! Where failed items go, whole, with what was wrong with them.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::{BoxError, StageError};

/// An item that failed, as it came in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeadLetter<In> {
    /// The item, as it was in the source.
    pub item: In,
    /// Its position in the source; the first is 0.
    pub index: usize,
    /// What its stage said: the stage, the attempts, the cause.
    pub error: StageError,
}

impl<In> DeadLetter<In> {
    /// The name of the stage that failed.
    #[must_use]
    pub fn stage(&self) -> &str {
        self.error.stage()
    }

    /// How many attempts were started.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.error.attempts()
    }
}

/// A future that a sink returns.
pub type Put<'a> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>>;

/// Takes dead letters: [`Pipeline::dead_letters`](crate::Pipeline::dead_letters).
///
/// These are sinks as they are:
///
/// | sink | what it does |
/// |---|---|
/// | [`tokio::sync::mpsc::Sender`] | sends; where the channel is full, the run waits |
/// | [`tokio::sync::mpsc::UnboundedSender`] | sends |
/// | `Arc<Mutex<Vec<DeadLetter<In>>>>` | pushes: for tests |
/// | [`JsonLines`](crate::dead_letters::JsonLines) (feature `serde`) | writes a line of JSON to a file, which a later run reads back |
pub trait DeadLetters<In>: Send + Sync {
    /// Takes one letter. While it does not take more, neither does the run.
    ///
    /// # Errors
    ///
    /// Where the letter cannot be kept. The run goes on; the letter is logged and
    /// [counted as lost](crate::Report::letters_lost).
    fn put(&self, letter: DeadLetter<In>) -> Put<'_>;
}

impl<In: Send> DeadLetters<In> for mpsc::Sender<DeadLetter<In>> {
    fn put(&self, letter: DeadLetter<In>) -> Put<'_> {
        Box::pin(async move { self.send(letter).await.map_err(|_| Gone.into()) })
    }
}

impl<In: Send> DeadLetters<In> for mpsc::UnboundedSender<DeadLetter<In>> {
    fn put(&self, letter: DeadLetter<In>) -> Put<'_> {
        let sent = self.send(letter).map_err(|_| Gone.into());
        Box::pin(std::future::ready(sent))
    }
}

impl<In: Send> DeadLetters<In> for Mutex<Vec<DeadLetter<In>>> {
    fn put(&self, letter: DeadLetter<In>) -> Put<'_> {
        self.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
        Box::pin(std::future::ready(Ok(())))
    }
}

impl<In, T: DeadLetters<In> + ?Sized> DeadLetters<In> for Arc<T> {
    fn put(&self, letter: DeadLetter<In>) -> Put<'_> {
        T::put(self, letter)
    }
}

#[derive(Debug)]
struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody receives the dead letters any more")
    }
}

impl std::error::Error for Gone {}

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
