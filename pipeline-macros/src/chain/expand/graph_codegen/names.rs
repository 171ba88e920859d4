//! The names in the generated struct and its call.

use proc_macro2::{Ident, Span};

use crate::chain::dataflow::Use;
use crate::codegen::hygienic;

pub(super) fn value_variable(value: usize) -> Ident {
    hygienic("value", value)
}

pub(super) fn value_type(value: usize) -> Ident {
    hygienic("Value", value)
}

pub(super) fn cell_ref(value: usize) -> Ident {
    hygienic("cell_ref", value)
}

pub(super) fn cell(value: usize) -> Ident {
    hygienic("cell", value)
}

pub(crate) fn call_field(call: usize) -> Ident {
    hygienic("call", call)
}

pub(super) fn call_type(call: usize) -> Ident {
    hygienic("Call", call)
}

pub(crate) fn expression_field(number: usize) -> Ident {
    hygienic("expression", number)
}

pub(super) fn expression_function(number: usize) -> Ident {
    hygienic("Expression", number)
}

pub(super) fn expression_type(number: usize) -> Ident {
    hygienic("ExpressionValue", number)
}

pub(super) fn argument(Use { call, argument, capture }: Use) -> Ident {
    match capture {
        None => Ident::new(&format!("__argument{call}_{argument}"), Span::mixed_site()),
        Some(capture) => Ident::new(&format!("__capture{call}_{argument}_{capture}"), Span::mixed_site()),
    }
}

pub(super) fn mode_type(Use { call, argument, .. }: Use) -> Ident {
    Ident::new(&format!("__Mode{call}_{argument}"), Span::mixed_site())
}
