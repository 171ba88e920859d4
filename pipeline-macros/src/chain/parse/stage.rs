//! What has no steps inside: a stage with its overrides, or a value in braces.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::token::Paren;
use syn::{Expr, ExprBlock, ExprPath, Ident, Stmt, Token, parenthesized};

use crate::chain::model::StageUse;
use crate::diagnostics::Diagnostics;
use crate::policy::{Policy, RawOption, check_override, parse_override};

pub(crate) const EXPECTED_STEP: &str = "expected a stage: the name of a `#[stage]` function, a closure, `inspect(|value| …)`, `each`, `batch(100)`, branches in parentheses, `match { … }`, or a value in braces, `{ value }`";

/// `decode::<Airport>.retries(5)`
pub(crate) fn stage(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<StageUse> {
    let mut stage = named_stage(input)?;
    overrides(input, &mut stage, diagnostics)?;
    Ok(stage)
}

/// `decode::<Airport>`
pub(crate) fn named_stage(input: ParseStream<'_>) -> syn::Result<StageUse> {
    let ExprPath { qself, path, .. } = input.parse()?;
    if qself.is_some() {
        return Err(syn::Error::new_spanned(path, EXPECTED_STEP));
    }
    if let Some(segment) = path.segments.last()
        && ["self", "Self", "super", "crate"].iter().any(|keyword| segment.ident == keyword)
    {
        let word = &segment.ident;
        let message = format!("`{word}` is no stage: name a `#[stage]` function, such as `{word}::fetch`");
        return Err(syn::Error::new_spanned(word, message));
    }
    Ok(StageUse { path, overrides: None, written: TokenStream::new() })
}

/// `{ value }`
pub(crate) fn value(input: ParseStream<'_>) -> syn::Result<Expr> {
    let block: syn::Block = input.parse()?;
    if block.stmts.is_empty() {
        let message =
            "expected a value in these braces: another pipeline, or your own type that implements `Stage`";
        return Err(syn::Error::new_spanned(block, message));
    }
    // Without its braces, or rustc would warn of them.
    Ok(match block.stmts.as_slice() {
        [Stmt::Expr(expr, None)] => expr.clone(),
        _ => Expr::Block(ExprBlock { attrs: Vec::new(), label: None, block }),
    })
}

/// `.retries(5).timeout("1s")`
pub(crate) fn overrides(
    input: ParseStream<'_>,
    stage: &mut StageUse,
    diagnostics: &mut Diagnostics,
) -> syn::Result<()> {
    if !input.peek(Token![.]) {
        return Ok(());
    }
    let mut policy = Policy::default();
    while input.peek(Token![.]) {
        let dot: Token![.] = input.parse()?;
        if !input.peek(Ident::peek_any) {
            let message = "expected the name of a policy after this `.`, such as `.retries(5)`";
            return Err(syn::Error::new_spanned(dot, message));
        }
        let key = input.call(Ident::parse_any)?;
        stage.written.extend(quote!(#dot #key));
        if key == "await" {
            let message = "the pipeline awaits its stages: remove `.await`";
            return Err(syn::Error::new_spanned(&key, message));
        }
        if !input.peek(Paren) {
            return Err(syn::Error::new_spanned(
                &key,
                format!("`.{key}` needs parentheses: write overrides like `.retries(5)` or `.jitter()`"),
            ));
        }
        let content;
        let parentheses = parenthesized!(content in input);
        let written = content.cursor().token_stream();
        parentheses.surround(&mut stage.written, |tokens| tokens.extend(written));
        let value = if content.is_empty() { None } else { Some(content.parse()?) };
        if !content.is_empty() {
            return Err(content.error("a policy takes one value"));
        }
        parse_override(&mut policy, RawOption { key, value }, diagnostics);
    }
    check_override(&policy, diagnostics);
    stage.overrides = Some(Box::new(policy));
    Ok(())
}
