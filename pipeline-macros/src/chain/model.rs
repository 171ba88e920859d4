//! A chain as it was written.

use proc_macro2::{Ident, Span};
use syn::{Expr, ExprClosure, Pat, Path, Token, Type};

use super::dataflow::Dataflow;
use crate::policy::Policy;

/// What stands between the brackets of `pipeline!`.
pub(crate) struct Pipeline {
    /// `crate = path;` in front of all.
    pub(crate) crate_path: Option<Path>,
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
    /// `(a => b, c)`
    All(Vec<Vec<Step>>),
    /// `(a | b => c)`
    First(Vec<Vec<Step>>),
    /// `match { … }`
    Route { keyword: Token![match], arms: Vec<Arm> },
    /// `|x: T| { let y = stage(x); … }`
    Graph(Box<Graph>),
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

/// `pattern if guard => value => chain`
pub(crate) struct Arm {
    pub(crate) pattern: Pat,
    pub(crate) guard: Option<Expr>,
    pub(crate) value: Expr,
    pub(crate) steps: Vec<Step>,
}

/// Calls that are wired up by the names of values.
pub(crate) struct Graph {
    /// Where the input is named.
    pub(crate) input_span: Span,
    /// The type of the input.
    pub(crate) input: Type,
    /// The names of the values, in their order.
    pub(crate) value_names: Vec<Ident>,
    pub(crate) dataflow: Dataflow,
    /// What is called: a stage or a value.
    pub(crate) callees: Vec<Step>,
    /// The arguments of each call, as they were written.
    pub(crate) arguments: Vec<Vec<Expr>>,
    /// For each argument that is an expression the names of values in sight.
    pub(crate) names_in_scope: Vec<Vec<Ident>>,
    /// The variables from outside that several expressions have.
    pub(crate) shared_variables: Vec<Ident>,
    /// Where the outputs are bound.
    pub(crate) output_patterns: Vec<Option<Pat>>,
    pub(crate) input_pattern: Pat,
    /// The expression at the end, if that is no call and no name.
    pub(crate) tail: Option<Expr>,
}

impl Step {
    /// Where errors point that are about what goes into it.
    pub(crate) fn span(&self) -> Span {
        use syn::spanned::Spanned;
        match self {
            Self::Stage { path, .. } => {
                path.segments.last().map_or_else(Span::call_site, |segment| segment.ident.span())
            }
            Self::Closure(closure) | Self::Inspect(closure) => closure.inputs_begin.span(),
            Self::Value(value) => value.span(),
            Self::Boundary(boundary) => boundary.name().span(),
            Self::All(branches) | Self::First(branches) => {
                branches.first().and_then(|steps| steps.first()).map_or_else(Span::call_site, Self::span)
            }
            Self::Route { keyword, .. } => keyword.span,
            Self::Graph(graph) => graph.input_span,
        }
    }
}
