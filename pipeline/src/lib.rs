#![doc = include_str!("guide/crate_page.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod call;
mod chain;
pub mod dead_letters;
mod engine;
mod error;
mod fork;
pub mod graph;
pub mod guide;
mod pipeline;
mod policy;
mod report;
mod run;
mod stage;

pub use call::stage_context::StageContext;
pub use dead_letters::{DeadLetter, DeadLetters};
pub use engine::outputs::Outputs;
pub use engine::shape::{OneToOne, WithBoundary};
pub use engine::source;
pub use error::causes::BoxError;
pub use error::failed_attempt::FailedAttempt;
pub use error::kind::ErrorKind;
pub use error::stage_error::StageError;
pub use graph::Graph;
pub use pipeline::blocking::OutputsIter;
pub use pipeline::boxed::BoxPipeline;
pub use pipeline::value::Pipeline;
pub use policy::merge::Merge;
pub use policy::retry_after;
pub use report::aborted::Aborted;
pub use report::batches_closed::BatchesClosed;
pub use report::failure::Failure;
pub use report::gathered::Gathered;
pub use report::run_id::{ParseRunIdError, RunId};
pub use report::stage_report::StageReport;
pub use report::stopped::Stopped;
pub use report::summary::Report;
pub use run::context::Context;
pub use run::events::{Event, EventSender, Events, events};
pub use run::extensions::Extensions;
pub use run::observer::Observer;
pub use run::outcome::Outcome;
pub use run::settings::ErrorMode;
pub use run::stage_call::StageCall;
pub use stage::contract::{Accepts, Stage};
pub use stage::state::Provide;
/// The token for [`Pipeline::cancel_on`], from tokio-util.
pub use tokio_util::sync::CancellationToken;

// Not in the documentation: the compiler names these types when it shows the type of a pipeline, and it does so by the
// shortest public path.
#[doc(hidden)]
pub use crate::{
    chain::Chain,
    engine::section::{Bounded, PassThrough, StageSection},
    fork::{branch::Branch, first::First, route::Route, step::Fork},
    pipeline::boxed::BoxSections,
    pipeline::nested::{Nested, NotNestable},
    policy::overridden::Overridden,
    stage::closure::{AsyncClosure, Closure, Inspect, TryClosure},
    stage::embedded::Embedded,
    stage::function::Single,
    stage::never_fails::NeverFails,
};

/// The traits and types that appear in compile errors.
///
/// They are not meant to be implemented by hand: `#[stage]` and `pipeline!` implement them.
pub mod traits {
    pub use crate::engine::boundary::batch::batch;
    pub use crate::engine::boundary::each::{Items, each};
    pub use crate::engine::run_many::RunMany;
    pub use crate::engine::shape::{AnyBoundary, CallerTask, Shape, WorkerTasks};
    pub use crate::fork::checks::{
        Arity, CalledInClosure, CalledInExpression, CloneToShare, CloneWhileBorrowed, Destructure, EndsAs,
        GraphInput, Parameter, Text,
    };
    pub use crate::pipeline::nested::{Nestable, OneToOneRun};
    pub use crate::policy::split::Rows;
    pub use crate::stage::closure::Fallible;
    #[doc(hidden)]
    pub use crate::stage::function::decide;
    pub use crate::stage::function::{RetryInput, Retryable, Returns, StageFailure, StageFn};
    pub use crate::stage::output_checks::{NotAFuture, NotAResult, NotAResultOfItems, ReturnsNoResult};
}

/// Turns a function into a stage, which [`pipeline!`] can chain.
///
/// The function stays as it is, and can be called directly. The macro adds a struct of the same name, which represents the
/// function in pipelines; `use stages::fetch` imports both. (So a stage and a module of the same name cannot be in scope
/// together: rename the import, as in `use store::store as upsert`.) The options are in
/// [the table above](crate#the-options-of-a-stage).
///
/// # Parameters
///
/// The parameters without an attribute are the input: `()` if there is none, its type if there is one, a tuple if there are
/// several. They come before the others.
///
/// | parameter | the stage takes |
/// |---|---|
/// | `x: T`, `x: &'static T` | the value; with `retries`, a `T: Clone`, which is cloned for each attempt but the last |
/// | `x: &T` | a `T`, which each attempt borrows; no `Clone` needed |
/// | `&str`, `&[T]`, `&Path` | a `String`, `Vec<T>`, `PathBuf` (write `&self::Path` for a type `Path` of your own) |
/// | `#[state] x: &T` | nothing: a resource of the bound state, see [`Provide`](trait@Provide) |
/// | `#[context] cx: &Context` | nothing: the [`Context`] of the item |
///
/// # Return type
///
/// A return type whose path ends in `Result` is fallible (including `io::Result<T>` and `anyhow::Result<T>`). Its error must
/// convert to `Box<dyn Error + Send + Sync>`. A `Result` under another name needs `#[stage(fallible)]`, and is a compile error
/// without it. Any other type is a plain value.
///
/// ```
/// use pipeline::{pipeline, stage};
///
/// #[stage(retries = 2, delay = "10ms", timeout = "1s")]
/// async fn read(path: &std::path::Path) -> std::io::Result<String> {
///     tokio::task::yield_now().await;
///     std::fs::read_to_string(path)
/// }
///
/// let manifest = pipeline![read].run_blocking("Cargo.toml".into())?;
/// assert!(manifest.contains("[package]"));
/// # Ok::<(), pipeline::StageError>(())
/// ```
pub use pipeline_macros::stage;

/// Chains stages into a [`Pipeline`], and checks each edge at compile time.
///
/// | step | meaning |
/// |---|---|
/// | `fetch`, `stages::fetch`, `decode::<Airport>` | a function with [`#[stage]`](macro@stage) |
/// | `fetch.retries(5).timeout("1s")` | the same stage with other options |
/// | <code>&#124;x&#124; x + 1</code> | a closure |
/// | <code>try &#124;row&#124; row.parse::&lt;u32&gt;()</code> | a closure that can fail, with any error that converts to `Box<dyn Error + Send + Sync>`; `?` and `return` end the closure |
/// | <code>&#124;x&#124; async move { … }</code>, <code>try &#124;x&#124; async move { … }</code> | a closure that waits: its body is an async block, or ends with one |
/// | <code>step("price") &#124;x&#124; …</code> | a closure of any kind with a name, for errors, reports and pictures |
/// | <code>inspect(&#124;x&#124; println!("{x}"))</code> | calls a closure with a reference to each item |
/// | `each`, `batch(500, "50ms")` | a boundary, which changes the number of items |
/// | `(a => b, c)` | concurrent branches on one item; their outputs are a tuple, or the arguments of the next stage |
/// | <code>(primary &#124; mirror)</code> | alternatives, tried in order until one succeeds: see [`StageError::alternatives`] |
/// | `match { pattern if guard => value => a => b, … }` | the branch of the first matching pattern; all branches return the same type |
/// | <code>(&#124;x: T&#124; { let y = a(x); b(x, y) })</code> | a graph; it needs no parentheses if it is the only step |
/// | `{ value }` | any value that implements [`Stage`]: another pipeline, or a type of your own |
///
/// A leading `Type:` states the input type where it cannot be inferred: `pipeline![String: |s| s.len()]`. `pipeline![…]`,
/// `pipeline!(…)`, `pipeline!{…}` and `pipeline!{< … >}` are equivalent.
///
/// A nested pipeline without a state of its own uses the state of the enclosing pipeline.
///
/// A `Result` is no output by accident: if the last closure returns one, it needs `try`, or a return type,
/// <code>&#124;row&#124; -> Result<…> { … }</code>, which makes the `Result` itself the output. A future as the output is an error too.
///
/// ```
/// use std::num::ParseIntError;
///
/// use pipeline::pipeline;
///
/// let double = pipeline![String: step("parse") try |row| row.parse::<u32>() => |x| async move { x * 2 }];
/// assert_eq!(double.run_blocking("21".to_owned())?, 42);
/// let error = double.run_blocking("x".to_owned()).unwrap_err();
/// assert_eq!(error.stage(), "parse");
/// assert!(error.downcast_ref::<ParseIntError>().is_some());
/// # Ok::<(), pipeline::StageError>(())
/// ```
///
/// # Branches
///
/// All branches get the output of the previous stage. A branch whose first stage takes a reference borrows it. The other
/// branches get clones, except that the last one gets the value itself, so the type must be `Clone`. (The last branch gets a clone
/// too if it runs concurrently with one that borrows.) If a concurrent branch fails, the others are dropped. If an alternative
/// panics, no other is tried, because a panic is a bug and not an outage.
///
/// There can be up to eight branches or alternatives, and any number of `match` arms. A branch cannot contain a boundary. A closure
/// extends to the end of its branch, so it needs parentheses before a `|`: `((|x| x + 1) | other)`.
///
/// # Graphs
///
/// A graph is a closure that declares the type of its parameter, and whose body is a block that calls stages. Each call starts
/// as soon as its arguments are available. `let` binds a name, `_`, or a tuple of them; the last expression is the output.
///
/// | argument | meaning |
/// |---|---|
/// | `user` | the value of that name: borrowed by a stage that takes a reference, otherwise cloned, or moved into its last consumer |
/// | `orders.len()`, `format!("{user}")` | an expression: it sees values by reference, and is evaluated once per item |
/// | `10`, `"text"`, `LIMIT`, `limit` | a literal (for a stage that takes `&str`, a string literal becomes a `String`), a constant, or a clone of an outer variable; write `name.to_owned()` for a constant or variable of type `&str` |
///
/// The last expression, such as `Page { user, score }`, gets values instead of references. `{ pipeline }(x)` calls another
/// pipeline, and `fetch.retries(2)(x)` a stage with other options. An expression can only call plain functions: calling a stage
/// there is an error, because it would bypass the stage's options. A value that one call moves while other calls may still
/// borrow it must be `Clone`, so that the calls can run concurrently. If it is only moved after those calls have finished, it
/// need not be.
///
/// ```
/// use pipeline::{pipeline, stage};
///
/// #[stage]
/// fn words(text: &str) -> Vec<String> {
///     text.split_whitespace().map(str::to_owned).collect()
/// }
///
/// let longest = pipeline![words => |words| words.into_iter().max_by_key(String::len)];
/// assert_eq!(longest.run_blocking("to be or never".to_owned())?.as_deref(), Some("never"));
/// # Ok::<(), pipeline::StageError>(())
/// ```
pub use pipeline_macros::pipeline;

/// Implements [`Provide`](trait@Provide) for the type of each field, so that stages can request the fields as resources.
///
/// `#[provide(skip)]` excludes a field. Two fields of the same type are an error. `#[provide(crate = path)]` on the struct sets
/// the path of this crate, if it is renamed. See [the trait](trait@Provide) for an example.
pub use pipeline_macros::Provide;

/// Tests the code blocks of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
