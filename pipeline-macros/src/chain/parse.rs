//! The grammar of `pipeline!`.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::token::{Brace, Paren};
use syn::{Expr, ExprBlock, ExprClosure, ExprPath, Ident, Stmt, Token, Type, parenthesized};

use super::model::{Pipeline, Step};
use crate::diagnostics::Diagnostics;
use crate::policy::{Policy, RawOption, check_override, parse_override};

const EXPECTED: &str = "expected a stage: the name of a `#[stage]` function, a closure, `inspect(|value| …)`, `each`, `batch(100)`, branches in parentheses, `match { … }`, or a value in braces, `{ value }`";

/// `pipeline!{< a => b >}` is `pipeline!{ a => b }`.
pub(crate) fn without_angle_brackets(input: TokenStream) -> TokenStream {
    let tokens: Vec<_> = input.clone().into_iter().collect();
    let is = |token: &TokenTree, character| matches!(token, TokenTree::Punct(punct) if punct.as_char() == character);
    match tokens.as_slice() {
        [first, inside @ .., last] if is(first, '<') && is(last, '>') && !ends_in_arrow(inside) => {
            inside.iter().cloned().collect()
        }
        _ => input,
    }
}

/// Whether a `>` behind these tokens would be the end of a `=>`.
fn ends_in_arrow(tokens: &[TokenTree]) -> bool {
    use proc_macro2::Spacing;
    matches!(tokens.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == '=' && punct.spacing() == Spacing::Joint)
}

pub(crate) fn pipeline(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Pipeline> {
    let crate_path = crate_path(input)?;
    let ty = input_type(input)?;
    if input.is_empty() {
        let message = "a pipeline needs at least one stage: `pipeline![fetch => parse]`";
        return Err(match ty {
            Some(ty) => syn::Error::new_spanned(ty, message),
            None => syn::Error::new(Span::call_site(), message),
        });
    }
    let steps = steps(input, StepsEnd::Input, diagnostics)?;
    Ok(Pipeline { crate_path, input: ty, steps })
}

/// What may come behind a chain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepsEnd {
    Input,
    /// Another branch.
    Branch,
    /// Another arm.
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

/// Steps in a row.
pub(crate) fn steps(
    input: ParseStream<'_>,
    end: StepsEnd,
    diagnostics: &mut Diagnostics,
) -> syn::Result<Vec<Step>> {
    if let Some(graph) = super::graph::parse(input, |rest| end.is_reached(rest), diagnostics)? {
        return Ok(vec![graph]);
    }
    let mut steps = Vec::new();
    loop {
        if input.peek(Token![=>]) {
            return Err(input.error("a stage is missing before this `=>`"));
        }
        if input.peek(Paren) {
            steps.extend(super::fork::parenthesized(input, diagnostics)?);
        } else {
            steps.push(step(input, diagnostics)?);
        }
        if end.is_reached(input) {
            return Ok(steps);
        }
        let arrow = arrow(input)?;
        // A `|` would be the beginning of a closure.
        if input.is_empty() || end.is_reached(input) && !input.peek(Token![|]) {
            return Err(syn::Error::new_spanned(arrow, "a stage is missing after this `=>`"));
        }
    }
}

/// `crate = path;`, where the runtime goes by another name.
fn crate_path(input: ParseStream<'_>) -> syn::Result<Option<syn::Path>> {
    if !(input.peek(Token![crate]) && input.peek2(Token![=]) && !input.peek2(Token![=>])) {
        return Ok(None);
    }
    input.parse::<Token![crate]>()?;
    input.parse::<Token![=]>()?;
    let path = input.call(syn::Path::parse_mod_style)?;
    input.parse::<Token![;]>()?;
    Ok(Some(path))
}

/// `Type:`, if that is how it begins.
fn input_type(input: ParseStream<'_>) -> syn::Result<Option<Type>> {
    let ahead = input.fork();
    match ahead.parse::<Type>() {
        Ok(ty) if ahead.peek(Token![:]) => {
            input.advance_to(&ahead);
            input.parse::<Token![:]>()?;
            Ok(Some(ty))
        }
        _ => Ok(None),
    }
}

fn arrow(input: ParseStream<'_>) -> syn::Result<Token![=>]> {
    if input.peek(Token![=>]) {
        return input.parse();
    }
    let ahead = input.fork();
    let is_reached = ahead.parse::<TokenTree>().is_ok() && ahead.is_empty();
    let message = if is_reached && (input.peek(Token![,]) || input.peek(Token![;])) {
        "nothing follows here: leave this out"
    } else if input.peek(Token![.]) {
        "only a stage can have its policy overridden: override those inside, where they are named"
    } else if input.peek(Paren) {
        "a stage is named here, not called: leave the parentheses out, and the item is what it is called with"
    } else if input.peek(Token![<]) {
        "the types of a stage are given as in an expression: `decode::<Airport>`"
    } else if input.peek(Token![->]) || input.peek(Token![>>]) || input.peek(Token![>]) {
        "stages are joined by `=>`"
    } else if input.peek(Token![,]) || input.peek(Token![;]) || input.peek(Token![|]) {
        "expected `=>`: stages that follow one another are joined by it"
    } else if input.peek(Token![?]) {
        "a `?` is not needed: a failure ends the item's way by itself"
    } else {
        "expected `=>` and another stage, or the end"
    };
    Err(input.error(message))
}

fn step(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Step> {
    if input.peek(Token![|])
        || input.peek(Token![||])
        || input.peek(Token![move])
        || input.peek(Token![async])
    {
        return Ok(Step::Closure(closure(input)?));
    }
    if input.peek(Brace) {
        return value(input);
    }
    if input.peek(Token![match]) {
        return super::fork::route(input, diagnostics);
    }
    if let Some(boundary) = super::boundary::parse(input)? {
        return Ok(Step::Boundary(boundary));
    }
    if is_inspect(input) {
        input.parse::<Ident>()?;
        let content;
        parenthesized!(content in input);
        if content.is_empty() {
            return Err(
                content.error("`inspect` takes a closure: `inspect(|value| println!(\"{value:?}\"))`")
            );
        }
        let closure = closure(&content)?;
        if !content.is_empty() {
            return Err(content.error("`inspect` takes one closure"));
        }
        return Ok(Step::Inspect(closure));
    }
    if !(input.peek(Ident::peek_any) || input.peek(Token![::])) || is_keyword(input) {
        return Err(input.error(EXPECTED));
    }
    stage(input, diagnostics)
}

fn is_inspect(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.parse::<Ident>().is_ok_and(|ident| ident == "inspect") && ahead.peek(Paren)
}

/// A keyword that no path begins with.
fn is_keyword(input: ParseStream<'_>) -> bool {
    !input.peek(Ident)
        && !input.peek(Token![::])
        && !input.peek(Token![crate])
        && !input.peek(Token![self])
        && !input.peek(Token![super])
}

fn closure(input: ParseStream<'_>) -> syn::Result<ExprClosure> {
    let at = input.span();
    let expr: Expr = input.parse().map_err(|error| {
        if input.is_empty() { syn::Error::new(at, "this closure has no body: `|value| …`") } else { error }
    })?;
    let Expr::Closure(closure) = expr else {
        return Err(syn::Error::new_spanned(expr, "expected a closure, `|value| …`"));
    };
    if let Some(token) = &closure.asyncness {
        let message = "a closure in a pipeline is not async: make this a function, `#[stage] async fn`";
        return Err(syn::Error::new_spanned(token, message));
    }
    if closure.inputs.len() != 1 {
        let message = "a closure in a pipeline takes one value, what the stage before it returns: a tuple is taken apart by `|(a, b)| …`";
        let (from, to) = (&closure.inputs_begin, &closure.inputs_end);
        let inputs = &closure.inputs;
        return Err(syn::Error::new_spanned(quote!(#from #inputs #to), message));
    }
    Ok(closure)
}

pub(crate) fn value(input: ParseStream<'_>) -> syn::Result<Step> {
    let block: syn::Block = input.parse()?;
    if block.stmts.is_empty() {
        let message =
            "a value is missing in these braces: another pipeline, or your own type that implements `Stage`";
        return Err(syn::Error::new_spanned(block, message));
    }
    // Braces around a lone expression would be a lint's business.
    Ok(Step::Value(match block.stmts.as_slice() {
        [Stmt::Expr(expr, None)] => expr.clone(),
        _ => Expr::Block(ExprBlock { attrs: Vec::new(), label: None, block }),
    }))
}

pub(crate) fn stage(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Step> {
    let ExprPath { qself, path, .. } = input.parse()?;
    if qself.is_some() {
        return Err(syn::Error::new_spanned(path, EXPECTED));
    }
    Ok(Step::Stage { path, overrides: overrides(input, diagnostics)? })
}

/// `.retries(5).timeout("1s")`
fn overrides(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Option<Box<Policy>>> {
    if !input.peek(Token![.]) {
        return Ok(None);
    }
    let mut policy = Policy::default();
    while input.peek(Token![.]) {
        let dot: Token![.] = input.parse()?;
        if !input.peek(Ident::peek_any) {
            let message = "expected the name of a policy after this `.`, such as `.retries(5)`";
            return Err(syn::Error::new_spanned(dot, message));
        }
        let key = input.call(Ident::parse_any)?;
        if key == "await" {
            let message = "a stage is not awaited here, but by the pipeline: leave `.await` out";
            return Err(syn::Error::new_spanned(&key, message));
        }
        if !input.peek(Paren) {
            return Err(syn::Error::new_spanned(
                &key,
                format!(
                    "`.{key}` needs parentheses: a policy is overridden like `.retries(5)` or `.jitter()`"
                ),
            ));
        }
        let content;
        parenthesized!(content in input);
        let value = if content.is_empty() { None } else { Some(content.parse()?) };
        if !content.is_empty() {
            return Err(content.error("a policy takes one value"));
        }
        parse_override(&mut policy, RawOption { key, value }, diagnostics);
    }
    check_override(&policy, diagnostics);
    Ok(Some(Box::new(policy)))
}
