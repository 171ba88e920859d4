//! An observer that records what it is told of a run, and checks that it is consistent.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use pipeline::{ErrorKind, FailedAttempt, Observer, Outcome, Report, RunId, StageCall};

/// How a call or an item ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Done,
    Failed,
    Panicked,
    Cancelled,
}

impl End {
    fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Failed(error) if error.kind() == ErrorKind::Panicked => Self::Panicked,
            Outcome::Failed(_) => Self::Failed,
            _ => Self::Cancelled,
        }
    }
}

/// What an observer was told of one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunRecord {
    pub(crate) started: u32,
    /// By stage and item: how often the call started, and how it ended.
    pub(crate) calls: BTreeMap<(String, usize), (u32, Vec<End>)>,
    pub(crate) attempts: Vec<(String, usize, u32, Duration)>,
    pub(crate) items: BTreeMap<usize, Vec<End>>,
    pub(crate) finished: Vec<Report>,
    /// The number of notifications after the run had finished.
    pub(crate) after_finish: u32,
}

/// Records what it is told, by run.
#[derive(Debug, Default)]
pub(crate) struct RecordingObserver(Mutex<BTreeMap<RunId, RunRecord>>);

impl RecordingObserver {
    fn record(&self, run: RunId, update: impl FnOnce(&mut RunRecord)) {
        let mut runs = self.0.lock().unwrap();
        let record = runs.entry(run).or_default();
        record.after_finish += u32::from(!record.finished.is_empty());
        update(record);
    }

    /// The record of the only run, after a check that it is consistent.
    pub(crate) fn take_record(&self) -> RunRecord {
        let record = self.take_record_with_late_calls();
        assert_eq!(record.after_finish, 0, "there are no notifications after the end of a run");
        record
    }

    /// The same, for a run whose calls may end after the run.
    pub(crate) fn take_record_with_late_calls(&self) -> RunRecord {
        let mut runs = std::mem::take(&mut *self.0.lock().unwrap());
        let (_, record) = runs.pop_first().expect("nothing was recorded");
        assert!(runs.is_empty(), "there was more than one run");
        assert_eq!((record.started, record.finished.len()), (1, 1), "a run starts and ends once");
        for (call, (started, ends)) in &record.calls {
            assert_eq!((*started, ends.len()), (1, 1), "{call:?} starts and ends once: {ends:?}");
        }
        for (item, ends) in &record.items {
            assert_eq!(ends.len(), 1, "item {item} ends once: {ends:?}");
        }
        record
    }
}

impl RunRecord {
    /// How the calls of a stage ended, in the order of the items.
    pub(crate) fn call_ends(&self, stage: &str) -> Vec<End> {
        self.calls.iter().filter(|((name, _), _)| name == stage).map(|(_, (_, ends))| ends[0]).collect()
    }

    /// How the items ended.
    pub(crate) fn item_ends(&self) -> Vec<End> {
        self.items.values().map(|ends| ends[0]).collect()
    }

    /// Checks that the report has the same counts.
    pub(crate) fn check(&self) {
        let (report, count) =
            (&self.finished[0], |end: &[End]| self.item_ends().iter().filter(|it| end.contains(it)).count());
        assert_eq!(self.items.len(), report.items_in());
        assert_eq!(count(&[End::Done]), report.items_out());
        assert_eq!(count(&[End::Failed, End::Panicked]), report.items_failed());
        assert_eq!(count(&[End::Cancelled]), report.items_cancelled());
        for stage in report.stages() {
            let ends = self.call_ends(stage.name());
            let cancelled = ends.iter().filter(|end| **end == End::Cancelled).count();
            assert_eq!((ends.len(), cancelled), (stage.calls(), stage.cancelled()), "{}", stage.name());
        }
    }
}

impl Observer for RecordingObserver {
    fn run_started(&self, run: RunId) {
        self.record(run, |record| record.started += 1);
    }

    fn stage_started(&self, call: &StageCall<'_>) {
        let key = (call.stage().to_owned(), call.index());
        assert_eq!((call.context().stage(), call.context().index()), (call.stage(), call.index()));
        self.record(call.run_id(), |record| record.calls.entry(key).or_default().0 += 1);
    }

    fn attempt_failed(&self, call: &StageCall<'_>, attempt: &FailedAttempt) {
        let said = (call.stage().to_owned(), call.index(), attempt.attempt(), attempt.wait());
        self.record(call.run_id(), |record| record.attempts.push(said));
    }

    fn stage_finished(&self, call: &StageCall<'_>, outcome: &Outcome, _: Duration) {
        let key = (call.stage().to_owned(), call.index());
        self.record(call.run_id(), |record| record.calls.entry(key).or_default().1.push(End::of(outcome)));
    }

    fn item_finished(&self, run: RunId, index: usize, outcome: &Outcome) {
        self.record(run, |record| record.items.entry(index).or_default().push(End::of(outcome)));
    }

    fn run_finished(&self, run: RunId, report: &Report) {
        assert_eq!(report.run_id(), run);
        self.record(run, |record| record.finished.push(report.clone()));
    }
}
