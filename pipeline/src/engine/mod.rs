//! Runs items through stages: one item, or many.
//!
//! A run of many items is a chain of segments, each of which pulls from the one before it ([`upstream::Upstream`]): source →
//! segment → (boundary → segment)* → sink. The future of the verb ([`driver::Driver`]) polls the calls that were woken, pulls
//! the outputs that are ready, and lets each segment prefetch as far as its buffer allows. One task owns the whole chain, so
//! the hot path takes no locks. Items move to other tasks only for `workers` and `stream`.

// Hidden methods of public traits mention these types, so they must be `pub`, although no other crate can name them.
#![allow(unreachable_pub)]

pub(crate) mod block_on;
pub(crate) mod boundary;
pub(crate) mod driver;
pub(crate) mod in_flight;
pub(crate) mod item_call;
pub(crate) mod item_result;
#[cfg(all(test, pipeline_loom))]
mod loom_models;
pub(crate) mod open_items;
pub(crate) mod outputs;
pub(crate) mod pace;
pub(crate) mod provenance;
pub(crate) mod ready_set;
pub(crate) mod reorder_buffer;
pub(crate) mod run_item;
pub(crate) mod run_many;
pub(crate) mod run_state;
pub(crate) mod section;
pub(crate) mod segment;
pub(crate) mod shape;
pub(crate) mod sinks;
pub mod source;
pub(crate) mod source_segment;
pub(crate) mod started_calls;
pub(crate) mod sweep;
pub(crate) mod swept;
pub(crate) mod sync;
pub(crate) mod turn;
pub(crate) mod upstream;
pub(crate) mod verbs;
pub(crate) mod work_queue;
pub(crate) mod worker;
pub(crate) mod worker_segment;
