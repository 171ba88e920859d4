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
pub use pipeline::boxed::BoxPipeline;
pub use pipeline::value::Pipeline;
pub use policy::merge::Merge;
pub use report::aborted::Aborted;
pub use report::failure::Failure;
pub use report::run_id::RunId;
pub use report::stage_report::StageReport;
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
/// tokio-util's, for [`Pipeline::cancel_on`].
pub use tokio_util::sync::CancellationToken;

/// The traits and types that compile errors name.
///
/// Nobody implements these by hand: `#[stage]` and `pipeline!` do, and their messages say what is missing.
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
    pub use crate::stage::contract::StageFn;
    pub use crate::stage::function::{RetryInput, Retryable, Returns, StageFailure};
}

/// Makes a function a stage: what [`pipeline!`] chains.
///
/// The function stays as it is, and callable. Beside it there is a struct of its name, which stands for it in
/// pipelines; `use stages::fetch` brings try_join2. (So a stage and a module of one name cannot be in scope together: import
/// the stage under another one, `use store::store as upsert`.) The options are in [the table above](crate#the-options-of-a-stage).
///
/// # Parameters
///
/// The first parameters are the input: none is `()`, one its type, several a tuple.
///
/// | parameter | the stage takes |
/// |---|---|
/// | `x: T`, `x: &'static T` | the value; with `retries` a `T: Clone`, of which each attempt but the last gets a copy |
/// | `x: &T` | a `T`, kept and lent to each attempt: no `Clone` needed |
/// | `&str`, `&[T]`, `&Path` | a `String`, `Vec<T>`, `PathBuf` (a `Path` of one's own goes as `&self::Path`) |
/// | `#[state] x: &T` | nothing: a resource of the bound state, see [`Provide`](trait@Provide) |
/// | `#[context] cx: &Context` | nothing: the [`Context`] of the item |
///
/// # What it returns
///
/// A type whose last name is `Result` is fallible (so `io::Result<T>` and `anyhow::Result<T>` are), with any error that
/// turns into a `Box<dyn Error + Send + Sync>`. Any other type is a value.
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
/// | step | is |
/// |---|---|
/// | `fetch`, `stages::fetch`, `decode::<Airport>` | a function with [`#[stage]`](macro@stage) |
/// | `fetch.retries(5).timeout("1s")` | the same under another policy |
/// | <code>&#124;x&#124; x + 1</code> | a closure: sync, infallible |
/// | <code>inspect(&#124;x&#124; println!("{x}"))</code> | a look at what goes by |
/// | `each`, `batch(500, "50ms")` | a [`boundary`], where the number of items changes |
/// | `(a => b, c)` | branches side by side on one item: a tuple of what they give, for a stage of as many parameters |
/// | <code>(primary &#124; mirror)</code> | branches in order until one succeeds: see [`StageError::alternatives`] |
/// | `match { pattern if guard => value => a => b, … }` | the branch of the pattern that fits; all end in one type |
/// | <code>(&#124;x: T&#124; { let y = a(x); b(x, y) })</code> | a graph; alone it needs no parentheses |
/// | `{ value }` | any value that is a [`Stage`]: another pipeline, a type of one's own |
///
/// `Type:` in front says what goes in where nothing else does: `pipeline![String: |s| s.len()]`. `pipeline![…]`,
/// `pipeline!(…)`, `pipeline!{…}` and `pipeline!{< … >}` are the same.
///
/// A nested pipeline without a state of its own runs under that of the pipeline around it.
///
/// # Branches
///
/// Branches get what the stage before them gives: lent, where their first stage takes a reference; else each but the last a
/// copy, which asks for `Clone`. (The last one gets a copy, too, where it runs beside one that borrows.) The first failure of
/// branches side by side drops the others. Alternatives are not tried after a panic, which is a mistake and no outage.
/// There can be eight of either; arms of a `match` as many as you like. A boundary cannot stand in a branch. A closure goes on
/// up to the end of its branch, so before a `|` it stands in parentheses: `((|x| x + 1) | other)`.
///
/// # Graphs
///
/// A pipeline that is one closure with the type of its parameter and a block with calls of stages is a graph. Each call
/// starts as soon as its arguments are there. `let` binds a name, `_`, or a tuple of them; the last expression is the output.
///
/// | argument | is |
/// |---|---|
/// | `user` | the value of that name: lent to a stage that takes a reference, else copied, or moved by the last that wants it |
/// | `orders.len()`, `format!("{user}")` | an expression: it sees values by reference, and is evaluated for each item |
/// | `10`, `"text"`, `LIMIT`, `limit` | a literal (a text is a `String` for a stage of `&str`), a constant, a copy of a variable from outside; a `&str` of either goes as `name.to_owned()` |
///
/// In the last expression, `Page { user, score }`, values are not lent but there. `{ pipeline }(x)` calls another pipeline,
/// `fetch.retries(2)(x)` a stage under another policy. Within an expression only plain functions are
/// called: a stage would lose its policy there, and is an error. A value that a call moves while others still borrow it has to be
/// `Clone`, so that nobody has to wait; behind those that borrow it, it is moved.
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

/// Makes a struct provide each of its fields, by its type, to the stages that ask for it.
///
/// `#[provide(skip)]` leaves a field out; two fields of one type are an error. `#[provide(crate = path)]` on the struct
/// says where `pipeline` is, if it goes by another name. See [the trait](trait@Provide) for an example.
pub use pipeline_macros::Provide;

/// The snippets of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
