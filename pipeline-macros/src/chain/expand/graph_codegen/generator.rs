//! The state of the generator of a graph's body.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::names::{mode_type, value_variable};
use crate::chain::dataflow::{Dataflow, SharedUse, Use, ValuePattern};
use crate::crate_path::CratePath;

pub(super) struct Generator<'a> {
    pub(super) dataflow: &'a Dataflow,
    pub(super) crate_path: &'a CratePath,
    /// The bounds that the calls need on their values.
    pub(super) bounds: Vec<TokenStream>,
    pub(super) shared_uses: Vec<SharedUse>,
}

impl Generator<'_> {
    /// The pattern that destructures an output, and statements that put its values in cells.
    pub(super) fn bind(&self, values: &ValuePattern) -> (TokenStream, TokenStream) {
        let private = self.crate_path.private();
        let cells = values.values().into_iter().map(|value| {
            let value_variable = value_variable(value);
            quote!(let mut #value_variable = #private::ValueCell::new(#value_variable);)
        });
        (pattern(values), cells.collect())
    }

    /// The type that says how a value is passed: captures are borrowed.
    pub(super) fn mode(&self, used: Use) -> TokenStream {
        let private = self.crate_path.private();
        match used.capture {
            Some(_) => quote!(#private::Borrow),
            None => {
                let mode = mode_type(used);
                quote!(#mode)
            }
        }
    }
}

/// `[a, b]` as `(a, (b, ()))`.
pub(super) fn nested_tuple<T: ToTokens>(parts: &[T]) -> TokenStream {
    parts.iter().rev().fold(quote!(()), |rest, part| quote!((#part, #rest)))
}

fn pattern(values: &ValuePattern) -> TokenStream {
    match values {
        ValuePattern::Value(value) => value_variable(*value).into_token_stream(),
        ValuePattern::Ignored(_) => quote!(_),
        ValuePattern::Tuple(parts) => {
            let parts = parts.iter().map(pattern);
            quote!((#(#parts,)*))
        }
    }
}
