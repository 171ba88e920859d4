//! Calls with needs → a stage of its own: a struct that holds what is called, and the calls in one async block.

mod calls;
mod items;
mod names;
mod non_series_parallel;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};

pub(crate) use self::names::{call_field, expression_field};
use self::names::{mode_type, value_variable};
use super::dataflow::{Dataflow, SharedUse, Use, ValuePattern};
use super::schedule::Schedule;
use crate::paths::CratePath;

/// What is written out, and what the values have to be for it.
pub(crate) struct Generated {
    /// The struct and its impls.
    pub(crate) items: TokenStream,
    pub(crate) shared_uses: Vec<SharedUse>,
}

/// The name of the struct. Its fields: `calls`, `expressions`, `last`, `heads`, `end` and `place`.
pub(crate) fn struct_name() -> Ident {
    Ident::new("Graph", Span::mixed_site())
}

pub(crate) fn generate(dataflow: &Dataflow, crate_path: &CratePath) -> Generated {
    let mut codegen = GraphCodegen { dataflow, crate_path, bounds: Vec::new(), shared_uses: Vec::new() };
    let body = if dataflow.calls.is_empty() {
        TokenStream::new()
    } else {
        codegen.statements(&Schedule::new(&dataflow.dependencies()), &dataflow.output.values(), &[])
    };
    let items = codegen.items(&body);
    Generated { items, shared_uses: codegen.shared_uses }
}

struct GraphCodegen<'a> {
    dataflow: &'a Dataflow,
    crate_path: &'a CratePath,
    /// What the calls ask of the values.
    bounds: Vec<TokenStream>,
    shared_uses: Vec<SharedUse>,
}

/// What was made ready for a use before the calls began.
type Prepared = [Use];

impl GraphCodegen<'_> {
    /// The pattern that takes an output apart, and statements that put its values in their places.
    fn bind(&self, shape: &ValuePattern) -> (TokenStream, TokenStream) {
        let private = self.crate_path.private();
        let places = shape.values().into_iter().map(|value| {
            let value_variable = value_variable(value);
            quote!(let mut #value_variable = #private::ValueCell::new(#value_variable);)
        });
        (pattern(shape), places.collect())
    }

    fn mode(&self, it: Use) -> TokenStream {
        let private = self.crate_path.private();
        match it.capture {
            Some(_) => quote!(#private::Borrow),
            None => {
                let mode = mode_type(it);
                quote!(#mode)
            }
        }
    }
}

/// `[a, b]` as `(a, (b, ()))`.
fn nested_tuple<T: ToTokens>(parts: &[T]) -> TokenStream {
    parts.iter().rev().fold(quote!(()), |rest, part| quote!((#part, #rest)))
}

fn pattern(shape: &ValuePattern) -> TokenStream {
    match shape {
        ValuePattern::Value(value) => value_variable(*value).into_token_stream(),
        ValuePattern::Ignored(_) => quote!(_),
        ValuePattern::Tuple(parts) => {
            let parts = parts.iter().map(pattern);
            quote!((#(#parts,)*))
        }
    }
}
