//! `each` and `batch(n, "linger")`.

use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::token::Paren;
use syn::{Expr, ExprLit, Ident, Lit, Token, parenthesized};

use crate::chain::model::{Boundary, Linger};
use crate::value::nonzero_duration;

/// A boundary, if that is next.
pub(crate) fn parse(input: ParseStream<'_>) -> syn::Result<Option<Boundary>> {
    let ahead = input.fork();
    let Ok(name) = ahead.call(Ident::parse_any) else { return Ok(None) };
    let is_single_name = !ahead.peek(Token![::]) && !ahead.peek(Token![<]);
    if name == "each" && is_single_name {
        let name = input.call(Ident::parse_any)?;
        if input.peek(Paren) || input.peek(Token![.]) {
            let message =
                "`each` takes no arguments and has no policy: it emits the elements of its input one by one";
            return Err(syn::Error::new_spanned(name, message));
        }
        return Ok(Some(Boundary::Each(name)));
    }
    if name == "batch" && is_single_name {
        let name = input.call(Ident::parse_any)?;
        return batch(name, input).map(Some);
    }
    Ok(None)
}

fn batch(name: Ident, input: ParseStream<'_>) -> syn::Result<Boundary> {
    let expected = "`batch` takes a size, `batch(100)`, and optionally how long to wait for more items, `batch(100, \"50ms\")`";
    if !input.peek(Paren) {
        return Err(syn::Error::new_spanned(name, expected));
    }
    let content;
    let parentheses = parenthesized!(content in input);
    if content.is_empty() {
        return Err(syn::Error::new(parentheses.span.join(), expected));
    }
    let size: Expr = content.parse()?;
    check_size(&size)?;
    let comma: Option<Token![,]> = content.parse()?;
    let linger = match comma {
        Some(_) if !content.is_empty() => Some(linger(content.parse()?)?),
        _ => None,
    };
    let _: Option<Token![,]> = content.parse()?;
    if !content.is_empty() {
        return Err(content.error("`batch` takes at most a size and a time, `batch(100, \"50ms\")`"));
    }
    if input.peek(Token![.]) {
        return Err(syn::Error::new_spanned(name, "`batch` is a boundary between stages, and has no policy"));
    }
    Ok(Boundary::Batch { name, size: Box::new(size), linger })
}

fn check_size(size: &Expr) -> syn::Result<()> {
    if let Expr::Unary(negative) = size
        && matches!(negative.op, syn::UnOp::Neg(_))
    {
        return Err(syn::Error::new_spanned(size, "a batch has at least one item: `batch(1)`"));
    }
    let Expr::Lit(ExprLit { lit, .. }) = size else { return Ok(()) };
    match lit {
        Lit::Int(int) if !matches!(int.suffix(), "" | "usize") => {
            let message = "the size of a batch is a `usize`: remove the suffix";
            Err(syn::Error::new_spanned(size, message))
        }
        Lit::Int(int) => match int.base10_parse::<u64>() {
            Ok(0) => {
                let message = "a batch has at least one item: `batch(1)`";
                Err(syn::Error::new_spanned(size, message))
            }
            Ok(_) => Ok(()),
            Err(_) => Err(syn::Error::new_spanned(size, "the size of a batch must fit in a `u64`")),
        },
        Lit::Str(_) => {
            let message = "the size of a batch comes first, then how long to wait for more items: `batch(100, \"50ms\")`";
            Err(syn::Error::new_spanned(size, message))
        }
        _ => Err(syn::Error::new_spanned(size, "the size of a batch is a whole number: `batch(100)`")),
    }
}

fn linger(value: Expr) -> syn::Result<Linger> {
    match &value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => nonzero_duration(&text.value())
            .map(Linger::Literal)
            .map_err(|message| syn::Error::new_spanned(text, message)),
        Expr::Lit(_) => {
            let message = "how long a batch waits for more items is a string with a unit: `\"50ms\"`";
            Err(syn::Error::new_spanned(&value, message))
        }
        _ => Ok(Linger::Value(Box::new(value))),
    }
}
