//! Where the report adds up: the counters of a run become the rows of its report.
//!
//! A call that is ready at once and succeeds is not counted. How many there were follows from what is counted: a stage is
//! called on what the step before it passed on, and passes on what it neither failed nor had cancelled. Where a pipeline
//! forks, the items that enter and leave the fork are counted.

use super::metrics::Snapshot;
use super::stage_report::StageReport;

/// What became of the items of a run, segment by segment.
#[derive(Debug, Default)]
pub struct RunTotals {
    /// In the order of the pipeline.
    pub(crate) segments: Vec<SegmentTotals>,
    /// Items that were cancelled.
    pub(crate) cancelled: u64,
    /// The counters of the other workers.
    pub(crate) worker_snapshots: Vec<Vec<Snapshot>>,
    pub(crate) observer_panics: u64,
}

#[derive(Debug)]
pub(crate) enum SegmentTotals {
    /// The number of calls that were started.
    Segment {
        started: u64,
    },
    Boundary {
        items_in: u64,
        items_out: u64,
    },
}

/// A step of the plan, as far as it is counted.
pub(crate) enum CountedStep<'a> {
    /// A stage or a closure: a row of the report.
    Stage(&'a str),
    /// A row of the report.
    Boundary(&'a str),
    /// The head of a branch, or the end of a fork: the items that pass are counted there.
    ForkMark,
    /// Nothing is counted here.
    Uncounted,
}

impl RunTotals {
    /// The rows of the report: one for each stage and boundary.
    pub(crate) fn stage_reports<'a>(
        &self,
        steps: impl Iterator<Item = CountedStep<'a>>,
        mut snapshots: Vec<Snapshot>,
    ) -> Vec<StageReport> {
        for others in &self.worker_snapshots {
            snapshots.iter_mut().zip(others).for_each(|(mine, other)| mine.add(other));
        }
        let mut segments = self.segments.iter();
        // The items that arrive at the next step, where that is known.
        let mut arriving = None;
        let rows = steps.zip(snapshots).filter_map(|(step, snapshot)| match step {
            CountedStep::Uncounted => None,
            CountedStep::ForkMark => {
                arriving = Some(snapshot.passed);
                None
            }
            CountedStep::Boundary(name) => {
                arriving = None;
                let boundary = segments.find_map(|segment| match *segment {
                    SegmentTotals::Boundary { items_in, items_out } => Some((items_in, items_out)),
                    SegmentTotals::Segment { .. } => None,
                });
                let (calls, outputs) = boundary.unwrap_or_default();
                Some(StageReport::new(name, true, (calls, outputs), snapshot))
            }
            CountedStep::Stage(name) => {
                let calls = arriving.unwrap_or_else(|| match segments.next() {
                    Some(&SegmentTotals::Segment { started }) => started,
                    _ => 0,
                });
                let lost = (snapshot.failed - snapshot.isolated) + snapshot.cancelled;
                let outputs = calls.saturating_sub(lost);
                arriving = Some(outputs);
                Some(StageReport::new(name, false, (calls, outputs), snapshot))
            }
        });
        rows.collect()
    }
}
