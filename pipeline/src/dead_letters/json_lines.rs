//! Dead letters in a file, one a line, as JSON: written by one run, read by a later one.

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

/// Writes dead letters to a file, one a line, as JSON; and reads them back. Needs the feature `serde`.
///
/// A line is the item and what was wrong with it:
///
/// ```json
/// {"index":3,"stage":"parse","kind":"failed","error":"stage `parse` failed: …","attempts":1,"item":"7x"}
/// ```
///
/// Each letter is handed to the operating system whole, before the run goes on without it: a process that is killed
/// loses none that was taken. (A machine that loses power may.) The writing is done on tokio's blocking pool. Clones
/// write to the same file.
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
/// // Later, in another process, with a better parser: the items that failed, and only those.
/// let mut numbers = pipeline![parse_trimmed].collect(JsonLines::items(&path)?).await?;
/// numbers.sort_unstable();
/// assert_eq!(numbers, [2, 3]);
/// # std::fs::remove_dir_all(folder)?;
/// # Ok(()) }
/// ```
///
/// What fails again belongs in a file of its own. [`append`](Self::append) to the file that is being replayed is safe,
/// [`items`](Self::items) has read it to its end by then; but the next replay would find the old letters in it, too.
#[derive(Debug, Clone)]
pub struct JsonLines(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: Mutex<Lines>,
}

/// The file. What is written goes to its end, whoever else writes to it.
#[derive(Debug)]
struct Lines {
    file: File,
    /// The last line has no end: whoever wrote it was stopped in the middle.
    torn: bool,
}

impl JsonLines {
    /// Makes the file, or empties the one that is there.
    ///
    /// DeadLetterConfig that are still to be replayed are gone then: see [`append`](Self::append).
    ///
    /// # Errors
    ///
    /// Where the file cannot be made, or not be written to. The error says which file.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        File::create(path).map_err(|error| about(path, "create", &error))?;
        Self::append(path)
    }

    /// Goes on at the end of the file, or makes it if it is not there.
    ///
    /// If the last writer was killed in the middle of a line, that line gets an end, so that it spoils no other.
    ///
    /// # Errors
    ///
    /// Where the file cannot be opened, or not be written to. The error says which file.
    pub fn append(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let lines = Lines::open(path).map_err(|error| about(path, "open", &error))?;
        Ok(Self(Arc::new(Inner { path: path.to_owned(), file: Mutex::new(lines) })))
    }

    /// Reads the letters of a file, one after another, each when it is asked for.
    ///
    /// A line that is not a letter, or whose item is not an `In`, is an error that names the file, the line and the
    /// column; the lines after it can still be read. Empty lines are passed over.
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
    /// Where the file cannot be opened. The error says which file.
    pub fn read<In: DeserializeOwned>(path: impl AsRef<Path>) -> io::Result<Records<In>> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| about(path, "open", &error))?;
        let reader = Some(BufReader::new(file));
        Ok(Records { path: path.to_owned(), reader, line: 0, items: PhantomData })
    }

    /// Reads the items of a file, all at once: the source of a run that is to do better.
    ///
    /// They come in the order in which they failed. The file is read and closed when this returns, so the run may write
    /// to it.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read; or the first line that is not a letter with such an item, by file, line and
    /// column: no item is left out unseen. [`read`](Self::read) can go on behind it.
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
                // If the run is dropped meanwhile, the letter is written all the same.
                Ok(runtime) => runtime.spawn_blocking(write).await?,
                Err(_) => write(),
            };
            Ok(written?)
        })
    }
}

impl Inner {
    fn write(&self, line: Vec<u8>) -> io::Result<()> {
        let mut lines = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        lines.write(line).map_err(|error| about(&self.path, "write to", &error))
    }
}

impl Lines {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut torn = false;
        if file.metadata()?.len() > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            torn = last != *b"\n";
        }
        Ok(Self { file, torn })
    }

    /// In one piece and without a buffer of ours, which would be lost with the process.
    fn write(&mut self, mut line: Vec<u8>) -> io::Result<()> {
        if self.torn {
            line.insert(0, b'\n');
        }
        line.push(b'\n');
        // Until it is all there: a disk may be full in the middle of a line.
        self.torn = true;
        self.file.write_all(&line)?;
        self.torn = false;
        Ok(())
    }
}

/// A dead letter as it is on record.
///
/// It is made [from a letter](Self::from), for sinks of one's own that write JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recorded<In> {
    /// The position of the item in the source of the run that failed on it; the first is 0.
    pub index: usize,
    /// The name of the stage that failed.
    pub stage: String,
    /// How it failed.
    pub kind: ErrorKind,
    /// What the error displayed, all of it.
    pub error: String,
    /// How many attempts were started.
    pub attempts: u32,
    /// The item, as it was in the source.
    pub item: In,
}

impl<In> From<DeadLetter<In>> for Recorded<In> {
    fn from(letter: DeadLetter<In>) -> Self {
        let DeadLetter { item, index, error } = letter;
        let (kind, attempts) = (error.kind(), error.attempts());
        Self { index, stage: error.stage().to_owned(), kind, error: error.to_string(), attempts, item }
    }
}

/// The letters of a file: what [`JsonLines::read`] gives.
#[derive(Debug)]
pub struct Records<In> {
    path: PathBuf,
    /// `None` when the file is through, or cannot be read any further.
    reader: Option<BufReader<File>>,
    /// The lines that were read.
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
                    return Some(Err(about(&self.path, "read", &error)));
                }
            }
            if !line.trim_ascii().is_empty() {
                let record = serde_json::from_slice(line.trim_ascii_end());
                return Some(record.map_err(|error| self.broken(&error)));
            }
            line.clear();
        }
    }
}

impl<In> Records<In> {
    fn broken(&self, error: &serde_json::Error) -> io::Error {
        // A letter is one line, so what line of it the error is in says nothing.
        let column = error.column();
        let said = error.to_string();
        let said = said.strip_suffix(&format!(" at line {} column {column}", error.line())).unwrap_or(&said);
        let (path, line) = (self.path.display(), self.line);
        io::Error::new(IoKind::InvalidData, format!("{path}:{line}:{column}: not a dead letter: {said}"))
    }
}

/// An error that says what it was about: those of the operating system do not.
fn about(path: &Path, what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {what} the dead letters `{}`: {error}", path.display()))
}
