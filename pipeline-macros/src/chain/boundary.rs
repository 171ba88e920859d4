//! `each` and `batch(n, "linger")`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::token::Paren;
use syn::{Expr, ExprLit, Ident, Lit, Token, parenthesized};

use super::model::{Boundary, Linger};
use crate::paths::CratePath;
use crate::policy;
use crate::value::nonzero_duration;

/// A boundary, if that is what comes.
pub(crate) fn parse(input: ParseStream<'_>) -> syn::Result<Option<Boundary>> {
    let ahead = input.fork();
    let Ok(name) = ahead.call(Ident::parse_any) else { return Ok(None) };
    let alone = !ahead.peek(Token![::]) && !ahead.peek(Token![<]);
    if name == "each" && alone {
        let name = input.call(Ident::parse_any)?;
        if input.peek(Paren) || input.peek(Token![.]) {
            let message = "`each` stands alone: it gives the items of what comes in, one by one";
            return Err(syn::Error::new_spanned(name, message));
        }
        return Ok(Some(Boundary::Each(name)));
    }
    if name == "batch" && alone {
        let name = input.call(Ident::parse_any)?;
        return batch(name, input).map(Some);
    }
    Ok(None)
}

fn batch(name: Ident, input: ParseStream<'_>) -> syn::Result<Boundary> {
    let expected = "`batch` needs to know how many items make a batch, `batch(100)`, and may know how long to wait for them, `batch(100, \"50ms\")`";
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
        return Err(
            content.error("`batch` takes a number and a time, `batch(100, \"50ms\")`, and nothing more")
        );
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
        return Err(syn::Error::new_spanned(size, "a batch cannot have less than one item"));
    }
    let Expr::Lit(ExprLit { lit, .. }) = size else { return Ok(()) };
    match lit {
        Lit::Int(int) if !matches!(int.suffix(), "" | "usize") => {
            let message = "how many items make a batch is a `usize`: leave the suffix out";
            Err(syn::Error::new_spanned(size, message))
        }
        Lit::Int(int) => match int.base10_parse::<u64>() {
            Ok(0) => {
                let message = "a batch of no items would never be given: `batch(1)` makes batches of one";
                Err(syn::Error::new_spanned(size, message))
            }
            Ok(_) => Ok(()),
            Err(_) => Err(syn::Error::new_spanned(size, "this is more items than a batch can have")),
        },
        Lit::Str(_) => {
            let message =
                "first how many items make a batch, then how long to wait for them: `batch(100, \"50ms\")`";
            Err(syn::Error::new_spanned(size, message))
        }
        _ => {
            Err(syn::Error::new_spanned(size, "how many items make a batch is a whole number: `batch(100)`"))
        }
    }
}

fn linger(value: Expr) -> syn::Result<Linger> {
    match &value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => nonzero_duration(&text.value())
            .map(Linger::Literal)
            .map_err(|message| syn::Error::new_spanned(text, message)),
        Expr::Lit(_) => {
            let message = "how long a batch may wait for more is written as text with a unit: `\"50ms\"`";
            Err(syn::Error::new_spanned(&value, message))
        }
        _ => Ok(Linger::Value(Box::new(value))),
    }
}

impl Boundary {
    /// The word that names it, where errors point.
    pub(crate) fn name(&self) -> &Ident {
        match self {
            Self::Each(name) | Self::Batch { name, .. } => name,
        }
    }

    /// The value of it.
    pub(crate) fn value(&self, crate_path: &CratePath) -> TokenStream {
        let private = crate_path.private();
        match self {
            Self::Each(_) => quote!(#private::each()),
            Self::Batch { name, size, linger } => {
                let linger = match linger {
                    None => quote!(#private::Option::None),
                    Some(Linger::Literal(duration)) => {
                        let duration = policy::duration(*duration, crate_path);
                        quote!(#private::Option::Some(#duration))
                    }
                    Some(Linger::Value(value)) => quote!(#private::Option::Some(#value)),
                };
                let at = name.span();
                let size = size.to_token_stream();
                quote_spanned!(at=> #private::batch(#size, #linger))
            }
        }
    }
}
