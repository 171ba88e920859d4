//! Takes items through stages: one, or many.
//!
//! A run of many is a line of parts, each of which pulls from the one before it ([`Upstream`]): source → lanes →
//! (boundary → lanes)* → verb. The verb's future drives the line ([`Drive`]): it polls what was woken, takes what is
//! there, and lets each part work ahead as far as its window allows. Everything is owned by that one future, so nothing
//! in it is locked; only a part that is spread over workers, and a stream, hand over to other tasks.

// Hidden methods of public traits mention these types: they have to be `pub`, though nobody can name them.
#![allow(unreachable_pub)]

mod batch;
mod chunk;
mod driver;
mod each;
mod in_flight;
mod one;
mod outputs;
mod provenance;
mod ready_set;
mod reorder_buffer;
mod run_state;
mod section;
mod segment;
pub mod source;
mod upstream;
mod verbs;
mod work_queue;
mod worker_segment;

pub use batch::settings as batch;
pub(crate) use chunk::{Chunk, run_chunk, run_observed};
pub use each::boundary;
pub(crate) use one::{CatchPanic, block_on, panic_failure, single_result};
pub use outputs::Outputs;
pub use run_state::RunState;
pub use section::{Bounded, Items, OneToOne, PassThrough, RunMany, StageSection, WithBoundary};
pub(crate) use segment::Segment;
pub use segment::SegmentContext;
pub use upstream::Upstream;
pub(crate) use upstream::{RunTotals, SegmentTotals};
pub(crate) use verbs::{RunRequest, collect, drain, one, settle, stream};
pub use worker_segment::OnWorkers;
