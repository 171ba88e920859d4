//! The grammar of `pipeline!`.

mod boundary;
mod closure;
mod graph;
mod stage;
mod steps;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::{Token, Type};

use self::steps::{StepsEnd, steps};
use super::model::Pipeline;
use crate::diagnostics::Diagnostics;

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

/// Reads the input into `pipeline`, which has what is in front of a mistake.
pub(crate) fn pipeline(
    input: ParseStream<'_>,
    pipeline: &mut Pipeline,
    diagnostics: &mut Diagnostics,
) -> syn::Result<()> {
    pipeline.crate_path = crate_path(input)?;
    pipeline.input = input_type(input)?;
    if input.is_empty() {
        let message = "a pipeline needs at least one stage: `pipeline![fetch => parse]`";
        return Err(match &pipeline.input {
            Some(ty) => syn::Error::new_spanned(ty, message),
            None => syn::Error::new(Span::call_site(), message),
        });
    }
    steps(input, StepsEnd::Input, &mut pipeline.steps, diagnostics)
}

/// `crate = path;`, if the `pipeline` crate has another name.
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

/// `Type:`, if that is next.
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

/// Whether a `>` after these tokens would complete a `=>`.
fn ends_in_arrow(tokens: &[TokenTree]) -> bool {
    use proc_macro2::Spacing;
    matches!(tokens.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == '=' && punct.spacing() == Spacing::Joint)
}
