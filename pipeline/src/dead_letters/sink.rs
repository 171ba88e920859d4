//! `DeadLetter`, a failed item with its error, and the sinks that take it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

use crate::error::causes::BoxError;
use crate::error::stage_error::StageError;

/// A failed item, as it was in the source, with its error.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeadLetter<In> {
    /// The item, as it was in the source.
    pub item: In,
    /// The position of the item in the source, starting at 0.
    pub index: usize,
    /// The error: its stage, attempts and causes.
    pub error: StageError,
}

impl<In> DeadLetter<In> {
    /// The name of the stage that failed.
    #[must_use]
    pub fn stage(&self) -> &str {
        self.error.stage()
    }

    /// The number of attempts that were started.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.error.attempts()
    }
}

/// The future that a sink returns.
pub type Put<'a> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>>;

/// A sink of dead letters, for [`Pipeline::dead_letters`](crate::Pipeline::dead_letters).
///
/// These types implement it:
///
/// | sink | what it does |
/// |---|---|
/// | [`tokio::sync::mpsc::Sender`] | sends; a full channel applies back-pressure to the run |
/// | [`tokio::sync::mpsc::UnboundedSender`], [`std::sync::mpsc::Sender`] | sends |
/// | `Arc<Mutex<Vec<DeadLetter<In>>>>` | pushes, for tests |
/// | `JsonLines`, with the feature `serde` | writes a line of JSON to a file, which a later run reads back |
#[cfg_attr(
    feature = "serde",
    doc = "\nUse [`JsonLines`](crate::dead_letters::JsonLines) to re-run failed items later."
)]
///
/// A sink of your own implements `put`:
///
/// ```
/// use pipeline::dead_letters::Put;
/// use pipeline::{pipeline, stage, DeadLetter, DeadLetters, ErrorMode};
///
/// struct Stderr;
///
/// impl DeadLetters<String> for Stderr {
///     fn put(&self, letter: DeadLetter<String>) -> Put<'_> {
///         eprintln!("item {} ({}): {}", letter.index, letter.item, letter.error);
///         Box::pin(async { Ok(()) })
///     }
/// }
///
/// #[stage]
/// async fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pipeline::Aborted> {
/// let numbers = pipeline![parse].on_error(ErrorMode::Lenient).dead_letters(Stderr);
/// let report = numbers.drain(["1", "two"].map(String::from)).await?;
/// assert_eq!((report.items_failed(), report.letters_lost()), (1, 0));
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not take the dead letters of a pipeline over `{In}`",
    label = "not a sink of `DeadLetter<{In}>`",
    note = "pass the sender of a tokio `mpsc` channel of `DeadLetter<{In}>`, an `Arc<Mutex<Vec<DeadLetter<{In}>>>>`, or your own type that implements `DeadLetters<{In}>`"
)]
pub trait DeadLetters<In>: Send + Sync {
    /// Delivers one dead letter.
    ///
    /// A run delivers its dead letters one at a time. While as many as its [`concurrency`](crate::Pipeline::concurrency)
    /// are queued, it takes nothing from its source.
    ///
    /// # Errors
    ///
    /// If the dead letter cannot be delivered. The error is logged, the dead letter is
    /// [counted as lost](crate::Report::letters_lost), and the run continues. A panic counts as an error.
    fn put(&self, letter: DeadLetter<In>) -> Put<'_>;
}

impl<In: Send> DeadLetters<In> for mpsc::Sender<DeadLetter<In>> {
    fn put(&self, letter: DeadLetter<In>) -> Put<'_> {
        Box::pin(async move { self.send(letter).await.map_err(|_| ReceiverDropped.into()) })
    }
}

impl<In: Send> DeadLetters<In> for mpsc::UnboundedSender<DeadLetter<In>> {
    fn put(&self, letter: DeadLetter<In>) -> Put<'_> {
        let sent = self.send(letter).map_err(|_| ReceiverDropped.into());
        Box::pin(std::future::ready(sent))
    }
}

impl<In: Send> DeadLetters<In> for std::sync::mpsc::Sender<DeadLetter<In>> {
    fn put(&self, letter: DeadLetter<In>) -> Put<'_> {
        let sent = self.send(letter).map_err(|_| ReceiverDropped.into());
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

/// The error of a channel whose receiver was dropped.
#[derive(Debug)]
struct ReceiverDropped;

impl fmt::Display for ReceiverDropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the receiver of the dead letters was dropped")
    }
}

impl std::error::Error for ReceiverDropped {}
