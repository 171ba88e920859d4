//! A chain → the expression that builds it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprClosure, GenericArgument, Pat, Path, PathArguments};

use super::free_variables::called_functions;
use super::model::{Pipeline, Step};
use super::{fork_expand, graph, graph_checks, route};
use crate::paths::{CratePath, respan};
use crate::policy::{self, Policy};

/// The longest tuple that the runtime's `Chain` is implemented for. What is longer nests.
const MAX_ARITY: usize = 8;

pub(crate) fn pipeline(pipeline: &Pipeline) -> TokenStream {
    let crate_path = pipeline.crate_path.as_ref().map(CratePath::new).unwrap_or_default();
    let private = crate_path.private();
    let input = pipeline.input.as_ref().map(|ty| quote!(::<#ty>));
    let (first, plan) = (hygienic("port", 0), plan());
    let mut edge = first.clone();
    let mut steps = TokenStream::new();
    let mut sections = vec![Vec::new()];
    let mut boundaries = Vec::new();
    for (index, step) in pipeline.steps.iter().enumerate() {
        let (stage, next) = (hygienic("stage", index), hygienic("port", index + 1));
        steps.extend(self::step(step, &stage, &edge, &next, &crate_path));
        if matches!(step, Step::Boundary(_)) {
            boundaries.push(stage);
            sections.push(Vec::new());
        } else if let Some(section) = sections.last_mut() {
            section.push(stage.into_token_stream());
        }
        edge = next;
    }
    let fork = match <[Vec<_>; 1]>::try_from(sections) {
        Ok([stages]) => {
            let chain = nest_chain(stages, &crate_path);
            quote!(#private::finish(#first, #chain, #plan))
        }
        Err(sections) => {
            let parts = bounded_sections(sections, boundaries, &crate_path);
            quote!(#private::finish_bounded(#first, #parts, #plan))
        }
    };
    quote! {{
        let #first = #private::edge #input ();
        let mut #plan = #private::plan();
        #steps
        #fork
    }}
}

/// The parts of a pipeline with boundaries: stages, and behind a boundary all that follows.
fn bounded_sections(
    sections: Vec<Vec<TokenStream>>,
    boundaries: Vec<Ident>,
    crate_path: &CratePath,
) -> TokenStream {
    let private = crate_path.private();
    let mut parts = sections.into_iter().rev().map(|stages| {
        if stages.is_empty() {
            return quote!(#private::PassThrough);
        }
        let chain = nest_chain(stages, crate_path);
        quote!(#private::stage_section(#chain))
    });
    let last = parts.next().unwrap_or_default();
    parts
        .zip(boundaries.into_iter().rev())
        .fold(last, |rest, (part, boundary)| quote!(#private::bounded(#part, #boundary, #rest)))
}

/// The variable that numbers the steps.
pub(crate) fn plan() -> Ident {
    Ident::new("__plan", Span::mixed_site())
}

/// Statements that bind a step and the port behind it.
pub(crate) fn step(
    step: &Step,
    stage: &Ident,
    edge: &Ident,
    next: &Ident,
    crate_path: &CratePath,
) -> TokenStream {
    let closure_stage = |what: &str, closure: &ExprClosure| {
        let fork = closure_stage(what, closure, edge, crate_path);
        // What is nearly a graph was meant to be one.
        let near = graph::resembles_graph(closure);
        let first = called_functions(&closure.body).into_iter().take(usize::from(near));
        let reject_stage_calls =
            reject_stage_calls(&first.collect::<Vec<_>>(), "CalledInClosure", crate_path);
        let at = match closure.inputs.first() {
            Some(Pat::Type(typed)) => match &*typed.ty {
                syn::Type::Reference(reference) => reference.elem.span(),
                ty => ty.span(),
            },
            _ => closure.inputs_begin.span(),
        };
        let connect = connect(&fork, edge, at, crate_path);
        quote! {
            #reject_stage_calls
            // A path in the place of the closure, as clippy may want it, would be a stage.
            #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
            let (#stage, #next) = #connect;
        }
    };
    match step {
        Step::Stage { path, overrides } => {
            // The receiving stage's own name is what a mismatch points at.
            let at = path.segments.last().map_or_else(Span::call_site, |segment| segment.ident.span());
            let connect =
                connect(&resolve_stage(path, overrides.as_deref(), crate_path), edge, at, crate_path);
            let override_policy =
                overrides.as_ref().map(|overrides| override_policy(overrides, stage, edge, crate_path));
            quote! {
                let (#stage, #next) = #connect;
                #override_policy
            }
        }
        Step::All(branches) => {
            let fork = fork_expand::all(branches, edge, crate_path);
            quote!(let (#stage, #next) = #fork;)
        }
        Step::First(branches) => {
            let fork = fork_expand::first(branches, edge, crate_path);
            quote!(let (#stage, #next) = #fork;)
        }
        Step::Route { keyword, arms } => {
            let fork = route::route(*keyword, arms, edge, crate_path);
            quote!(let (#stage, #next) = #fork;)
        }
        Step::Graph(graph) => {
            let fork = graph_checks::graph(graph, edge, crate_path);
            quote!(let (#stage, #next) = #fork;)
        }
        Step::Closure(closure) => closure_stage("closure", closure),
        Step::Inspect(closure) => closure_stage("inspect", closure),
        Step::Boundary(boundary) => {
            let connect = connect(&boundary.value(crate_path), edge, boundary.name().span(), crate_path);
            quote!(let (#stage, #next) = #connect;)
        }
        Step::Value(value) => {
            let embed = embed(value, crate_path);
            let connect = connect(&embed, edge, value.span(), crate_path);
            quote!(let (#stage, #next) = #connect;)
        }
    }
}

/// A value, as the runtime makes it a stage.
pub(crate) fn embed(value: &Expr, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    quote! {{
        #[allow(unused_imports)]
        use #private::EmbedAny as _;
        #private::Embed(#value).into_stage()
    }}
}

/// The value that a path to a stage stands for.
///
/// The path is imported over a stand-in, so that where there is a function and no stage the stand-in is found, and
/// the error can say what is missing. A path of one name may also be that of a variable, or of nothing; there an empty
/// macro of the same name keeps the import from failing.
pub(crate) fn resolve_stage(path: &Path, overrides: Option<&Policy>, crate_path: &CratePath) -> TokenStream {
    let mut bare = path.clone();
    let Some(last) = bare.segments.last_mut() else {
        return TokenStream::new();
    };
    let arguments = std::mem::take(&mut last.arguments);
    let name = last.ident.clone();
    let at = name.span();
    let alone = bare.leading_colon.is_none() && bare.segments.len() == 1;
    // A name at the place where it stands, and blind for local variables.
    if alone && let Some(only) = bare.segments.last_mut() {
        only.ident.set_span(Span::mixed_site().located_at(at));
    }
    let placeholder = alone.then(|| {
        let name = &bare;
        quote!(#[allow(unused_macros)] macro_rules! #name { () => {} })
    });
    let parameters = stand_in_parameters(&arguments);
    let units = parameters.iter().map(|_| quote!(()));
    let value = Ident::new("stage", at);
    let stage = Ident::new("__Stage", at);
    let import = quote_spanned!(at=> use #bare as #stage;);
    let private = crate_path.private();
    let this = call_at(at, &quote!(#private::StageFn::__this), &value.to_token_stream());
    // Not a `let`, or rustc would suggest to write a type there where one cannot be inferred.
    let fork = quote_spanned!(at=> match #stage #arguments::stage() { #value => #this });
    let fields = quote!(#(::core::marker::PhantomData<#parameters>,)*);
    let stand_in = respan(quote!(pub struct #name<#(#parameters),*>(#fields);), at);
    let instance = quote!(impl<#(#parameters),*> #name<#(#parameters),*> {
        pub fn stage() -> Self { ::core::unreachable!() }
    });
    let agreement = overrides.map(|overrides| policy::override_assertions(overrides, crate_path));
    // The stand-in agrees with any override: one error is enough.
    let any = agreement.as_ref().filter(|agreement| !agreement.is_empty()).map(
        |_| quote!(impl #name<#(#units),*> { pub const __POLICY: #private::Policy = #private::Policy::ANY; }),
    );
    quote! {{
        #[allow(non_camel_case_types, dead_code, unused_imports, unreachable_pub, missing_docs, missing_debug_implementations, clippy::all, clippy::pedantic)]
        mod not_in_scope {
            #stand_in
            #instance
            #any
        }
        #[allow(unused_imports)]
        use not_in_scope::#name as __Stage;
        {
            #placeholder
            #[allow(unused_imports)]
            #import
            #agreement
            #fork
        }
    }}
}

/// A check that these paths name no stages: where they are called, those would be plain functions, without their policy.
/// `what` says where: the trait that a plain function has there.
pub(crate) fn reject_stage_calls(paths: &[Path], what: &str, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let checks = paths.iter().map(|path| {
        let mut bare = path.clone();
        let Some(last) = bare.segments.last_mut() else { return TokenStream::new() };
        let arguments = std::mem::take(&mut last.arguments);
        let name = last.ident.clone();
        let at = name.span();
        let alone = bare.leading_colon.is_none() && bare.segments.len() == 1;
        if alone && let Some(only) = bare.segments.last_mut() {
            only.ident.set_span(Span::mixed_site().located_at(at));
        }
        let placeholder = alone.then(|| quote!(#[allow(unused_macros)] macro_rules! #bare { () => {} }));
        let parameters = stand_in_parameters(&arguments);
        let fields = quote!(#(::core::marker::PhantomData<#parameters>,)*);
        let what = Ident::new(what, at);
        let stage = Ident::new("__Stage", at);
        let import = quote_spanned!(at=> use #bare as #stage;);
        let value = Ident::new("stage", at);
        let check_at = call_at(at, &quote!(#private::#what::__plain), &value.to_token_stream());
        let check_at = quote_spanned!(at=> let _ = || match #stage #arguments::stage() { #value => #check_at };);
        quote! {{
            #[allow(non_camel_case_types, dead_code, unused_imports, unreachable_pub, missing_docs, missing_debug_implementations, clippy::all, clippy::pedantic)]
            mod not_in_scope {
                pub struct #name<#(#parameters),*>(#fields);
                impl<#(#parameters),*> #name<#(#parameters),*> {
                    pub fn stage() -> #private::PlainFunction { ::core::unreachable!() }
                }
            }
            #[allow(unused_imports)]
            use not_in_scope::#name as __Stage;
            {
                #placeholder
                #[allow(unused_imports)]
                #import
                #[allow(clippy::all, clippy::pedantic)]
                #check_at
            }
        }}
    });
    checks.collect()
}

/// Type parameters for the stand-in, as many as the path has arguments.
fn stand_in_parameters(arguments: &PathArguments) -> Vec<Ident> {
    let PathArguments::AngleBracketed(arguments) = arguments else {
        return Vec::new();
    };
    let types = arguments.args.iter().filter(|argument| matches!(argument, GenericArgument::Type(_)));
    (0..types.count()).map(|index| format_ident!("T{index}")).collect()
}

/// The same stage under a policy of this place.
pub(crate) fn override_policy(
    overrides: &Policy,
    stage: &Ident,
    edge: &Ident,
    crate_path: &CratePath,
) -> TokenStream {
    let (private, plan) = (crate_path.private(), plan());
    let policy = policy::overridden_policy(overrides, &quote!(#private::own_policy(&#stage)), crate_path);
    let override_policy = match &overrides.retries {
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
            #override_policy
        };
    }
}

/// What a piece of code goes by that has no name of its own: `closure at src/main.rs:7`.
pub(crate) fn located_name(what: &str, at: Span, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let what = format!("{what} at ");
    // All tokens are at the place, or the line would be that of the macro.
    respan(quote!(#private::concat!(#what, #private::file!(), ":", #private::line!())), at)
}

/// A closure, as the runtime's function of the name `what` makes it a stage.
fn closure_stage(what: &str, closure: &ExprClosure, edge: &Ident, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let name = located_name(what, closure.inputs_begin.span(), crate_path);
    // Where the closure does not say what it takes, the edge does; where it does, the edge is checked against that.
    if closure.inputs.iter().all(|input| matches!(input, Pat::Type(_))) {
        let make = format_ident!("{what}");
        quote!(#private::#make(#name, #closure))
    } else {
        let make = format_ident!("{what}_after");
        quote!(#private::#make(#edge, #name, #closure))
    }
}

/// A chain of any length out of tuples of bounded ones.
pub(crate) fn nest_chain(mut stages: Vec<TokenStream>, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    while stages.len() > MAX_ARITY {
        stages = stages.chunks(MAX_ARITY).map(|chunk| quote!(#private::Chain((#(#chunk,)*)))).collect();
    }
    quote!(#private::Chain((#(#stages,)*)))
}

/// A variable that no code of the user's sees.
pub(crate) fn hygienic(what: &str, index: usize) -> Ident {
    Ident::new(&format!("__{what}{index}"), Span::mixed_site())
}

/// A stage and the port behind it, once the edge in front of it is checked.
pub(crate) fn connect(stage: &TokenStream, edge: &Ident, at: Span, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    // The user's own tokens as far as rustc can see, or it would add a note on macros to each mismatch.
    let value = Ident::new("stage", at);
    let plan = plan();
    let fits = call_at(at, &quote!(#private::Accepts::__connect), &quote!(#edge, #value, &mut #plan));
    quote! {{
        let #value = #stage;
        #fits
    }}
}

/// A call that rustc reports at one place.
pub(crate) fn call_at(at: Span, closure_stage: &TokenStream, arguments: &TokenStream) -> TokenStream {
    let closure_stage = respan(closure_stage.clone(), at);
    quote_spanned!(at=> #closure_stage(#arguments))
}
