//! Calls with needs → a stage of its own: a struct that holds what is called, and the calls in one async block.

mod calls;
mod items;
mod names;
mod net;
mod tangle;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};

pub(crate) use self::names::{call_field, expression_field};
use self::names::{mode_type, variable};
pub(crate) use self::net::{Argument, Call, Meeting, Net, Output, Shape, Use};
use super::schedule::Schedule;
use crate::paths::CratePath;

/// What is written out, and what the values have to be for it.
pub(crate) struct Woven {
    /// The struct and its impls.
    pub(crate) items: TokenStream,
    pub(crate) meetings: Vec<Meeting>,
}

/// The name of the struct. Its fields: `calls`, `expressions`, `last`, `heads`, `end` and `place`.
pub(crate) fn structure() -> Ident {
    Ident::new("Graph", Span::mixed_site())
}

pub(crate) fn weave(net: &Net, crate_path: &CratePath) -> Woven {
    let mut weaver = Weaver { net, crate_path, clauses: Vec::new(), meetings: Vec::new() };
    let body = if net.calls.is_empty() {
        TokenStream::new()
    } else {
        weaver.part(&Schedule::new(&net.needs()), &net.output.values(), &[])
    };
    let items = weaver.items(&body);
    Woven { items, meetings: weaver.meetings }
}

struct Weaver<'a> {
    net: &'a Net,
    crate_path: &'a CratePath,
    /// What the calls ask of the values.
    clauses: Vec<TokenStream>,
    meetings: Vec<Meeting>,
}

/// What was made ready for a use before the calls began.
type Ready = [Use];

impl Weaver<'_> {
    /// The pattern that takes an output apart, and statements that put its values in their places.
    fn bind(&self, shape: &Shape) -> (TokenStream, TokenStream) {
        let private = self.crate_path.private();
        let places = shape.values().into_iter().map(|value| {
            let variable = variable(value);
            quote!(let mut #variable = #private::ValueCell::new(#variable);)
        });
        (pattern(shape), places.collect())
    }

    fn mode(&self, it: Use) -> TokenStream {
        let private = self.crate_path.private();
        match it.look {
            Some(_) => quote!(#private::Borrow),
            None => {
                let mode = mode_type(it);
                quote!(#mode)
            }
        }
    }
}

/// `[a, b]` as `(a, (b, ()))`.
fn nested<T: ToTokens>(parts: &[T]) -> TokenStream {
    parts.iter().rev().fold(quote!(()), |rest, part| quote!((#part, #rest)))
}

fn pattern(shape: &Shape) -> TokenStream {
    match shape {
        Shape::Value(value) => variable(*value).into_token_stream(),
        Shape::Nothing(_) => quote!(_),
        Shape::Tuple(parts) => {
            let parts = parts.iter().map(pattern);
            quote!((#(#parts,)*))
        }
    }
}
