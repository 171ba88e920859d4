//! The graph form: straight-line code whose calls run as soon as their arguments are there.

mod reader;
mod scope;
mod statement;

use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::token::Brace;
use syn::{Block, Pat, Token, Type};

use self::reader::Reader;
pub(super) use self::statement::resembles_graph;
use self::statement::{has_call, innermost};
use crate::chain::model::Graph;
use crate::diagnostics::Diagnostics;

/// A graph, if that is next: `|id: UserId| { … }` with a call in its block, and nothing after it.
///
/// A closure whose block calls nothing is a closure.
pub(super) fn parse(
    input: ParseStream<'_>,
    ends: impl Fn(ParseStream<'_>) -> bool,
    diagnostics: &mut Diagnostics,
) -> syn::Result<Option<Graph>> {
    let ahead = input.fork();
    let Ok((pattern, ty)) = head(&ahead) else { return Ok(None) };
    let block: Block = ahead.parse()?;
    let block = innermost(&block);
    if !has_call(block) || !ends(&ahead) {
        return Ok(None);
    }
    input.advance_to(&ahead);
    Reader::read(pattern, ty, block, diagnostics).map(Some)
}

fn head(input: ParseStream<'_>) -> syn::Result<(Pat, Type)> {
    // A graph clones outer variables with or without it.
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
