//! `#[stage]`: a function → the function, and the struct of the same name that is its stage.

mod check;
mod expand;
mod model;
mod parse;
mod passing;
mod surroundings;
mod types;

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;

use crate::diagnostics::Diagnostics;
use crate::{dependency, nesting, policy};

pub(crate) fn expand(attribute: TokenStream, item: &TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let policy = match nesting::check(&attribute) {
        Ok(()) => policy::parse_attribute(attribute, &mut diagnostics),
        Err(error) => {
            diagnostics.push(error);
            policy::Policy::default()
        }
    };
    let function = match parse::function.parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            diagnostics.push(error);
            let errors = diagnostics.into_errors();
            return quote!(#item #(#errors)*);
        }
    };
    // After a mistake in the options the stage can still be used; after one in the signature a fallback takes its place.
    let mut signature_errors = Diagnostics::default();
    let (function, parameters) = parse::split_parameters(function, &mut signature_errors);
    if policy.crate_path.is_none()
        && let Some(message) = dependency::missing("#[stage(crate = facade::pipeline)]")
    {
        diagnostics.error(&function.sig.ident, message);
        let errors = diagnostics.into_errors();
        return quote!(#function #(#errors)*);
    }
    check::signature(&function, &mut signature_errors);
    check::retries(&policy, model::is_fallible(&function.sig, &policy), &mut diagnostics);
    policy::check_attribute(&policy, parse::asyncness(&function), &mut diagnostics);
    let policy = if diagnostics.is_empty() { policy } else { policy::Policy::without_policies(policy) };
    let crate_path = policy.crate_path();
    check::parameters(&parameters, &mut signature_errors);
    let stage = model::Stage::new(&function, &parameters, policy);
    if let Some(stage) = &stage {
        check::splits(&stage.policy, stage.inputs().count(), &mut signature_errors);
    }
    let has_receiver = function.sig.receiver().is_some();
    let is_free = surroundings::is_at_margin();
    let is_associated = !is_free && (has_receiver || surroundings::is_associated(&function.sig.ident));
    if is_associated && !has_receiver {
        check::associated(&function, &mut signature_errors);
    }
    let mut signature_errors = signature_errors.into_errors();
    let struct_and_impls = match (stage, signature_errors.next()) {
        (Some(stage), None) => expand::stage(&stage),
        // A pipeline cannot name a method, and an `impl` cannot contain a struct.
        (_, Some(error)) if is_associated => error,
        (_, error) => expand::fallback(&function, &crate_path, &error.unwrap_or_default()),
    };
    let errors = diagnostics.into_errors().chain(signature_errors);
    // To rustc a free function with `self` is a mistake too: it has been reported.
    let function = (!(is_free && has_receiver)).then_some(function);
    quote!(#function #struct_and_impls #(#errors)*)
}
