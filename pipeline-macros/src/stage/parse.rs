//! An item → a function and what its parameters are for.

use syn::parse::{Parse, ParseStream};
use syn::{FnArg, ItemFn, Pat, PatType, Receiver};

use crate::diagnostics::Diagnostics;

/// A parameter as it stands, and what for.
pub(crate) enum Parameter {
    Input(PatType),
    State(PatType),
    Context(PatType),
    /// `self`: refused.
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

/// Takes the helper attributes off the parameters.
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

/// Whether a pattern gives a name to anything.
pub(crate) fn binds(pattern: &Pat) -> bool {
    match pattern {
        // Patterns of macros may.
        Pat::Ident(_) | Pat::Macro(_) | Pat::Verbatim(_) => true,
        Pat::Paren(pattern) => binds(&pattern.pat),
        Pat::Reference(pattern) => binds(&pattern.pat),
        Pat::Struct(pattern) => pattern.fields.iter().any(|field| binds(&field.pat)),
        Pat::Tuple(pattern) => pattern.elems.iter().any(binds),
        Pat::TupleStruct(pattern) => pattern.elems.iter().any(binds),
        Pat::Slice(pattern) => pattern.elems.iter().any(binds),
        Pat::Or(pattern) => pattern.cases.iter().any(binds),
        // Constants and wildcards.
        _ => false,
    }
}
