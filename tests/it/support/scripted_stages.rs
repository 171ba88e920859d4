//! What the tests of forks share: stages that do as they are recorded and write it down, and values that watch their clones.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pipeline::stage;
use tokio::time::Instant;

use crate::support::{Refused, ms};

/// What a stage does, after a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Succeed,
    Fail,
    Panic,
}

/// How a call of a stage outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallOutcome {
    Done,
    Failed,
    Panicked,
    /// It was given up.
    Dropped,
}

/// A call, in milliseconds since the script created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallRecord {
    pub(crate) stage: &'static str,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) outcome: CallOutcome,
}

/// Tells the stages what to do, by their names, and keeps a calls. Whoever is recorded nothing answers at once.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    actions: BTreeMap<String, (u64, Action)>,
    calls: Arc<Mutex<Vec<CallRecord>>>,
    created: Instant,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self { actions: BTreeMap::new(), calls: Arc::default(), created: Instant::now() }
    }

    /// Lets a stage take so many milliseconds before it does something.
    pub(crate) fn with(mut self, stage: &str, time: u64, act: Action) -> Self {
        self.actions.insert(stage.to_owned(), (time, act));
        self
    }

    pub(crate) fn time(&self, stage: &str) -> u64 {
        self.actions.get(stage).map_or(0, |action| action.0)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.created.elapsed().as_millis()).unwrap()
    }

    pub(crate) async fn perform(&self, stage: &'static str) -> Result<(), Refused> {
        let start = self.now();
        let mut call = ActiveCall {
            script: self,
            record: CallRecord { stage, start, end: start, outcome: CallOutcome::Dropped },
        };
        let (time, act) = self.actions.get(stage).copied().unwrap_or((0, Action::Succeed));
        if time > 0 {
            tokio::time::sleep(ms(time)).await;
        }
        call.record.outcome = match act {
            Action::Succeed => CallOutcome::Done,
            Action::Fail => CallOutcome::Failed,
            Action::Panic => CallOutcome::Panicked,
        };
        match act {
            Action::Succeed => Ok(()),
            Action::Fail => Err(Refused(1)),
            Action::Panic => panic!("so it was to be"),
        }
    }

    /// The calls that are end since this was last asked, in the order of their ends.
    pub(crate) fn take_calls(&self) -> Vec<CallRecord> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// The same, in words: `a 0-10 Done`.
    pub(crate) fn call_log(&self) -> Vec<String> {
        let entry = |CallRecord { stage, start, end, outcome }| format!("{stage} {start}-{end} {outcome:?}");
        self.take_calls().into_iter().map(entry).collect()
    }
}

/// Writes itself down when it is end, however that comes.
struct ActiveCall<'a> {
    script: &'a Script,
    record: CallRecord,
}

impl Drop for ActiveCall<'_> {
    fn drop(&mut self) {
        self.record.end = self.script.now();
        self.script.calls.lock().unwrap().push(self.record);
    }
}

/// Stages that answer with what they are given and the letter that they are.
macro_rules! scripted_stages {
    ($($name:ident)*) => {$(
        #[stage]
        pub(crate) async fn $name(text: &str, #[state] script: &Script) -> Result<String, Refused> {
            script.perform(stringify!($name)).await?;
            Ok(format!("{text}{}", stringify!($name)))
        }
    )*};
}

scripted_stages!(a b c d e);

/// Puts two texts together.
#[stage]
pub(crate) fn pair(one: &str, other: &str) -> String {
    format!("{one}+{other}")
}

/// A value that counts its clones.
#[derive(Debug)]
pub(crate) struct CountsClones {
    pub(crate) value: u32,
    clones: Arc<AtomicUsize>,
}

impl CountsClones {
    pub(crate) fn new(value: u32) -> (Self, Arc<AtomicUsize>) {
        let clones = Arc::new(AtomicUsize::new(0));
        (Self { value, clones: Arc::clone(&clones) }, clones)
    }
}

impl Clone for CountsClones {
    fn clone(&self) -> Self {
        self.clones.fetch_add(1, Ordering::Relaxed);
        Self { value: self.value, clones: Arc::clone(&self.clones) }
    }
}

/// A value of which there is one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotClone(pub(crate) u32);

/// Runs a pipeline on a value, and says what came of it and how often the value was copied.
macro_rules! count_clones {
    ($pipeline:expr, $value:expr) => {{
        let (value, clones) = crate::support::scripted_stages::CountsClones::new($value);
        let output = $pipeline.run(value).await.unwrap();
        (output, clones.load(std::sync::atomic::Ordering::Relaxed))
    }};
}

pub(crate) use count_clones;
