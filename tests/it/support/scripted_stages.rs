//! Stages that follow a script and record their calls, and values that count their clones.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pipeline::stage;
use tokio::time::Instant;

use crate::support::{Refused, ms};

/// What a stage does after its delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Succeed,
    Fail,
    Panic,
}

/// How a call of a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallOutcome {
    Done,
    Failed,
    Panicked,
    /// Its future was dropped before it was ready.
    Dropped,
}

/// A call. Times are in milliseconds since the script was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallRecord {
    pub(crate) stage: &'static str,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) outcome: CallOutcome,
}

/// Decides what each stage does, by its name, and records the calls. A stage without an entry succeeds immediately.
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

    /// Lets the stage do `act` after `time` milliseconds.
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
            Action::Panic => panic!("scripted panic"),
        }
    }

    /// The calls that ended since this was last called, in the order of their ends.
    pub(crate) fn take_calls(&self) -> Vec<CallRecord> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// The same as text: `a 0-10 Done`.
    pub(crate) fn call_log(&self) -> Vec<String> {
        let entry = |CallRecord { stage, start, end, outcome }| format!("{stage} {start}-{end} {outcome:?}");
        self.take_calls().into_iter().map(entry).collect()
    }
}

/// Records the call when it is dropped, whether it ended or was cancelled.
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

/// Stages that append their name to their input.
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

/// Joins two texts.
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

/// A value that is neither `Clone` nor `Copy`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotClone(pub(crate) u32);

#[stage]
pub(crate) fn add(x: u32, y: u32) -> u32 {
    x + y
}

#[stage]
pub(crate) fn glance(x: &NotClone) -> u32 {
    x.0
}

#[stage]
pub(crate) async fn make(x: u32) -> NotClone {
    tokio::task::yield_now().await;
    NotClone(x)
}

/// Runs a pipeline on a value, and returns the output and how often the value was cloned.
macro_rules! count_clones {
    ($pipeline:expr, $value:expr) => {{
        let (value, clones) = crate::support::scripted_stages::CountsClones::new($value);
        let output = $pipeline.run(value).await.unwrap();
        (output, clones.load(std::sync::atomic::Ordering::Relaxed))
    }};
}

pub(crate) use count_clones;
