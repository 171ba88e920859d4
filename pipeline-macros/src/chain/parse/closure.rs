//! `|value| …` and `inspect(|value| …)`.

use quote::quote;
use syn::parse::ParseStream;
use syn::token::Paren;
use syn::{Expr, ExprClosure, Ident, parenthesized};

use super::graph::resembles_graph;
use crate::chain::free_variables::called_functions;
use crate::chain::model::Closure;

pub(crate) fn closure(input: ParseStream<'_>) -> syn::Result<Closure> {
    let closure = plain_closure(input)?;
    let called = if resembles_graph(&closure) { called_functions(&closure.body) } else { Vec::new() };
    Ok(Closure { closure, called_function: called.into_iter().next() })
}

/// `inspect(closure)`, if that is next.
pub(crate) fn inspect(input: ParseStream<'_>) -> syn::Result<Option<Closure>> {
    if !is_inspect(input) {
        return Ok(None);
    }
    input.parse::<Ident>()?;
    let content;
    parenthesized!(content in input);
    if content.is_empty() {
        return Err(content.error("`inspect` takes a closure: `inspect(|value| println!(\"{value:?}\"))`"));
    }
    let closure = closure(&content)?;
    if !content.is_empty() {
        return Err(content.error("`inspect` takes one closure"));
    }
    Ok(Some(closure))
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
    let Expr::Closure(closure) = expr else {
        return Err(syn::Error::new_spanned(expr, "expected a closure, `|value| …`"));
    };
    if let Some(token) = &closure.asyncness {
        let message = "a closure in a pipeline cannot be async: write a `#[stage] async fn` instead";
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
