//! `pipeline!`: a chain of steps → the value, and a check of each edge between two steps.

mod dataflow;
mod expand;
mod free_variables;
mod model;
mod parse;

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
    // An error in the place of the value silences errors in whatever uses the value.
    let errors = diagnostics.into_errors();
    quote!({ #(#errors)* })
}
