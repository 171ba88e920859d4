//! `#[stage]`: a function → the function, and the struct of the same name that stands for it in a pipeline.

mod call;
mod check;
mod expand;
mod forked;
mod lend;
mod model;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;

use crate::diagnostics::Diagnostics;
use crate::policy;

pub(crate) fn expand(attribute: TokenStream, item: &TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let policy = policy::parse_attribute(attribute, &mut diagnostics);
    let function = match parse::function.parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            diagnostics.push(error);
            let errors = diagnostics.into_errors();
            return quote!(#item #(#errors)*);
        }
    };
    // A mistake in the options leaves a stage that can be used; one in the signature, only something like it.
    let mut in_signature = Diagnostics::default();
    let (function, parameters) = parse::split(function, &mut in_signature);
    check::signature(&function, &mut in_signature);
    policy::check_attribute(&policy, check::body(&function), &mut diagnostics);
    let policy = if diagnostics.is_empty() { policy } else { policy::Policy::only_runtime(policy) };
    let runtime = policy.runtime();
    let stage = model::Stage::new(&function, &parameters, policy, &mut in_signature);
    if let Some(stage) = &stage {
        check::splits(&stage.policy, stage.inputs().count(), &mut in_signature);
    }
    let mut in_signature = in_signature.into_errors();
    let stands_for_it = match (stage, in_signature.next()) {
        (Some(stage), None) => expand::stage(&stage),
        // A method could never be named in a pipeline.
        (_, Some(error)) if function.sig.receiver().is_some() => error,
        (_, error) => expand::fallback(&function, &runtime, &error.unwrap_or_default()),
    };
    let errors = diagnostics.into_errors().chain(in_signature);
    quote!(#function #stands_for_it #(#errors)*)
}
