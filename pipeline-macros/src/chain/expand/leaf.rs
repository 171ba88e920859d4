//! The steps that contain no others: stages, closures, values and boundaries.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprClosure, Pat, ReturnType, Type};

use super::common::{connect, located_name, plan, refuse};
use super::resolve::{reject_stage_calls, resolve_stage};
use crate::chain::model::{Boundary, Closure, Linger, StageUse};
use crate::codegen::{call_at, hygienic};
use crate::crate_path::CratePath;
use crate::policy::{self, Asyncness, Policy};

/// Where a step is bound.
pub(super) struct StepVariables<'a> {
    pub(super) stage: &'a Ident,
    /// The edge before it, and the one after it.
    pub(super) edge: &'a Ident,
    pub(super) next_edge: &'a Ident,
    /// Whether its output is that of the pipeline.
    pub(super) is_last: bool,
}

impl StepVariables<'_> {
    /// Binds the step and the edge after it to this pair.
    pub(super) fn bind(&self, pair: &TokenStream) -> TokenStream {
        let Self { stage, next_edge, .. } = self;
        quote!(let (#stage, #next_edge) = #pair;)
    }
}

/// `fetch.retries(5)`
pub(super) fn stage(stage: &StageUse, variables: &StepVariables<'_>, crate_path: &CratePath) -> TokenStream {
    let StageUse { path, overrides, .. } = stage;
    let value = resolve_stage(path, overrides.as_deref(), variables.is_last, crate_path);
    // An edge that does not fit is reported at the stage's own name.
    let bound = variables.bind(&connect(&value, variables.edge, stage.span(), crate_path));
    let overridden = overrides
        .as_ref()
        .map(|overrides| override_policy(overrides, variables.stage, variables.edge, crate_path));
    quote! {
        #bound
        #overridden
    }
}

/// The same stage under the policy of this use.
pub(super) fn override_policy(
    overrides: &Policy,
    stage: &Ident,
    edge: &Ident,
    crate_path: &CratePath,
) -> TokenStream {
    let (private, plan) = (crate_path.private(), plan());
    let policy = policy::overridden_policy(overrides, &quote!(#private::own_policy(&#stage)), crate_path);
    let overridden = match &overrides.retries {
        None => quote!(#private::same_retries(#edge, #stage, policy, &mut #plan)),
        Some(retries) if overrides.retries() => {
            let at = retries.key.span();
            let value = Ident::new("stage", at);
            let attempts = call_at(at, &quote!(#private::Retryable::<_>::__strategy), &quote!(#edge, #value));
            quote!({
                let attempts = { let #value = &#stage; #attempts };
                #private::with_retries(#stage, attempts, policy, &mut #plan)
            })
        }
        Some(_) => quote!(#private::without_retries(#edge, #stage, policy, &mut #plan)),
    };
    quote! {
        let #stage = {
            let policy = #policy;
            #overridden
        };
    }
}

/// `|x| x + 1`, `try |x| …`, `|x| async move { … }`
pub(super) fn closure(
    closure: &Closure,
    variables: &StepVariables<'_>,
    crate_path: &CratePath,
) -> TokenStream {
    let private = crate_path.private();
    let Closure { expr: ExprClosure { body, output, .. }, .. } = closure;
    // An error about what it returns is reported where the closure begins.
    let boxed = quote_spanned!(closure.expr.inputs_begin.span()=> __boxed());
    let (kind, body) = match (closure.asyncness, closure.fallible) {
        (Asyncness::Sync, false) => return bind_closure("closure", closure, variables, crate_path),
        // In a closure of its own, so that `?` and `return` end it.
        (Asyncness::Sync, true) => ("try_closure", quote!(#private::Tried((|| #output #body)()).#boxed)),
        (Asyncness::Async, false) => ("async_closure", quote!(#private::NeverFails::new(#body))),
        (Asyncness::Async, true) => {
            let future = hygienic("future", 0);
            (
                "async_closure",
                quote!({ let #future = #body; async move { #private::Tried(#future.await).#boxed } }),
            )
        }
    };
    let body = quote! {{
        #[allow(unused_imports)]
        use #private::TriedAny as _;
        #body
    }};
    let closure = Closure {
        name: closure.name.clone(),
        expr: ExprClosure {
            output: ReturnType::Default,
            body: Box::new(Expr::Verbatim(body)),
            ..closure.expr.clone()
        },
        called_function: closure.called_function.clone(),
        ..*closure
    };
    bind_closure(kind, &closure, variables, crate_path)
}

/// `inspect(|x| …)`
pub(super) fn inspect(
    closure: &Closure,
    variables: &StepVariables<'_>,
    crate_path: &CratePath,
) -> TokenStream {
    bind_closure("inspect", closure, variables, crate_path)
}

/// A closure, which the runtime's function of the name `kind` makes a stage.
fn bind_closure(
    kind: &str,
    Closure { name, expr: closure, called_function, .. }: &Closure,
    variables: &StepVariables<'_>,
    crate_path: &CratePath,
) -> TokenStream {
    let (private, edge) = (crate_path.private(), variables.edge);
    let reject_stage_calls = reject_stage_calls(called_function.as_slice(), "CalledInClosure", crate_path);
    let word = if kind == "inspect" { kind } else { "closure" };
    let name = match name {
        Some(name) => name.to_token_stream(),
        None => located_name(word, closure.inputs_begin.span(), crate_path),
    };
    // The edge decides what a closure takes, unless that says so itself; then the edge is checked against it.
    let stage = if closure.inputs.iter().all(|input| matches!(input, Pat::Type(_))) {
        let make = format_ident!("{kind}");
        quote!(#private::#make(#name, #closure))
    } else {
        let make = format_ident!("{kind}_after");
        quote!(#private::#make(#edge, #name, #closure))
    };
    let at = match closure.inputs.first() {
        Some(Pat::Type(typed)) => match &*typed.ty {
            Type::Reference(reference) => reference.elem.span(),
            ty => ty.span(),
        },
        _ => closure.inputs_begin.span(),
    };
    let bound = variables.bind(&connect(&stage, edge, at, crate_path));
    quote! {
        #reject_stage_calls
        // A path in the place of the closure, which clippy may suggest, would be a stage.
        #[allow(clippy::redundant_closure, clippy::redundant_closure_call, clippy::redundant_closure_for_method_calls)]
        #bound
    }
}

/// `{ value }`
pub(super) fn value(value: &Expr, variables: &StepVariables<'_>, crate_path: &CratePath) -> TokenStream {
    variables.bind(&connect(&embed(value, crate_path), variables.edge, value.span(), crate_path))
}

/// A value, as the runtime makes it a stage.
pub(super) fn embed(value: &Expr, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    quote! {{
        #[allow(unused_imports)]
        use #private::EmbedAny as _;
        #private::Embed(#value).__into_stage()
    }}
}

/// `each`, `batch(100, "50ms")`
pub(super) fn boundary(
    boundary: &Boundary,
    variables: &StepVariables<'_>,
    crate_path: &CratePath,
) -> TokenStream {
    let private = crate_path.private();
    let mut check = TokenStream::new();
    let value = match boundary {
        Boundary::Each(name) => {
            check = refuse(&["NotAResultOfItems"], variables.edge, name.span(), crate_path);
            quote!(#private::each())
        }
        Boundary::Batch { name, size, linger } => {
            let linger = match linger {
                None => quote!(#private::Option::None),
                Some(Linger::Literal(duration)) => {
                    let duration = policy::duration(*duration, crate_path);
                    quote!(#private::Option::Some(#duration))
                }
                Some(Linger::Value(value)) => quote!(#private::Option::Some(#value)),
            };
            let size = size.to_token_stream();
            quote_spanned!(name.span()=> #private::batch(#size, #linger))
        }
    };
    let bound = variables.bind(&connect(&value, variables.edge, boundary.name().span(), crate_path));
    quote!(#check #bound)
}
