//! Where failed items go, whole, with what was wrong with them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

use crate::error::causes::BoxError;
use crate::error::stage_error::StageError;

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
/// | [`tokio::sync::mpsc::UnboundedSender`], [`std::sync::mpsc::Sender`] | sends |
/// | `Arc<Mutex<Vec<DeadLetter<In>>>>` | pushes: for tests |
/// | `JsonLines`, with the feature `serde` | writes a line of JSON to a file, which a later run reads back |
#[cfg_attr(feature = "serde", doc = "\n[`JsonLines`] is how items that failed are tried again later.")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not take the dead letters of a pipeline over `{In}`",
    label = "not a sink of `DeadLetter<{In}>`",
    note = "pass the sender of a tokio `mpsc` channel of `DeadLetter<{In}>`, an `Arc<Mutex<Vec<DeadLetter<{In}>>>>`, or your own type that implements `DeadLetters<{In}>`"
)]
pub trait DeadLetters<In>: Send + Sync {
    /// Takes one letter. While it does not take more, neither does the run.
    ///
    /// # Errors
    ///
    /// Where the letter cannot be kept. The run goes on; that is logged, and the letter
    /// [counted as lost](crate::Report::letters_lost). A panic is taken as an error.
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

impl<In: Send> DeadLetters<In> for std::sync::mpsc::Sender<DeadLetter<In>> {
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
