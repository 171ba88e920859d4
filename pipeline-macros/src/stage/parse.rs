//! An item → a function and the roles of its parameters.

use syn::parse::{Parse, ParseStream};
use syn::{FnArg, ItemFn, PatType, Receiver};

use crate::diagnostics::Diagnostics;
use crate::policy::Asyncness;

/// A parameter, by its role.
pub(crate) enum Parameter {
    Input(PatType),
    State(PatType),
    Context(PatType),
    /// `self`, which is refused.
    Receiver(Receiver),
}

pub(crate) fn function(input: ParseStream<'_>) -> syn::Result<ItemFn> {
    let ahead = input.fork();
    let Err(error) = ahead.parse::<ItemFn>() else {
        return ItemFn::parse(input);
    };
    let rest: proc_macro2::TokenStream = input.parse()?;
    Err(match syn::parse2::<syn::Item>(rest.clone()) {
        Ok(_) => syn::Error::new_spanned(rest, "`#[stage]` goes on a function: `#[stage] async fn …`"),
        Err(_) => error,
    })
}

/// Removes `#[state]` and `#[context]` from the parameters.
pub(crate) fn split_parameters(
    mut function: ItemFn,
    diagnostics: &mut Diagnostics,
) -> (ItemFn, Vec<Parameter>) {
    let parameters = function.sig.inputs.iter_mut().map(|parameter| match parameter {
        FnArg::Receiver(receiver) => Parameter::Receiver(receiver.clone()),
        FnArg::Typed(typed) => classify(typed, diagnostics),
    });
    let parameters = parameters.collect();
    (function, parameters)
}

fn classify(typed: &mut PatType, diagnostics: &mut Diagnostics) -> Parameter {
    let (mut state, mut context) = (false, false);
    typed.attrs.retain(|attribute| {
        let role = match () {
            () if attribute.path().is_ident("state") => &mut state,
            () if attribute.path().is_ident("context") => &mut context,
            () => return true,
        };
        if *role {
            diagnostics.error(attribute, "this attribute is given twice");
        }
        if attribute.meta.require_path_only().is_err() {
            diagnostics
                .error(attribute, "this attribute takes no arguments: write `#[state]` or `#[context]`");
        }
        *role = true;
        false
    });
    if state && context {
        diagnostics.error(&*typed, "a parameter is either `#[state]` or `#[context]`");
    }
    match (state, context) {
        (true, _) => Parameter::State(typed.clone()),
        (false, true) => Parameter::Context(typed.clone()),
        (false, false) => Parameter::Input(typed.clone()),
    }
}

pub(crate) fn asyncness(function: &ItemFn) -> Asyncness {
    match function.sig.asyncness {
        Some(_) => Asyncness::Async,
        None => Asyncness::Sync,
    }
}
