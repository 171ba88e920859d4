//! A chain as it was written.

use proc_macro2::Ident;
use syn::{Expr, ExprClosure, Path, Type};

use crate::policy::Policy;

/// What stands between the brackets of `pipeline!`.
pub(crate) struct Pipeline {
    /// `crate = path;` in front of all.
    pub(crate) runtime: Option<Path>,
    /// `Type:` in front.
    pub(crate) input: Option<Type>,
    /// At least one.
    pub(crate) steps: Vec<Step>,
}

/// One step.
pub(crate) enum Step {
    /// `fetch`, `stages::fetch`, `decode::<Airport>`, and what is overridden behind it.
    Stage { path: Path, overrides: Option<Box<Policy>> },
    /// `|x: u32| x + 1`
    Closure(ExprClosure),
    /// `inspect(|x| …)`
    Inspect(ExprClosure),
    /// `{ value }`
    Value(Expr),
    /// `each`, `batch(n, "linger")`
    Boundary(Boundary),
}

/// Where the number of items changes.
pub(crate) enum Boundary {
    Each(Ident),
    Batch { name: Ident, size: Box<Expr>, linger: Option<Linger> },
}

/// How long a batch may wait for more.
pub(crate) enum Linger {
    Literal(std::time::Duration),
    Value(Box<Expr>),
}
