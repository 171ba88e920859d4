//! `pipeline!`: stages in a row → a value, and a check on each edge.

mod boundary;
mod dataflow;
mod expand;
mod fork;
mod fork_expand;
mod free_variables;
mod graph;
mod graph_checks;
mod graph_codegen;
mod model;
mod parse;
mod route;
mod schedule;

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;

use crate::diagnostics::Diagnostics;

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let parser = |input: syn::parse::ParseStream<'_>| parse::pipeline(input, &mut diagnostics);
    match parser.parse2(parse::without_angle_brackets(input)) {
        Ok(pipeline) if diagnostics.is_empty() => return expand::pipeline(&pipeline),
        Ok(_) => {}
        Err(error) => diagnostics.push(error),
    }
    // An error in the place of the value makes whatever uses the value fall silent.
    let errors = diagnostics.into_errors();
    quote!({ #(#errors)* })
}
