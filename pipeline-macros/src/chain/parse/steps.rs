//! The recursive part of the grammar: steps, and the forks among them, whose branches are steps.

use proc_macro2::TokenTree;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::token::{Brace, Paren};
use syn::{BinOp, Expr, Ident, Pat, Token, braced, parenthesized};

use super::stage::{EXPECTED_STEP, named_stage, overrides, value};
use super::{boundary, closure, graph};
use crate::arity::MAX_ARITY;
use crate::chain::model::{Arm, Step};
use crate::diagnostics::Diagnostics;

/// Where the steps of a chain end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepsEnd {
    /// At the end of the input.
    Input,
    /// Where the next branch begins.
    Branch,
    /// Where the next arm begins.
    Arm,
}

impl StepsEnd {
    fn is_reached(self, input: ParseStream<'_>) -> bool {
        input.is_empty()
            || match self {
                Self::Input => false,
                Self::Branch => input.peek(Token![,]) || input.peek(Token![|]),
                Self::Arm => input.peek(Token![,]),
            }
    }
}

/// Reads steps up to `end`. Before a mistake it adds those in front of it.
pub(crate) fn steps(
    input: ParseStream<'_>,
    end: StepsEnd,
    steps: &mut Vec<Step>,
    diagnostics: &mut Diagnostics,
) -> syn::Result<()> {
    let start = input.fork();
    match graph::parse(input, |rest| end.is_reached(rest), diagnostics) {
        Ok(None) => {}
        Ok(Some(graph)) => {
            steps.push(Step::Graph(Box::new(graph)));
            return Ok(());
        }
        Err(error) => {
            // To an editor a graph with a mistake is a closure.
            steps.extend(closure::parse(&start).ok().flatten());
            return Err(error);
        }
    }
    loop {
        if input.peek(Token![=>]) {
            return Err(input.error("a stage is missing before this `=>`"));
        }
        if input.peek(Paren) {
            parenthesized(input, steps, diagnostics)?;
        } else {
            step(input, steps, diagnostics)?;
        }
        if end.is_reached(input) {
            return Ok(());
        }
        let arrow = arrow(input)?;
        // A `|` would be the start of a closure.
        if input.is_empty() || end.is_reached(input) && !input.peek(Token![|]) {
            return Err(syn::Error::new_spanned(arrow, "a stage is missing after this `=>`"));
        }
    }
}

fn step(input: ParseStream<'_>, steps: &mut Vec<Step>, diagnostics: &mut Diagnostics) -> syn::Result<()> {
    if input.peek(Token![#]) {
        let message =
            "a step cannot have attributes: put `#[cfg(…)]` on the statement with the whole pipeline";
        return Err(input.error(message));
    }
    if input.peek(Token![match]) {
        return route(input, steps, diagnostics);
    }
    let simple = match closure::parse(input)? {
        Some(step) => Some(step),
        None if input.peek(Brace) => Some(Step::Value(value(input)?)),
        None => boundary::parse(input)?.map(Step::Boundary),
    };
    if let Some(step) = simple {
        steps.push(step);
        return Ok(());
    }
    if !(input.peek(Ident::peek_any) || input.peek(Token![::])) || is_keyword(input) {
        return Err(input.error(EXPECTED_STEP));
    }
    let mut stage = named_stage(input)?;
    let read = overrides(input, &mut stage, diagnostics);
    steps.push(Step::Stage(stage));
    read
}

/// A keyword that cannot start a path.
fn is_keyword(input: ParseStream<'_>) -> bool {
    !input.peek(Ident)
        && !input.peek(Token![::])
        && !input.peek(Token![crate])
        && !input.peek(Token![self])
        && !input.peek(Token![super])
}

fn arrow(input: ParseStream<'_>) -> syn::Result<Token![=>]> {
    if input.peek(Token![=>]) {
        return input.parse();
    }
    let ahead = input.fork();
    let is_reached = ahead.parse::<TokenTree>().is_ok() && ahead.is_empty();
    let message = if is_reached && (input.peek(Token![,]) || input.peek(Token![;])) {
        "no stage follows: remove this"
    } else if input.peek(Token![#]) {
        "a step cannot have attributes, nor can its overrides: put `#[cfg(…)]` on the statement with the whole pipeline"
    } else if input.peek(Token![.]) {
        "only a named stage can have its policy overridden: override the stages inside"
    } else if input.peek(Paren) {
        "name the stage, do not call it: remove the parentheses, the pipeline passes the item"
    } else if input.peek(Token![<]) {
        "write the type arguments of a stage with a turbofish: `decode::<Airport>`"
    } else if input.peek(Token![->]) || input.peek(Token![>>]) || input.peek(Token![>]) {
        "stages are joined by `=>`"
    } else if input.peek(Token![,]) || input.peek(Token![;]) || input.peek(Token![|]) {
        "expected `=>` between two stages"
    } else if input.peek(Token![?]) {
        "a failure already stops the item: remove the `?`"
    } else {
        "expected `=>` and another stage, or the end"
    };
    Err(input.error(message))
}

/// `(a, b)`, `(a | b)`, or a chain in parentheses.
fn parenthesized(
    input: ParseStream<'_>,
    steps: &mut Vec<Step>,
    diagnostics: &mut Diagnostics,
) -> syn::Result<()> {
    let content;
    let parentheses = parenthesized!(content in input);
    let mut branches = Vec::new();
    let read = self::branches(&content, parentheses, &mut branches, diagnostics);
    // Before a mistake a branch may be missing.
    branches.retain(|branch| !branch.is_empty());
    branches.truncate(MAX_ARITY);
    match (branches.len(), &read) {
        (0 | 1, _) => steps.extend(branches.pop().into_iter().flatten()),
        (_, Ok(Separator::Bar)) => steps.push(Step::First(branches)),
        _ => steps.push(Step::All(branches)),
    }
    read.map(|_| ())
}

/// What stands between branches.
enum Separator {
    Comma,
    Bar,
}

/// The branches within parentheses. Without a separator there is one.
fn branches(
    content: ParseStream<'_>,
    parentheses: Paren,
    branches: &mut Vec<Vec<Step>>,
    diagnostics: &mut Diagnostics,
) -> syn::Result<Separator> {
    if content.is_empty() {
        let message = "expected branches in these parentheses: `(fetch_user, fetch_orders)` runs both on each item, `(primary | mirror)` returns the first that succeeds";
        return Err(syn::Error::new(parentheses.span.join(), message));
    }
    branch(content, branches, diagnostics)?;
    if content.is_empty() {
        refuse_trailing_bit_or(branches)?;
        return Ok(Separator::Comma);
    }
    let all = content.peek(Token![,]);
    while !content.is_empty() {
        if content.peek(Token![||]) {
            return Err(content.error("alternatives are separated by a single `|`"));
        }
        if content.peek(Token![,]) != all {
            let message = "`,` and `|` cannot be mixed: `,` separates branches that run concurrently, `|` separates alternatives; put the inner ones in parentheses";
            return Err(content.error(message));
        }
        let separator = content.span();
        if all {
            content.parse::<Token![,]>()?;
            if content.is_empty() {
                break;
            }
        } else {
            content.parse::<Token![|]>()?;
            if content.is_empty() {
                return Err(syn::Error::new(separator, "an alternative is missing after this `|`"));
            }
        }
        branch(content, branches, diagnostics)?;
    }
    if branches.len() == 1 {
        let message = "a single branch needs no parentheses: remove them, or add a branch, `(a, b)`";
        return Err(syn::Error::new(parentheses.span.join(), message));
    }
    if let Some(first) = branches.get(MAX_ARITY).and_then(|steps| steps.first()) {
        let message = "a fork has at most eight branches: move some into a nested pipeline, `{ pipeline![…] }`, or use the graph form, which has no such limit";
        return Err(syn::Error::new(first.span(), message));
    }
    if all {
        return Ok(Separator::Comma);
    }
    refuse_trailing_bit_or(branches)?;
    Ok(Separator::Bar)
}

/// Reads one more branch.
fn branch(
    input: ParseStream<'_>,
    branches: &mut Vec<Vec<Step>>,
    diagnostics: &mut Diagnostics,
) -> syn::Result<()> {
    if input.peek(Token![,]) || input.peek(Token![|]) && input.peek2(Token![|]) {
        return Err(input.error("expected a branch here"));
    }
    let mut branch = Vec::new();
    let read = steps(input, StepsEnd::Branch, &mut branch, diagnostics);
    let read = read.and_then(|()| refuse_boundaries(&branch));
    branches.push(branch);
    read
}

/// `match { pattern => value => chain, … }`
fn route(input: ParseStream<'_>, steps: &mut Vec<Step>, diagnostics: &mut Diagnostics) -> syn::Result<()> {
    let keyword: Token![match] = input.parse()?;
    if !input.peek(Brace) {
        let message = "a `match` in a pipeline matches the output of the stage before it, without naming it: `match { pattern => value => stage, … }`";
        return Err(if input.is_empty() {
            syn::Error::new(keyword.span, message)
        } else {
            input.error(message)
        });
    }
    let content;
    let braces = braced!(content in input);
    if content.is_empty() {
        let message = "a `match` needs at least one arm: `pattern => value => stage`";
        return Err(syn::Error::new(braces.span.join(), message));
    }
    let mut arms = Vec::new();
    let read = self::arms(&content, &mut arms, diagnostics);
    if !arms.is_empty() {
        steps.push(Step::Route { keyword, arms });
    }
    read
}

fn arms(content: ParseStream<'_>, arms: &mut Vec<Arm>, diagnostics: &mut Diagnostics) -> syn::Result<()> {
    while !content.is_empty() {
        arm(content, arms, diagnostics)?;
        if content.is_empty() {
            break;
        }
        if !content.peek(Token![,]) {
            return Err(content.error("expected `,` and the next arm, or `=>` and another stage"));
        }
        content.parse::<Token![,]>()?;
    }
    Ok(())
}

/// Reads one more arm.
fn arm(input: ParseStream<'_>, arms: &mut Vec<Arm>, diagnostics: &mut Diagnostics) -> syn::Result<()> {
    if input.peek(Token![#]) {
        let message =
            "an arm cannot have attributes: put `#[cfg(…)]` on the statement with the whole pipeline";
        return Err(input.error(message));
    }
    let shape = "an arm is `pattern => value => stage`, where the value is passed to the stage";
    let pattern = Pat::parse_multi_with_leading_vert(input)?;
    let guard = match input.parse::<Option<Token![if]>>()? {
        Some(_) => Some(input.parse::<Expr>()?),
        None => None,
    };
    if !input.peek(Token![=>]) {
        return Err(input.error(format!("expected `=>`: {shape}")));
    }
    input.parse::<Token![=>]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(input.error(format!("the value is missing: {shape}")));
    }
    let value: Expr = input.parse()?;
    check_arm_value(&value)?;
    if !input.peek(Token![=>]) {
        let message = format!(
            "a stage is missing after this value: {shape}; to pass the value on unchanged, write `=> |x| x`"
        );
        return Err(syn::Error::new_spanned(&value, message));
    }
    let arrow: Token![=>] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new_spanned(arrow, "a stage is missing after this `=>`"));
    }
    let mut arm = Arm { pattern, guard, value, steps: Vec::new() };
    let read = steps(input, StepsEnd::Arm, &mut arm.steps, diagnostics);
    let read = read.and_then(|()| refuse_boundaries(&arm.steps));
    if !arm.steps.is_empty() {
        arms.push(arm);
    }
    read
}

/// A branch returns one item for each that it takes; a boundary does not.
fn refuse_boundaries(steps: &[Step]) -> syn::Result<()> {
    match steps.iter().find(|step| matches!(step, Step::Boundary(_))) {
        Some(boundary) => {
            let message = "a branch takes one item and returns one, so it cannot contain a boundary: move the boundary before or after the fork";
            Err(syn::Error::new(boundary.span(), message))
        }
        None => Ok(()),
    }
}

/// The body of a closure extends as far as it can: `|x| x + 1 | mirror` is one closure with a bitwise or.
fn refuse_trailing_bit_or(branches: &[Vec<Step>]) -> syn::Result<()> {
    let operator = branches.iter().filter_map(|steps| match steps.last() {
        Some(Step::Closure(closure)) => match &*closure.expr.body {
            Expr::Binary(binary) => match binary.op {
                BinOp::BitOr(operator) => Some(operator),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    match operator.into_iter().next() {
        Some(operator) => {
            let message = "this `|` is a bitwise or in the closure, which extends to the end of the branch: put the closure in parentheses, `(|x| x + 1) | mirror`, or the bitwise or, `|x| (x | 1)`";
            Err(syn::Error::new(operator.span, message))
        }
        None => Ok(()),
    }
}

/// Refuses `.await`, `?` and `return`.
fn check_arm_value(value: &Expr) -> syn::Result<()> {
    let (at, message): (&dyn ToTokens, _) = match value {
        Expr::Await(wait) => {
            (&wait.await_token, "the value of an arm cannot await: await in the stage after it")
        }
        Expr::Try(attempt) => (
            &attempt.question_token,
            "the value of an arm cannot fail: return the error from the stage after it",
        ),
        Expr::Return(end) => (&end.return_token, "the value of an arm needs no `return`: remove it"),
        _ => return Ok(()),
    };
    Err(syn::Error::new_spanned(at, message))
}
