//! Branches: `(a, b)`, `(a | b)` and `match { … }`.

use quote::ToTokens;
use syn::parse::ParseStream;
use syn::token::Brace;
use syn::{BinOp, Expr, Pat, Token, braced, parenthesized};

use super::model::{Arm, Step};
use super::parse::{StepsEnd, steps};
use crate::diagnostics::Diagnostics;

/// The most branches that `(a, b)` and `(a | b)` can have.
const MAX_ARITY: usize = 8;

/// What stands in parentheses: branches side by side, alternatives, or just a chain.
pub(crate) fn parenthesized(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Vec<Step>> {
    let content;
    let parentheses = parenthesized!(content in input);
    if content.is_empty() {
        let message = "branches are missing in these parentheses: `(fetch_user, fetch_orders)` runs both on each item, `(primary | mirror)` the first that succeeds";
        return Err(syn::Error::new(parentheses.span.join(), message));
    }
    let mut branches = vec![branch(&content, diagnostics)?];
    if content.is_empty() {
        refuse_trailing_bit_or(&branches)?;
        return Ok(branches.remove(0));
    }
    let all = content.peek(Token![,]);
    while !content.is_empty() {
        if content.peek(Token![||]) {
            return Err(content.error("alternatives are separated by a single `|`"));
        }
        if content.peek(Token![,]) != all {
            let message = "`,` and `|` do not mix: branches that run side by side are separated by `,`, alternatives by `|`; put the inner ones into parentheses of their own";
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
        branches.push(branch(&content, diagnostics)?);
    }
    if branches.len() == 1 {
        let message = "a single branch needs no parentheses; side by side it would be `(a, b)`";
        return Err(syn::Error::new(parentheses.span.join(), message));
    }
    if let Some(first) = branches.get(MAX_ARITY).and_then(|steps| steps.first()) {
        let message = "there can be eight branches here: put some into a pipeline of their own, `{ pipeline![…] }`; the graph form has no such limit";
        return Err(syn::Error::new(first.span(), message));
    }
    if !all {
        refuse_trailing_bit_or(&branches)?;
    }
    Ok(vec![if all { Step::All(branches) } else { Step::First(branches) }])
}

/// A closure takes all that follows it: `|x| x + 1 | mirror` is a closure with an "or" in it.
fn refuse_trailing_bit_or(branches: &[Vec<Step>]) -> syn::Result<()> {
    let or = branches.iter().filter_map(|steps| match steps.last() {
        Some(Step::Closure(closure)) => match &*closure.body {
            Expr::Binary(binary) => match binary.op {
                BinOp::BitOr(or) => Some(or),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    match or.into_iter().next() {
        Some(or) => {
            let message = "a closure goes on up to the end of its branch, and this would be an `or` in it: put the closure in parentheses, `(|x| x + 1) | mirror`; and an `or` that is meant, too";
            Err(syn::Error::new(or.span, message))
        }
        None => Ok(()),
    }
}

fn branch(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Vec<Step>> {
    if input.peek(Token![,]) || input.peek(Token![|]) && input.peek2(Token![|]) {
        return Err(input.error("a branch is missing here"));
    }
    let steps = steps(input, StepsEnd::Branch, diagnostics)?;
    refuse_boundaries(&steps)?;
    Ok(steps)
}

/// A boundary changes the number of items, and a branch is a part of one.
fn refuse_boundaries(steps: &[Step]) -> syn::Result<()> {
    match steps.iter().find(|step| matches!(step, Step::Boundary(_))) {
        Some(boundary) => {
            let message = "a boundary cannot stand in a branch, which takes one item and gives one: put it in front of the fork or behind it";
            Err(syn::Error::new(boundary.span(), message))
        }
        None => Ok(()),
    }
}

/// `match { pattern => value => chain, … }`
pub(crate) fn route(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Step> {
    let keyword: Token![match] = input.parse()?;
    if !input.peek(Brace) {
        let message = "a `match` in a pipeline does not name its value, which is what the stage before it returns: `match { pattern => value => stage, … }`";
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
    while !content.is_empty() {
        arms.push(arm(&content, diagnostics)?);
        if content.is_empty() {
            break;
        }
        if !content.peek(Token![,]) {
            return Err(content.error("expected `,` and the next arm, or `=>` and another stage"));
        }
        content.parse::<Token![,]>()?;
    }
    Ok(Step::Route { keyword, arms })
}

fn arm(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Arm> {
    let shape = "an arm is `pattern => value => stage`: what is matched, what goes on, and where";
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
            "a stage is missing behind this value: {shape}; what needs no stage goes through a closure, `=> |x| x`"
        );
        return Err(syn::Error::new_spanned(&value, message));
    }
    let arrow: Token![=>] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new_spanned(arrow, "a stage is missing after this `=>`"));
    }
    let steps = steps(input, StepsEnd::Arm, diagnostics)?;
    refuse_boundaries(&steps)?;
    Ok(Arm { pattern, guard, value, steps })
}

/// What an arm's value cannot do.
fn check_arm_value(value: &Expr) -> syn::Result<()> {
    let (at, message): (&dyn ToTokens, _) = match value {
        Expr::Await(wait) => {
            (&wait.await_token, "the value of an arm does not wait: let the stage behind it do this")
        }
        Expr::Try(attempt) => {
            (&attempt.question_token, "the value of an arm does not fail: let the stage behind it do this")
        }
        Expr::Return(end) => {
            (&end.return_token, "the value of an arm goes on by itself: leave the `return` out")
        }
        _ => return Ok(()),
    };
    Err(syn::Error::new_spanned(at, message))
}
