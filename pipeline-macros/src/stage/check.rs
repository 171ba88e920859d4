//! The rules for the function of a stage.

use quote::quote;
use syn::{PatType, ReturnType, Type};

use super::parse::{Function, Parameter};
use super::types::{anonymous_borrow, display, impl_trait, is_static, lifetimes, strip};
use crate::diagnostics::Diagnostics;
use crate::outer_names::PRIMITIVE_TYPES;
use crate::policy::Policy;

const RECEIVER: &str =
    "a stage is a free function and has no `self`: take what you need from the state, `#[state] app: &App`";

/// A function in an `impl` or a `trait`.
pub(super) fn associated(function: &Function, diagnostics: &mut Diagnostics) {
    let message = "a stage is a free function: move it out of the `impl` or `trait`, and take what it needs from the state, `#[state] app: &App`";
    diagnostics.error(&function.sig.ident, message);
}

/// The name, the qualifiers and the return type.
pub(crate) fn signature(function: &Function, diagnostics: &mut Diagnostics) {
    let signature = &function.sig;
    if PRIMITIVE_TYPES.iter().any(|ty| signature.ident == ty) {
        let name = &signature.ident;
        let message = format!(
            "a stage cannot be called `{name}`: it would hide the type `{name}` from the code around it"
        );
        diagnostics.error(name, message);
    }
    if let Some(token) = &signature.constness {
        diagnostics.error(token, "a stage cannot be `const`: remove it, or call the `const fn` from a stage");
    }
    if let syn::Safety::Unsafe(token) = &signature.safety {
        diagnostics.error(token, "a stage cannot be `unsafe`: call the unsafe function from a safe stage");
    }
    if let Some(abi) = &signature.abi {
        diagnostics.error(abi, "a stage cannot be `extern`: call the foreign function from a stage");
    }
    if let Some(variadic) = &signature.variadic {
        diagnostics.error(variadic, "a stage cannot take a variable number of arguments: take a `Vec`");
    }
    if let ReturnType::Type(_, output) = &signature.output {
        returned(output, signature, diagnostics);
    }
}

fn returned(output: &Type, signature: &syn::Signature, diagnostics: &mut Diagnostics) {
    if let Some(opaque) = impl_trait(output) {
        diagnostics.error(opaque, "a stage must name its return type, so that the next stage can be checked against it: write the type, or box it, such as `Box<dyn Iterator<Item = u32> + Send>`");
        return;
    }
    if let Type::Never(never) = strip(output) {
        diagnostics.error(never, "a stage must return a value: no stage could follow this one");
    }
    // The function borrows its inputs only for the time of the call.
    let borrowed = signature.inputs.iter().filter_map(|input| match input {
        syn::FnArg::Typed(PatType { ty, .. }) => match strip(ty) {
            Type::Reference(reference) => reference.lifetime.as_ref().filter(|lifetime| !is_static(lifetime)),
            _ => None,
        },
        syn::FnArg::Receiver(_) => None,
    });
    let borrowed: Vec<_> = borrowed.collect();
    let borrow = anonymous_borrow(output).or_else(|| {
        let used = lifetimes(output);
        used.into_iter().find(|used| borrowed.contains(used)).map(|used| quote!(#used))
    });
    if let Some(borrow) = borrow {
        diagnostics.error(borrow, "a stage cannot return a borrow of its input: return an owned value, such as a `String` for a `&str`");
    }
}

/// What cannot fail, and cannot time out, is not retried.
pub(super) fn retries(policy: &Policy, fallible: bool, diagnostics: &mut Diagnostics) {
    if let Some(retries) = policy.retries.as_ref().filter(|retries| retries.value > 0)
        && !fallible
        && policy.timeout.is_none()
    {
        let message = "this stage cannot fail, so there is nothing to retry: return a `Result`, add a `timeout`, or remove `retries`";
        diagnostics.error(&retries.key, message);
    }
}

/// `split_on_failure` halves one batch.
pub(crate) fn splits(policy: &Policy, inputs: usize, diagnostics: &mut Diagnostics) {
    if let (Some(split), true) = (&policy.split, inputs != 1) {
        let message = "`split_on_failure` halves a batch of rows: take the batch as the only input, `rows: &[Row]` or `rows: Vec<Row>`";
        diagnostics.error(&split.key, message);
    }
}

/// The parameters, each by its role.
pub(super) fn parameters(parameters: &[Parameter], diagnostics: &mut Diagnostics) {
    for parameter in parameters {
        match parameter {
            Parameter::Receiver(receiver) => diagnostics.error(receiver, RECEIVER),
            Parameter::Input(typed) => input(typed, diagnostics),
            Parameter::State(typed) => borrowed_parameter(typed, "state", diagnostics),
            Parameter::Context(typed) => borrowed_parameter(typed, "context", diagnostics),
        }
    }
}

fn input(parameter: &PatType, diagnostics: &mut Diagnostics) {
    let ty = strip(&parameter.ty);
    conditional(parameter, diagnostics);
    if let Some(opaque) = impl_trait(ty) {
        diagnostics.error(opaque, "a stage must name the types of its inputs: write the type, or a type parameter, `fn stage<T: Trait>(input: T)`");
        return;
    }
    match ty {
        Type::Reference(reference) if reference.mutability.is_some() => {
            let owned = &reference.elem;
            let owned = display(owned);
            diagnostics.error(ty, format!("a stage cannot modify its input in place, since each attempt needs the original: take it by value, `mut input: {owned}`, and return it"));
        }
        Type::Reference(reference) if matches!(strip(&reference.elem), Type::TraitObject(_)) => {
            diagnostics.error(ty, "a stage owns its input, and cannot own a bare trait object: take a type parameter, or a reference to a `Box<dyn Trait>`");
        }
        Type::Reference(reference) => borrows_only_at_the_top(&reference.elem, diagnostics),
        _ => borrows_only_at_the_top(ty, diagnostics),
    }
}

fn borrows_only_at_the_top(ty: &Type, diagnostics: &mut Diagnostics) {
    if let Some(borrow) = anonymous_borrow(ty) {
        diagnostics.error(
            borrow,
            "a stage can borrow its whole input, `&T`, but not a part of it: use an owned type here",
        );
    }
}

/// A `#[state]` or `#[context]` parameter is a shared reference to a named type.
fn borrowed_parameter(parameter: &PatType, attribute: &str, diagnostics: &mut Diagnostics) {
    let ty = strip(&parameter.ty);
    match ty {
        Type::Reference(reference) if reference.mutability.is_none() => {
            if let Some(opaque) = impl_trait(&reference.elem) {
                diagnostics.error(
                    opaque,
                    "a stage must name the types of its parameters: write the type, or a type parameter",
                );
            }
        }
        Type::Reference(reference) => {
            let what = &reference.elem;
            let what = display(what);
            diagnostics.error(ty, format!("`#[{attribute}]` is shared by concurrent calls, so it cannot be `&mut`: take `&{what}`, and put mutable data behind a lock"));
        }
        _ => {
            let written = display(ty);
            diagnostics
                .error(ty, format!("`#[{attribute}]` is only borrowed: take it by reference, `&{written}`"));
        }
    }
}

/// Refuses `#[cfg]` on a parameter: the stage would have it always.
fn conditional(parameter: &PatType, diagnostics: &mut Diagnostics) {
    let conditions = ["cfg", "cfg_attr"];
    let mut attributes = parameter.attrs.iter();
    if let Some(attribute) =
        attributes.find(|attribute| conditions.iter().any(|name| attribute.path().is_ident(name)))
    {
        let message = "a parameter of a stage cannot be conditional: put `#[cfg(…)]` on the function, and write it once for each case";
        diagnostics.error(attribute, message);
    }
}
