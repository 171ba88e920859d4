//! What the tests of forks share: stages that do as they are told and write it down, and values that watch their copies.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pipeline::stage;
use tokio::time::Instant;

use crate::support::{Refused, ms};

/// What a stage does, after a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Do {
    Answer,
    Fail,
    Panic,
}

/// How a call of a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Done,
    Failed,
    Panicked,
    /// It was given up.
    Dropped,
}

/// A call, in milliseconds since the play began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) stage: &'static str,
    pub(crate) begun: u64,
    pub(crate) over: u64,
    pub(crate) ended: Ended,
}

/// Tells the stages what to do, by their names, and keeps a diary. Whoever is told nothing answers at once.
#[derive(Debug, Clone)]
pub(crate) struct Play {
    parts: BTreeMap<String, (u64, Do)>,
    diary: Arc<Mutex<Vec<Entry>>>,
    began: Instant,
}

impl Play {
    pub(crate) fn new() -> Self {
        Self { parts: BTreeMap::new(), diary: Arc::default(), began: Instant::now() }
    }

    /// Lets a stage take so many milliseconds before it does something.
    pub(crate) fn with(mut self, stage: &str, time: u64, act: Do) -> Self {
        self.parts.insert(stage.to_owned(), (time, act));
        self
    }

    pub(crate) fn time(&self, stage: &str) -> u64 {
        self.parts.get(stage).map_or(0, |part| part.0)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap()
    }

    pub(crate) async fn act(&self, stage: &'static str) -> Result<(), Refused> {
        let begun = self.now();
        let mut call = Call { play: self, entry: Entry { stage, begun, over: begun, ended: Ended::Dropped } };
        let (time, act) = self.parts.get(stage).copied().unwrap_or((0, Do::Answer));
        if time > 0 {
            tokio::time::sleep(ms(time)).await;
        }
        call.entry.ended = match act {
            Do::Answer => Ended::Done,
            Do::Fail => Ended::Failed,
            Do::Panic => Ended::Panicked,
        };
        match act {
            Do::Answer => Ok(()),
            Do::Fail => Err(Refused(1)),
            Do::Panic => panic!("so it was to be"),
        }
    }

    /// The calls that are over since this was last asked, in the order of their ends.
    pub(crate) fn diary(&self) -> Vec<Entry> {
        std::mem::take(&mut *self.diary.lock().unwrap())
    }

    /// The same, in words: `a 0-10 Done`.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |Entry { stage, begun, over, ended }| format!("{stage} {begun}-{over} {ended:?}");
        self.diary().into_iter().map(line).collect()
    }
}

/// Writes itself down when it is over, however that comes.
struct Call<'a> {
    play: &'a Play,
    entry: Entry,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.entry.over = self.play.now();
        self.play.diary.lock().unwrap().push(self.entry);
    }
}

/// Stages that answer with what they are given and the letter that they are.
macro_rules! players {
    ($($name:ident)*) => {$(
        #[stage]
        pub(crate) async fn $name(text: &str, #[state] play: &Play) -> Result<String, Refused> {
            play.act(stringify!($name)).await?;
            Ok(format!("{text}{}", stringify!($name)))
        }
    )*};
}

players!(a b c d e);

/// Puts two texts together.
#[stage]
pub(crate) fn pair(one: &str, other: &str) -> String {
    format!("{one}+{other}")
}

/// A number that counts its copies.
#[derive(Debug)]
pub(crate) struct Copied {
    pub(crate) number: u32,
    copies: Arc<AtomicUsize>,
}

impl Copied {
    pub(crate) fn new(number: u32) -> (Self, Arc<AtomicUsize>) {
        let copies = Arc::new(AtomicUsize::new(0));
        (Self { number, copies: Arc::clone(&copies) }, copies)
    }
}

impl Clone for Copied {
    fn clone(&self) -> Self {
        self.copies.fetch_add(1, Ordering::Relaxed);
        Self { number: self.number, copies: Arc::clone(&self.copies) }
    }
}

/// A number of which there is one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Single(pub(crate) u32);

/// Runs a pipeline on a number, and says what came of it and how often the number was copied.
macro_rules! copies {
    ($pipeline:expr, $number:expr) => {{
        let (number, copies) = crate::support::scripted_stages::Copied::new($number);
        let output = $pipeline.run(number).await.unwrap();
        (output, copies.load(std::sync::atomic::Ordering::Relaxed))
    }};
}

pub(crate) use copies;
