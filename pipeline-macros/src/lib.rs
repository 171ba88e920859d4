//! The macros of the `pipeline` crate. Use them from there.

mod arity;
mod chain;
mod codegen;
mod compiler;
mod crate_path;
mod dependency;
mod diagnostics;
mod fragments;
mod nesting;
mod outer_names;
mod policy;
mod provide;
mod stage;
mod value;

#[cfg(test)]
mod expansions;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod layers;

use proc_macro::TokenStream;

/// Makes a function a stage of pipelines.
#[proc_macro_attribute]
pub fn stage(attribute: TokenStream, item: TokenStream) -> TokenStream {
    stage::expand(fragments::open(attribute.into()), &item.into()).into()
}

/// Chains stages into a pipeline that the compiler has checked.
#[proc_macro]
pub fn pipeline(input: TokenStream) -> TokenStream {
    chain::expand(fragments::open(input.into())).into()
}

/// Makes a struct provide each of its fields to stages, as state.
#[proc_macro_derive(Provide, attributes(provide))]
pub fn derive_provide(input: TokenStream) -> TokenStream {
    provide::expand(input.into()).into()
}
