//! `|value| …`, `try |value| …`, `inspect(|value| …)`, and their names, `step("name") |value| …`.

use quote::quote;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::token::Paren;
use syn::{Expr, ExprClosure, Ident, LitStr, Stmt, Token, parenthesized};

use super::graph::resembles_graph;
use crate::chain::free_variables::called_functions;
use crate::chain::model::{Closure, Step};
use crate::policy::Asyncness;

/// A closure or an `inspect(…)`, with its name, if that is next.
pub(crate) fn parse(input: ParseStream<'_>) -> syn::Result<Option<Step>> {
    let name = name(input)?;
    let step = if is_inspect(input) {
        Step::Inspect(Closure { name, ..inspect(input)? })
    } else if is_closure(input) {
        Step::Closure(Closure { name, ..closure(input)? })
    } else {
        return Ok(None);
    };
    Ok(Some(step))
}

/// `step("name")` before a closure.
fn name(input: ParseStream<'_>) -> syn::Result<Option<LitStr>> {
    let ahead = input.fork();
    let is_step = ahead.parse::<Ident>().is_ok_and(|ident| ident == "step") && ahead.peek(Paren);
    if !is_step {
        return Ok(None);
    }
    let keyword: Ident = input.parse()?;
    let content;
    parenthesized!(content in input);
    let message = "`step` gives a closure a name: `step(\"price\") |order| …`";
    if !content.peek(LitStr) {
        return Err(syn::Error::new_spanned(keyword, message));
    }
    let name: LitStr = content.parse()?;
    if name.value().trim().is_empty() {
        return Err(syn::Error::new_spanned(name, "the name of a step cannot be empty"));
    }
    if !content.is_empty() || !(is_closure(input) || is_inspect(input)) {
        return Err(syn::Error::new_spanned(keyword, message));
    }
    Ok(Some(name))
}

fn is_closure(input: ParseStream<'_>) -> bool {
    input.peek(Token![|])
        || input.peek(Token![||])
        || input.peek(Token![move])
        || input.peek(Token![async])
        || input.peek(Token![try])
}

fn closure(input: ParseStream<'_>) -> syn::Result<Closure> {
    let attempt: Option<Token![try]> = input.parse()?;
    if let Some(attempt) = attempt
        && !is_closure(input)
    {
        let message = "`try` marks a closure that can fail: `try |row| row.parse::<u32>()`; a stage can fail if it returns a `Result`";
        return Err(syn::Error::new_spanned(attempt, message));
    }
    let closure = plain_closure(input)?;
    let called = if resembles_graph(&closure) { called_functions(&closure.body) } else { Vec::new() };
    let asyncness = if ends_in_async_block(&closure.body) { Asyncness::Async } else { Asyncness::Sync };
    Ok(Closure {
        name: None,
        fallible: attempt.is_some(),
        asyncness,
        expr: closure,
        called_function: called.into_iter().next(),
    })
}

/// `async move { … }`, or a block that ends with one.
fn ends_in_async_block(body: &Expr) -> bool {
    match body {
        Expr::Async(_) => true,
        Expr::Paren(inner) => ends_in_async_block(&inner.expr),
        Expr::Block(block) => match block.block.stmts.last() {
            Some(Stmt::Expr(last, None)) => ends_in_async_block(last),
            _ => false,
        },
        _ => false,
    }
}

/// `inspect(closure)`
fn inspect(input: ParseStream<'_>) -> syn::Result<Closure> {
    let keyword: Ident = input.call(Ident::parse_any)?;
    let content;
    parenthesized!(content in input);
    if content.is_empty() {
        return Err(content.error("`inspect` takes a closure: `inspect(|value| println!(\"{value:?}\"))`"));
    }
    let closure = closure(&content)?;
    if !content.is_empty() {
        return Err(content.error("`inspect` takes one closure"));
    }
    if closure.fallible || closure.asyncness == Asyncness::Async {
        let message = "`inspect` only looks at a value: its closure cannot fail or wait; use a step that returns the value, `try |value| …`";
        return Err(syn::Error::new_spanned(keyword, message));
    }
    Ok(closure)
}

fn is_inspect(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.parse::<Ident>().is_ok_and(|ident| ident == "inspect") && ahead.peek(Paren)
}

fn plain_closure(input: ParseStream<'_>) -> syn::Result<ExprClosure> {
    let at = input.span();
    let expr: Expr = input.parse().map_err(|error| {
        if input.is_empty() { syn::Error::new(at, "this closure has no body: `|value| …`") } else { error }
    })?;
    let mut expr = expr;
    while let Expr::Paren(inner) = expr {
        expr = *inner.expr;
    }
    let Expr::Closure(closure) = expr else {
        return Err(syn::Error::new_spanned(expr, "expected a closure, `|value| …`"));
    };
    if let Some(token) = &closure.asyncness {
        let message = "put `async` behind the parameter: `|value| async move { … }`";
        return Err(syn::Error::new_spanned(token, message));
    }
    if closure.inputs.len() != 1 {
        let message = "a closure in a pipeline takes one argument, the output of the stage before it: destructure a tuple with `|(a, b)| …`";
        let (from, to) = (&closure.inputs_begin, &closure.inputs_end);
        let inputs = &closure.inputs;
        return Err(syn::Error::new_spanned(quote!(#from #inputs #to), message));
    }
    Ok(closure)
}
