//! `pipeline!`: a chain of steps → the value, and a check of each edge between two steps.

mod dataflow;
mod expand;
mod free_variables;
mod half_written;
mod model;
mod parse;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::Parser;

use self::model::{Pipeline, Step};
use crate::diagnostics::Diagnostics;
use crate::{dependency, nesting};

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    if let Err(error) = nesting::check(&input) {
        let error = error.into_compile_error();
        return quote!({ #error });
    }
    let mut diagnostics = Diagnostics::default();
    let mut pipeline = Pipeline::default();
    let parser = |input: syn::parse::ParseStream<'_>| parse::pipeline(input, &mut pipeline, &mut diagnostics);
    match parser.parse2(parse::without_angle_brackets(input)) {
        Ok(()) if diagnostics.is_empty() => match without_dependency(&pipeline) {
            None => return expand::pipeline(&pipeline),
            Some(error) => diagnostics.push(error),
        },
        Ok(()) => {}
        Err(error) => diagnostics.push(error),
    }
    // An error in the place of the value silences errors in whatever uses the value.
    let errors = diagnostics.into_errors();
    let understood = half_written::understood(&pipeline);
    quote!({ #understood #(#errors)* })
}

/// The error if nothing says where the runtime crate is.
fn without_dependency(pipeline: &Pipeline) -> Option<syn::Error> {
    if pipeline.crate_path.is_some() {
        return None;
    }
    let message = dependency::missing("pipeline![crate = facade::pipeline; fetch => parse]")?;
    Some(syn::Error::new(pipeline.steps.first().map_or_else(Span::call_site, Step::span), message))
}
