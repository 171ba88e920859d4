//! Guides, one per topic, with examples that run.
//!
//! | guide | topics |
//! |---|---|
//! | [`errors`] | retries, backoff, timeouts and deadlines, [`StageError`](crate::StageError), error modes |
//! | [`limits`] | concurrency, rates, blocking calls, workers, and whether async fits the job |
//! | [`many_items`] | verbs, order, boundaries, back-pressure, reports, streams, dead letters, cancellation |
//! | [`forks`] | branches, alternatives, `match`, graphs, borrowing and copying, pictures |
//! | [`state`] | shared resources, the item's context, pipelines in structs, web handlers and tasks |
//! | [`testing`] | unit tests of stages, the paused clock, seeds, observers and events |

#[doc = include_str!("errors.md")]
pub mod errors {}

#[doc = include_str!("limits.md")]
pub mod limits {}

#[doc = include_str!("many_items.md")]
pub mod many_items {}

#[doc = include_str!("forks.md")]
pub mod forks {}

#[doc = include_str!("state.md")]
pub mod state {}

#[doc = include_str!("testing.md")]
pub mod testing {}
