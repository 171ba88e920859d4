//! Computes the rows of a report from the counters of a run.
//!
//! A call that is ready at once and succeeds is not counted. The number of such calls is derived: the calls of a stage are
//! the outputs of the step before it, and its outputs are its calls minus failures and cancellations. Where a pipeline
//! forks, the items that enter each branch and leave the fork are counted.

use super::batches_closed::BatchesClosed;
use super::metrics::Snapshot;
use super::stage_report::StageReport;

/// The item counts of a run, segment by segment.
#[derive(Debug, Default)]
pub struct RunTotals {
    /// The segments, in the order of the pipeline.
    pub(crate) segments: Vec<SegmentTotals>,
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
    Each {
        items_in: u64,
        items_out: u64,
    },
    Batch {
        items_in: u64,
        closed: BatchesClosed,
    },
}

/// How a step of the plan takes part in the report.
pub(crate) enum CountedStep<'a> {
    /// A stage or a closure: a row of the report.
    Stage(&'a str),
    /// A boundary: a row of the report.
    Boundary(&'a str),
    /// The start of a branch, or the end of a fork: it counts the items that pass.
    ForkMark,
    /// A step that counts nothing.
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
        // The number of items that reach the next step, if known: not at the start of a segment.
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
                    SegmentTotals::Each { items_in, items_out } => Some((items_in, items_out, None)),
                    SegmentTotals::Batch { items_in, closed } => {
                        Some((items_in, closed.total() as u64, Some(closed)))
                    }
                    SegmentTotals::Segment { .. } => None,
                });
                let (calls, outputs, closed) = boundary.unwrap_or_default();
                Some(StageReport { closed, ..StageReport::new(name, true, (calls, outputs), snapshot) })
            }
            CountedStep::Stage(name) => {
                let calls = arriving.unwrap_or_else(|| match segments.next() {
                    Some(&SegmentTotals::Segment { started }) => started,
                    _ => 0,
                });
                let dropped = (snapshot.failed - snapshot.isolated) + snapshot.cancelled;
                let outputs = calls.saturating_sub(dropped);
                arriving = Some(outputs);
                Some(StageReport::new(name, false, (calls, outputs), snapshot))
            }
        });
        rows.collect()
    }
}
