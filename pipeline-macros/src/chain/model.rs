//! A chain as it was parsed.

use proc_macro2::{Ident, Span, TokenStream};
use syn::spanned::Spanned;
use syn::{Expr, ExprClosure, LitStr, Pat, Path, Token, Type};

use super::dataflow::Dataflow;
use crate::policy::{Asyncness, Policy};

/// The input of `pipeline!`.
#[derive(Default)]
pub(crate) struct Pipeline {
    /// `crate = path;`
    pub(crate) crate_path: Option<Path>,
    /// `Type:`
    pub(crate) input: Option<Type>,
    /// At least one, unless there is a mistake.
    pub(crate) steps: Vec<Step>,
}

/// One step.
pub(crate) enum Step {
    Stage(StageUse),
    /// `|x: u32| x + 1`, `try |x| …`, `|x| async move { … }`
    Closure(Closure),
    /// `inspect(|x| …)`
    Inspect(Closure),
    /// `{ value }`
    Value(Expr),
    /// `each`, `batch(n, "linger")`
    Boundary(Boundary),
    /// `(a => b, c)`
    All(Vec<Vec<Step>>),
    /// `(a | b => c)`
    First(Vec<Vec<Step>>),
    /// `match { … }`
    Route {
        keyword: Token![match],
        arms: Vec<Arm>,
    },
    /// `|x: T| { let y = stage(x); … }`
    Graph(Box<Graph>),
}

/// `fetch`, `stages::fetch`, `decode::<Airport>`, with its overrides.
pub(crate) struct StageUse {
    pub(crate) path: Path,
    pub(crate) overrides: Option<Box<Policy>>,
    /// The overrides as they are written: `.retries(5).timeout("1s")`.
    pub(crate) written: TokenStream,
}

pub(crate) struct Closure {
    /// `step("name")`
    pub(crate) name: Option<LitStr>,
    /// Whether it has `try`: an error that it returns fails the item.
    pub(crate) fallible: bool,
    /// Whether its body is an async block.
    pub(crate) asyncness: Asyncness,
    pub(crate) expr: ExprClosure,
    /// The first function that it calls, if it resembles a graph: that must not be a stage.
    pub(crate) called_function: Option<Path>,
}

/// A step that changes the number of items.
pub(crate) enum Boundary {
    Each(Ident),
    Batch { name: Ident, size: Box<Expr>, linger: Option<Linger> },
}

/// How long a batch waits for more items.
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

/// Calls that are connected by named values.
pub(crate) struct Graph {
    pub(crate) input_pattern: Pat,
    pub(crate) input: Type,
    /// The name of each value.
    pub(crate) value_names: Vec<Ident>,
    pub(crate) dataflow: Dataflow,
    /// The source of each call of the dataflow.
    pub(crate) calls: Vec<GraphCall>,
    /// For each argument that is an expression the names of values in scope.
    pub(crate) names_in_scope: Vec<Vec<Ident>>,
    /// The variables from outside that several expressions use.
    pub(crate) shared_variables: Vec<Ident>,
    /// The tail expression, if that is neither a call nor a name.
    pub(crate) tail: Option<Expr>,
}

/// `let pattern = callee(arguments);`
pub(crate) struct GraphCall {
    pub(crate) callee: Callee,
    pub(crate) arguments: Vec<Expr>,
    /// `None` if the output is that of the graph, or unused.
    pub(crate) pattern: Option<Pat>,
}

pub(crate) enum Callee {
    Stage(StageUse),
    /// `{ value }`
    Value(Expr),
}

impl Step {
    /// Where errors point that are about the step's input.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Stage(stage) => stage.span(),
            Self::Closure(Closure { expr, .. }) | Self::Inspect(Closure { expr, .. }) => {
                expr.inputs_begin.span()
            }
            Self::Value(value) => value.span(),
            Self::Boundary(boundary) => boundary.name().span(),
            Self::All(branches) | Self::First(branches) => {
                branches.first().and_then(|steps| steps.first()).map_or_else(Span::call_site, Self::span)
            }
            Self::Route { keyword, .. } => keyword.span,
            Self::Graph(graph) => graph.input_pattern.span(),
        }
    }
}

impl StageUse {
    /// The stage's own name, to which an error about the edge before it points.
    pub(crate) fn span(&self) -> Span {
        self.path.segments.last().map_or_else(Span::call_site, |segment| segment.ident.span())
    }
}

impl Boundary {
    /// The word that names it.
    pub(crate) fn name(&self) -> &Ident {
        match self {
            Self::Each(name) | Self::Batch { name, .. } => name,
        }
    }
}
