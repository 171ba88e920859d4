//! Async data pipelines that the compiler has checked end to end.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod blocking;
mod boxed;
mod chain;
mod closure;
mod context;
mod display;
mod edge;
mod engine;
mod error;
mod extensions;
mod footing;
mod function;
mod overridden;
mod pipeline;
mod policy;
mod provide;
mod report;
mod run;
mod stage;

pub use boxed::{BoxPipeline, BoxStage};
pub use chain::Chain;
pub use closure::{Closure, Inspect};
pub use context::{Context, Scope};
pub use error::{BoxError, ErrorKind, FailedAttempt, StageError};
pub use extensions::Extensions;
pub use function::{RetryInput, Retryable};
pub use pipeline::{Nested, Pipeline};
pub use pipeline_macros::{Provide, pipeline, stage};
pub use provide::Provide;
pub use report::{Aborted, Failure, Report};
pub use run::RunId;
pub use stage::{Accepts, Stage, StageFn};
