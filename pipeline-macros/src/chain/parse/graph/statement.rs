//! The statements of a block, as a graph sees them.

use syn::{Block, Expr, ExprCall, ExprClosure, Pat, Stmt, Token};

use crate::outer_names::PRIMITIVE_TYPES;

/// A statement, by what it can be in a graph.
pub(super) enum Statement<'a> {
    Let {
        pattern: &'a Pat,
        value: &'a Expr,
    },
    /// `stage(x);`
    Discarded(&'a Expr, Token![;]),
    /// The last expression, without a `;`.
    Tail(&'a Expr),
    /// `{ value }(x)` as a statement, which Rust parses as two.
    BlockCall {
        block: &'a Block,
        arguments: Vec<Expr>,
        end: Option<Token![;]>,
    },
    Other(&'a Stmt),
}

pub(super) fn statements(block: &Block) -> Vec<Statement<'_>> {
    let mut statements = Vec::new();
    let mut rest = block.stmts.iter().peekable();
    while let Some(statement) = rest.next() {
        if is_empty(statement) {
            continue;
        }
        statements.push(match statement {
            Stmt::Local(local) => match &local.init {
                Some(init) if init.diverge.is_none() => {
                    Statement::Let { pattern: &local.pat, value: &init.expr }
                }
                _ => Statement::Other(statement),
            },
            Stmt::Expr(Expr::Block(callee), None) => match rest.peek() {
                Some(Stmt::Expr(Expr::Paren(argument), end)) => {
                    let (arguments, end) = (vec![(*argument.expr).clone()], *end);
                    rest.next();
                    Statement::BlockCall { block: &callee.block, arguments, end }
                }
                Some(Stmt::Expr(Expr::Tuple(tuple), end)) => {
                    let (arguments, end) = (tuple.elems.iter().cloned().collect(), *end);
                    rest.next();
                    Statement::BlockCall { block: &callee.block, arguments, end }
                }
                _ => Statement::Other(statement),
            },
            Stmt::Expr(value, Some(end)) => Statement::Discarded(value, *end),
            Stmt::Expr(value, None) if rest.peek().is_none() => Statement::Tail(value),
            other => Statement::Other(other),
        });
    }
    statements
}

/// A `;` with nothing in front of it.
fn is_empty(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Expr(Expr::Verbatim(tokens), _) if tokens.is_empty())
}

/// What a call calls: `(stage)(x)` is `stage(x)`.
pub(super) fn callee(call: &ExprCall) -> &Expr {
    let mut function = &*call.func;
    while let Expr::Paren(inner) = function {
        function = &inner.expr;
    }
    function
}

/// The block with the statements: `{{ … }}` is `{ … }`.
pub(super) fn innermost(block: &Block) -> &Block {
    match block.stmts.as_slice() {
        [Stmt::Expr(Expr::Block(inner), None)] if inner.label.is_none() && inner.attrs.is_empty() => {
            innermost(&inner.block)
        }
        _ => block,
    }
}

pub(super) fn has_call(block: &Block) -> bool {
    let statements = statements(block);
    let calls = |statement: &Statement<'_>| match statement {
        Statement::Let { value, .. } | Statement::Discarded(value, _) | Statement::Tail(value) => {
            is_call(value)
        }
        Statement::BlockCall { .. } => true,
        Statement::Other(Stmt::Local(local)) => local.init.as_ref().is_some_and(|init| is_call(&init.expr)),
        Statement::Other(_) => false,
    };
    statements.iter().any(calls)
}

/// Whether the block of a closure binds the output of a call, as a graph does.
pub(crate) fn resembles_graph(closure: &ExprClosure) -> bool {
    let Expr::Block(block) = &*closure.body else { return false };
    let binds_call =
        |statement: &Statement<'_>| matches!(statement, Statement::Let { value, .. } if is_call(value));
    statements(innermost(&block.block)).iter().any(binds_call)
}

/// Whether this is a call of what could be a stage. `Some(x)`, `Page::new(x)` and `u32::from(x)` are not.
pub(super) fn is_call(expr: &Expr) -> bool {
    let Expr::Call(call) = expr else { return false };
    let mut function = callee(call);
    while let Expr::MethodCall(method) = function {
        function = &method.receiver;
    }
    match function {
        Expr::Path(path) => path.path.segments.last().is_some_and(|last| {
            let name = last.ident.to_string();
            let parent = path.path.segments.iter().rev().nth(1);
            let of_a_type = parent.is_some_and(|segment| {
                PRIMITIVE_TYPES.iter().any(|ty| segment.ident == ty)
                    || segment.ident.to_string().starts_with(char::is_uppercase)
            });
            !name.trim_start_matches("r#").starts_with(char::is_uppercase) && !of_a_type
        }),
        Expr::Block(_) => true,
        _ => false,
    }
}
