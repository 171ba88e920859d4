//! The graph form: straight-line code whose calls run as soon as they can.

mod reader;

use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::token::Brace;
use syn::{Block, Expr, ExprClosure, Pat, Stmt, Token, Type};

use self::reader::Reader;
use super::model::Step;
use crate::diagnostics::Diagnostics;

/// The most arguments of a call, values that an expression looks at, and names in a tuple.
const MAX_ARITY: usize = 8;

const EXPECTED: &str = "a graph is made of calls of stages, `let user = fetch_user(id);`, and ends in what it gives: other code belongs in a stage";

/// A graph, if that is what comes: `|id: UserId| { … }` with a call in it, and nothing behind it.
///
/// A closure with a block that calls nothing stays a closure.
pub(crate) fn parse(
    input: ParseStream<'_>,
    ends: impl Fn(ParseStream<'_>) -> bool,
    diagnostics: &mut Diagnostics,
) -> syn::Result<Option<Step>> {
    let ahead = input.fork();
    let Ok((pattern, ty)) = head(&ahead) else { return Ok(None) };
    let block: Block = ahead.parse()?;
    if !has_call(&block) || !ends(&ahead) {
        return Ok(None);
    }
    input.advance_to(&ahead);
    Reader::read(pattern, ty, &block, diagnostics).map(Some)
}

fn head(input: ParseStream<'_>) -> syn::Result<(Pat, Type)> {
    // What is outside is cloned into a graph with and without it.
    input.parse::<Option<Token![move]>>()?;
    input.parse::<Token![|]>()?;
    let pattern = Pat::parse_single(input)?;
    input.parse::<Token![:]>()?;
    let ty = input.parse()?;
    input.parse::<Token![|]>()?;
    if !input.peek(Brace) {
        return Err(input.error("no block"));
    }
    Ok((pattern, ty))
}

/// Whether a closure has a block of `let`s with calls in it, as a graph has.
pub(crate) fn resembles_graph(closure: &ExprClosure) -> bool {
    let Expr::Block(block) = &*closure.body else { return false };
    let lets =
        |statement: &Statement<'_>| matches!(statement, Statement::Let { value, .. } if is_call(value));
    statements(&block.block).iter().any(lets)
}

fn has_call(block: &Block) -> bool {
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

/// A call of what is written like a stage. `Some(x)` and `Page::new(x)` are expressions.
fn is_call(expr: &Expr) -> bool {
    let Expr::Call(call) = expr else { return false };
    let mut function = &*call.func;
    while let Expr::MethodCall(method) = function {
        function = &method.receiver;
    }
    match function {
        Expr::Path(path) => path.path.segments.last().is_some_and(|last| {
            let name = last.ident.to_string();
            let own = path.path.segments.iter().rev().nth(1);
            let of_a_type =
                own.is_some_and(|segment| segment.ident.to_string().starts_with(char::is_uppercase));
            !name.trim_start_matches("r#").starts_with(char::is_uppercase) && !of_a_type
        }),
        Expr::Block(_) => true,
        _ => false,
    }
}

/// A statement, as far as a graph has some.
enum Statement<'a> {
    Let {
        pattern: &'a Pat,
        value: &'a Expr,
    },
    /// A value that is let go, and the `;` behind it.
    Discarded(&'a Expr, Token![;]),
    Tail(&'a Expr),
    /// `{ value }(x)` where a statement begins, which Rust reads as two.
    BlockCall {
        block: &'a Block,
        arguments: Vec<Expr>,
        end: Option<Token![;]>,
    },
    Other(&'a Stmt),
}

fn statements(block: &Block) -> Vec<Statement<'_>> {
    let mut statements = Vec::new();
    let mut rest = block.stmts.iter().peekable();
    while let Some(statement) = rest.next() {
        statements.push(match statement {
            Stmt::Local(local) => match &local.init {
                Some(init) if init.diverge.is_none() => {
                    Statement::Let { pattern: &local.pat, value: &init.expr }
                }
                _ => Statement::Other(statement),
            },
            Stmt::Expr(Expr::Block(called), None) => match rest.peek() {
                Some(Stmt::Expr(Expr::Paren(argument), end)) => {
                    let (arguments, end) = (vec![(*argument.expr).clone()], *end);
                    rest.next();
                    Statement::BlockCall { block: &called.block, arguments, end }
                }
                Some(Stmt::Expr(Expr::Tuple(tuple), end)) => {
                    let (arguments, end) = (tuple.elems.iter().cloned().collect(), *end);
                    rest.next();
                    Statement::BlockCall { block: &called.block, arguments, end }
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
