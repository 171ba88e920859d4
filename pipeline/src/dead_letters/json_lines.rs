//! `JsonLines`: writes dead letters to a file, one JSON object per line, and reads them back in a later run.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind as IoKind, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;

use super::sink::DeadLetter;
use super::sink::DeadLetters;
use super::sink::Put;
use crate::error::kind::ErrorKind;

/// Writes dead letters to a file, one JSON object per line, and reads them back. Needs the feature `serde`.
///
/// A line has the item and its error:
///
/// ```json
/// {"index":3,"stage":"parse","kind":"failed","error":"stage `parse` failed: …","attempts":1,"item":"7x"}
/// ```
///
/// Each dead letter is passed to the operating system in one write before its delivery counts as done, so a process that is
/// killed loses no delivered dead letter. (A machine that loses power may: the file is not synced.) Writes run on tokio's
/// blocking pool. Clones write to the same file.
///
/// # Fail, fix, replay
///
/// ```
/// use pipeline::dead_letters::JsonLines;
/// use pipeline::{ErrorMode, pipeline, stage};
///
/// #[stage]
/// async fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// #[stage]
/// async fn parse_trimmed(text: &str) -> Result<u32, std::num::ParseIntError> {
///     text.trim().parse()
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("pipeline-replay-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("failed.jsonl");
/// let lines = ["1", " 2", "3 "].map(String::from);
/// let strict = pipeline![parse].on_error(ErrorMode::Lenient).dead_letters(JsonLines::create(&path)?);
/// let report = strict.drain(lines).await?;
/// assert_eq!((report.items_out(), report.items_failed()), (1, 2));
///
/// // Later, in another process, with a fixed parser: only the items that failed.
/// let mut numbers = pipeline![parse_trimmed].collect(JsonLines::items(&path)?).await?;
/// numbers.sort_unstable();
/// assert_eq!(numbers, [2, 3]);
/// # std::fs::remove_dir_all(folder)?;
/// # Ok(()) }
/// ```
///
/// Write the failures of a replay to a new file. It is safe to [`append`](Self::append) to the file that is being replayed,
/// because [`items`](Self::items) reads all of it first, but the next replay would find the old dead letters too.
#[derive(Debug, Clone)]
pub struct JsonLines(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: Mutex<AppendFile>,
}

/// The file, open in append mode: each write goes to its current end, even if other processes write to it.
#[derive(Debug)]
struct AppendFile {
    file: File,
    /// The last line has no newline, because its writer was interrupted.
    is_torn: bool,
}

impl JsonLines {
    /// Creates the file, or truncates it if it exists.
    ///
    /// This deletes dead letters that are still to be replayed; [`append`](Self::append) keeps them.
    ///
    /// # Errors
    ///
    /// If the file cannot be created or opened for writing. The error names the file.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        File::create(path).map_err(|error| add_path(path, "create", &error))?;
        Self::append(path)
    }

    /// Opens the file for appending, or creates it if it does not exist.
    ///
    /// If the last writer was killed in the middle of a line, the next dead letter still starts on a line of its own.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened for reading and appending. The error names the file.
    pub fn append(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let file = AppendFile::open(path).map_err(|error| add_path(path, "open", &error))?;
        Ok(Self(Arc::new(Inner { path: path.to_owned(), file: Mutex::new(file) })))
    }

    /// Reads the dead letters of a file, as a lazy iterator.
    ///
    /// A line that is not a dead letter, or whose item is not an `In`, yields an error that names the file, line and
    /// column; the iterator can continue after it. Empty lines are skipped.
    ///
    /// ```no_run
    /// # use pipeline::dead_letters::JsonLines;
    /// for letter in JsonLines::read::<String>("failed.jsonl")? {
    ///     let letter = letter?;
    ///     println!("{}: {}", letter.index, letter.error);
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the file cannot be opened. The error names the file.
    pub fn read<In: DeserializeOwned>(path: impl AsRef<Path>) -> io::Result<Records<In>> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| add_path(path, "open", &error))?;
        let reader = Some(BufReader::new(file));
        Ok(Records { path: path.to_owned(), reader, line: 0, items: PhantomData })
    }

    /// Reads the items of all dead letters in a file, to re-run them.
    ///
    /// The items are in the order in which they failed. The file is closed when this returns, so the new run may write to
    /// it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or a line is not a dead letter whose item is an `In`: no item is skipped silently. The
    /// error names the file, line and column. [`read`](Self::read) can continue after such a line.
    pub fn items<In: DeserializeOwned>(path: impl AsRef<Path>) -> io::Result<Vec<In>> {
        Self::read(path)?.map(|record| record.map(|Recorded { item, .. }| item)).collect()
    }
}

impl<In: Serialize> DeadLetters<In> for JsonLines {
    fn put(&self, letter: DeadLetter<In>) -> Put<'_> {
        let line = match serde_json::to_vec(&Recorded::from(letter)) {
            Ok(line) => line,
            Err(error) => return Box::pin(std::future::ready(Err(error.into()))),
        };
        let inner = Arc::clone(&self.0);
        let write = move || inner.write(line);
        Box::pin(async move {
            let written = match Handle::try_current() {
                // The write completes even if the run is dropped meanwhile.
                Ok(runtime) => runtime.spawn_blocking(write).await?,
                Err(_) => write(),
            };
            Ok(written?)
        })
    }
}

impl Inner {
    fn write(&self, line: Vec<u8>) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write(line).map_err(|error| add_path(&self.path, "write to", &error))
    }
}

impl AppendFile {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut is_torn = false;
        if file.metadata()?.len() > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            is_torn = last != *b"\n";
        }
        Ok(Self { file, is_torn })
    }

    /// Writes a line in one call, without a userspace buffer, which would be lost if the process were killed.
    fn write(&mut self, mut line: Vec<u8>) -> io::Result<()> {
        if self.is_torn {
            line.insert(0, b'\n');
        }
        line.push(b'\n');
        // Reset only after the whole line is written: the disk may become full in the middle of it.
        self.is_torn = true;
        self.file.write_all(&line)?;
        self.is_torn = false;
        Ok(())
    }
}

/// A dead letter as it is serialized: the item, and the facts of its error.
///
/// [`From<DeadLetter>`](Self::from) converts a dead letter, for your own sinks that write JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recorded<In> {
    /// The position of the item in the source of the run in which it failed, starting at 0.
    pub index: usize,
    /// The name of the stage that failed.
    pub stage: String,
    /// How the stage failed.
    pub kind: ErrorKind,
    /// The text of the error, with the chain of its sources.
    pub error: String,
    /// The number of attempts that were started.
    pub attempts: u32,
    /// The item, as it was in the source.
    pub item: In,
}

impl<In> From<DeadLetter<In>> for Recorded<In> {
    fn from(letter: DeadLetter<In>) -> Self {
        let DeadLetter { item, index, error } = letter;
        let (kind, attempts) = (error.kind(), error.attempts());
        Self { index, stage: error.stage().to_owned(), kind, error: format!("{error:#}"), attempts, item }
    }
}

/// An iterator over the dead letters of a file, returned by [`JsonLines::read`].
#[derive(Debug)]
pub struct Records<In> {
    path: PathBuf,
    /// `None` at the end of the file, or after a read error.
    reader: Option<BufReader<File>>,
    /// The number of lines that were read.
    line: usize,
    items: PhantomData<fn() -> In>,
}

impl<In: DeserializeOwned> Iterator for Records<In> {
    type Item = io::Result<Recorded<In>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        loop {
            match self.reader.as_mut()?.read_until(b'\n', &mut line) {
                Ok(0) => self.reader = None,
                Ok(_) => self.line += 1,
                Err(error) => {
                    self.reader = None;
                    return Some(Err(add_path(&self.path, "read", &error)));
                }
            }
            if !line.trim_ascii().is_empty() {
                let record = serde_json::from_slice(line.trim_ascii_end());
                return Some(record.map_err(|error| self.invalid_record(&error)));
            }
            line.clear();
        }
    }
}

impl<In> Records<In> {
    fn invalid_record(&self, error: &serde_json::Error) -> io::Error {
        // A record is one line, so serde's own line number is always 1. Replace it by the line of the file.
        let column = error.column();
        let message = error.to_string();
        let position = format!(" at line {} column {column}", error.line());
        let message = message.strip_suffix(&position).unwrap_or(&message);
        let (path, line) = (self.path.display(), self.line);
        io::Error::new(IoKind::InvalidData, format!("{path}:{line}:{column}: not a dead letter: {message}"))
    }
}

/// Adds the operation and the path to an I/O error of the operating system, which names neither.
fn add_path(path: &Path, operation: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {operation} the dead letters `{}`: {error}", path.display()))
}
