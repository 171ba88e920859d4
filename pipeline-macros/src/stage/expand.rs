//! A stage → the struct that stands for it, and what the runtime needs to know of it.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Attribute, GenericParam, Generics, ItemFn, Token, WhereClause, WherePredicate, parse_quote,
};

use super::lend::Lending;
use super::model::{Argument, Input, Output, Stage, shared_attributes};
use crate::paths::{Runtime, respan};
use crate::policy::{self, Body};

pub(crate) fn stage(stage: &Stage) -> TokenStream {
    let structure = structure(stage);
    let impls = [accepts(stage), policied(stage), called(stage), function(stage), repeat(stage)];
    let cfgs = cfgs(&stage.attributes);
    quote! {
        #structure
        #(#cfgs)*
        #[allow(deprecated, unused, unused_qualifications, clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction)]
        const _: () = { #(#impls)* };
    }
}

/// What stands in for a stage whose signature is wrong, so that its uses are not reported too: it takes anything.
///
/// An error in the place of a type makes whatever depends on that type fall silent.
pub(crate) fn fallback(function: &ItemFn, runtime: &Runtime, error: &TokenStream) -> TokenStream {
    let (root, private) = (runtime.root(), runtime.private());
    let ItemFn { sig, vis, .. } = function;
    let name = &sig.ident;
    let attributes = shared_attributes(function);
    let cfgs = cfgs(&attributes);
    let generics = marker_generics(&sig.generics, runtime);
    let marker = marker(&sig.generics);
    let (bounds, arguments, _) = generics.split_for_impl();
    let mut accepting = generics.clone();
    accepting.params.push(parse_quote!(__In));
    let (accepting, _, _) = accepting.split_for_impl();
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code)]
        #vis struct #name #generics {
            #[doc(hidden)]
            #vis __stage: #private::Token<#marker, #private::Unlimited>,
        }
        #(#cfgs)*
        #[allow(unused)]
        const _: () = {
            impl #accepting #root::Accepts<__In> for #name #arguments {
                type Out = [(); { #error }];
            }
            impl #bounds #root::StageFn for #name #arguments {
                type Error = #private::Infallible;
                type __This = Self;
                type __Attempts = #private::Once;
                const __SPEC: #private::Spec = #private::Spec::new("");
                fn __this(self) -> Self { self }
            }
        };
    }
}

fn structure(stage: &Stage) -> TokenStream {
    let Stage { name, visibility, attributes, .. } = stage;
    let private = stage.runtime.private();
    let generics = marker_generics(&stage.generics, &stage.runtime);
    let marker = marker(&stage.generics);
    let limits = if stage.policy.is_limited() { quote!(Limited) } else { quote!(Unlimited) };
    let documented = attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
    let docs = (!documented).then(|| {
        let docs = format!("The stage of the function `{name}`.");
        quote!(#[doc = #docs])
    });
    let cfgs = cfgs(attributes);
    let (bounds, arguments, _) = generics.split_for_impl();
    let at = name.span();
    quote_spanned! {at=>
        #docs
        #(#attributes)*
        #[allow(non_camel_case_types, dead_code, clippy::type_complexity)]
        #visibility struct #name #generics {
            #[doc(hidden)]
            #visibility __stage: #private::Token<#marker, #private::#limits>,
        }
        #(#cfgs)*
        #[allow(deprecated)]
        impl #bounds #private::Clone for #name #arguments {
            fn clone(&self) -> Self {
                #name { __stage: #private::Clone::clone(&self.__stage) }
            }
        }
    }
}

fn accepts(stage: &Stage) -> TokenStream {
    let Stage { name, .. } = stage;
    let root = stage.runtime.root();
    let input = stage.input_type();
    let output = value_type(stage);
    let (generics, _, clause) = stage.generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    let at = name.span();
    quote_spanned! {at=>
        impl #generics #root::Accepts<#input> for #name #arguments #clause {
            type Out = #output;
        }
    }
}

fn policied(stage: &Stage) -> TokenStream {
    let Stage { name, policy, .. } = stage;
    let (root, private) = (stage.runtime.root(), stage.runtime.private());
    let interruptible = stage.body == Body::Async || stage.is_blocking();
    let spec = policy::spec(policy, name, interruptible, &stage.runtime);
    let attempts = if policy.retries() { quote!(Again) } else { quote!(Once) };
    let error = error_type(stage);
    let (generics, _, clause) = stage.generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    let at = name.span();
    quote_spanned! {at=>
        impl #generics #root::StageFn for #name #arguments #clause {
            type Error = #error;
            type __This = Self;
            type __Attempts = #private::#attempts;
            const __SPEC: #private::Spec = #spec;
            fn __this(self) -> Self { self }
        }
    }
}

/// The stage itself: the function under its policy.
fn called(stage: &Stage) -> TokenStream {
    let Stage { name, policy, .. } = stage;
    let (root, private) = (stage.runtime.root(), stage.runtime.private());
    let input = stage.input_type();
    let (generics, clause) = impl_generics(stage);
    let arguments = type_arguments(&stage.generics);
    let spec = quote!(<Self as #root::StageFn>::__SPEC);
    let call = if policy.is_bare() {
        quote!(#private::direct(self, const { #spec.name }, input, cx))
    } else if policy.retries() {
        quote!(#private::retrying(self, const { &#spec }, &self.__stage.limits, input, cx))
    } else {
        quote!(#private::single(self, const { &#spec }, &self.__stage.limits, input, cx))
    };
    let at = name.span();
    quote_spanned! {at=>
        impl #generics #root::Stage<#input, __S> for #name #arguments #clause {
            #[inline]
            fn call(
                &self,
                input: #input,
                cx: &#root::Scope<'_, __S>,
            ) -> impl #private::Future<Output = #private::Result<Self::Out, #root::StageError>> + #private::Send {
                #call
            }
        }
    }
}

/// How to call the function once.
fn function(stage: &Stage) -> TokenStream {
    let Stage { name, policy, .. } = stage;
    let (root, private) = (stage.runtime.root(), stage.runtime.private());
    let input = stage.input_type();
    let (generics, clause) = impl_generics(stage);
    let arguments = type_arguments(&stage.generics);
    let pattern = stage.input_pattern();
    let body = call(stage, &Call { open: quote!(let #pattern = input;), ..Call::default() });
    let future = future(stage);
    let retry_if = policy.retry_if.as_ref().map(|path| {
        let function = &path.value;
        let call = quote_spanned!(path.value.span()=> #function(error));
        quote!(fn retry_if(&self, error: &<Self as #root::StageFn>::Error) -> bool { #call })
    });
    let retry_after = policy.retry_after.as_ref().map(|path| {
        let function = &path.value;
        let call = quote_spanned!(path.value.span()=> #function(error));
        quote!(fn retry_after(&self, error: &<Self as #root::StageFn>::Error) -> #private::Option<#private::Duration> { #call })
    });
    let at = name.span();
    quote_spanned! {at=>
        impl #generics #private::Function<#input, __S> for #name #arguments #clause {
            #[inline]
            fn once(&self, input: #input, cx: #root::Scope<'_, __S>) -> #future { #body }
            #retry_if
            #retry_after
        }
    }
}

/// How to call it again. Where the attribute asks for no retries an override may, and only then the input has to be
/// `Clone`.
fn repeat(stage: &Stage) -> TokenStream {
    let Stage { name, policy, .. } = stage;
    let (root, private) = (stage.runtime.root(), stage.runtime.private());
    let input = stage.input_type();
    let future = future(stage);
    let arguments = type_arguments(&stage.generics);
    let (generics, mut clause) = impl_generics(stage);
    let mut any_state = stage.generics.clone();
    any_state.params.push(parse_quote!(__M));
    for Input { owned, .. } in stage.moved() {
        if !policy.retries() {
            predicates(&mut clause).push(parse_quote!(#owned: #private::Repeated<__S>));
        }
        any_state.make_where_clause().predicates.push(parse_quote!(#owned: #private::Repeated<__M>));
    }
    let (any_state, _, any_clause) = any_state.split_for_impl();

    let pattern = stage.input_pattern();
    let clones = stage.moved().map(|Input { variable, owned, .. }| {
        let at = owned.span();
        let repeat = match policy.retries() {
            true => respan(quote!(#root::RetryInput::__again), at),
            false => quote!(#private::Repeated::<__S>::repeat),
        };
        let variable_there = Ident::new(&variable.to_string(), at.resolved_at(variable.span()));
        let repeat = quote_spanned!(at=> #repeat(#variable_there));
        quote!(let #variable = #repeat;)
    });
    let taken = quote!(let #pattern = kept; #(#clones)*);
    // A blocking call takes its input to another thread, which may hold on to it after a timeout.
    let shared = stage.is_blocking() && stage.inputs().any(|input| input.lending == Lending::Lent);
    let (kept, keep, again, last) = if shared {
        let share = quote!(let kept = #private::Clone::clone(kept););
        let open = quote!(let kept = &*kept; #taken);
        (
            quote!(#private::Arc<#input>),
            quote!(#private::Arc::new(input)),
            Call { prepare: share, open: open.clone(), borrowed: true },
            Call { open, borrowed: true, ..Call::default() },
        )
    } else {
        (
            quote!(#input),
            quote!(input),
            Call { prepare: taken, borrowed: true, ..Call::default() },
            Call { open: quote!(let #pattern = kept;), ..Call::default() },
        )
    };
    let (again, last) = (call(stage, &again), call(stage, &last));
    let at = name.span();
    quote_spanned! {at=>
        impl #generics #private::Repeat<#input, __S> for #name #arguments #clause {
            type Kept = #kept;
            #[inline]
            fn keep(input: #input) -> Self::Kept { #keep }
            #[inline]
            fn again(&self, kept: &Self::Kept, cx: #root::Scope<'_, __S>) -> #future { #again }
            #[inline]
            fn last(&self, kept: Self::Kept, cx: #root::Scope<'_, __S>) -> #future { #last }
        }
        #[diagnostic::do_not_recommend]
        impl #any_state #root::Retryable<__M> for #name #arguments #any_clause {
            type __This = Self;
            fn __retryable(self) -> Self { self }
        }
    }
}

/// One call of the function, as a future.
#[derive(Default)]
struct Call {
    /// What happens at once.
    prepare: TokenStream,
    /// What happens in the future, or on the blocking thread, before the function is called.
    open: TokenStream,
    /// Whether the variables of lent inputs are references by then.
    borrowed: bool,
}

fn call(stage: &Stage, Call { prepare, open, borrowed }: &Call) -> TokenStream {
    let Stage { name, .. } = stage;
    let (root, private) = (stage.runtime.root(), stage.runtime.private());
    let arguments = stage.arguments.iter().map(|argument| match argument {
        Argument::Input(Input { variable, lending: Lending::Lent, .. }) if !borrowed => quote!(&#variable),
        Argument::Input(Input { variable, .. }) => quote!(#variable),
        Argument::State { ty } => quote_spanned!(ty.span()=> #root::Provide::<#ty>::provide(cx.state())),
        Argument::Context => quote!(cx.__context()),
    });
    let parameters = type_arguments(&stage.generics);
    let turbofish = (!parameters.is_empty()).then(|| quote!(::#parameters));
    let called = quote!(#name #turbofish (#(#arguments),*));
    let called = match stage.body {
        Body::Async => quote!(#called.await),
        Body::Sync => called,
    };
    let result = match &stage.output {
        Output::Fallible(_) => called,
        Output::Infallible(_) => quote!(#private::Result::Ok(#called)),
    };
    match (stage.is_blocking(), stage.uses_context()) {
        (false, _) => {
            let future = quote_spanned!(name.span()=> async move { #open #result });
            quote!(#prepare #future)
        }
        (true, false) => quote!(#prepare #private::blocking(move || { #open #result })),
        (true, true) => quote! {
            #prepare
            let cx = cx.__detach();
            #private::blocking(move || {
                let cx = cx.scope();
                #open
                #result
            })
        },
    }
}

fn future(stage: &Stage) -> TokenStream {
    let (root, private) = (stage.runtime.root(), stage.runtime.private());
    // Should the future not be `Send`, the function's name is where to say so.
    let send = quote_spanned!(stage.name.span()=> #private::Send);
    quote!(impl #private::Future<Output = #private::Result<Self::Out, <Self as #root::StageFn>::Error>> + #send)
}

/// What comes out when all goes well.
fn value_type(stage: &Stage) -> TokenStream {
    let private = stage.runtime.private();
    match &stage.output {
        Output::Fallible(ty) => quote_spanned!(ty.span()=> <#ty as #private::Outcome>::Value),
        Output::Infallible(ty) => quote!(#ty),
    }
}

fn error_type(stage: &Stage) -> TokenStream {
    let private = stage.runtime.private();
    match &stage.output {
        Output::Fallible(ty) => quote_spanned!(ty.span()=> <#ty as #private::Outcome>::Error),
        Output::Infallible(_) => quote!(#private::Infallible),
    }
}

/// The function's generics, and a state `__S` that has what the function asks for.
fn impl_generics(stage: &Stage) -> (TokenStream, Option<WhereClause>) {
    let (root, private) = (stage.runtime.root(), stage.runtime.private());
    let mut generics = stage.generics.clone();
    generics.params.push(parse_quote!(__S));
    let clause = generics.make_where_clause();
    clause.predicates.push(parse_quote!(__S: #private::Send + #private::Sync));
    if stage.is_blocking() && stage.uses_context() {
        clause.predicates.push(parse_quote!(__S: 'static));
    }
    for argument in &stage.arguments {
        if let Argument::State { ty } = argument {
            // Where the state lacks it, rustc shows these tokens: the parameter's type.
            let provide = quote_spanned!(ty.span()=> __S: #root::Provide<#ty>);
            clause.predicates.push(parse_quote!(#provide));
        }
    }
    let (generics, _, clause) = generics.split_for_impl();
    (quote!(#generics), clause.cloned())
}

fn predicates(clause: &mut Option<WhereClause>) -> &mut Punctuated<WherePredicate, Token![,]> {
    &mut clause.get_or_insert_with(|| parse_quote!(where)).predicates
}

/// The struct's own parameters: the function's types and constants, with no bounds. Lifetimes belong to inputs.
fn marker_generics(generics: &Generics, runtime: &Runtime) -> Generics {
    let private = runtime.private();
    let parameters = generics.params.iter().filter_map(|parameter| -> Option<GenericParam> {
        match parameter {
            GenericParam::Lifetime(_) => None,
            GenericParam::Type(parameter) => {
                let name = &parameter.ident;
                Some(parse_quote!(#name: ?#private::Sized))
            }
            GenericParam::Const(parameter) => {
                let (name, ty) = (&parameter.ident, &parameter.ty);
                Some(parse_quote!(const #name: #ty))
            }
        }
    });
    let parameters: Punctuated<GenericParam, Token![,]> = parameters.collect();
    if parameters.is_empty() {
        return Generics::default();
    }
    parse_quote!(<#parameters>)
}

/// `<T, N>`, or nothing.
fn type_arguments(generics: &Generics) -> TokenStream {
    let names = generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(parameter) => Some(&parameter.ident),
        GenericParam::Const(parameter) => Some(&parameter.ident),
    });
    let mut names = names.peekable();
    match names.peek() {
        Some(_) => quote!(<#(#names),*>),
        None => TokenStream::new(),
    }
}

/// A type that mentions each type parameter, and holds none.
fn marker(generics: &Generics) -> TokenStream {
    let names = generics.type_params().map(|parameter| &parameter.ident);
    quote!((#(*const #names,)*))
}

fn cfgs(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect()
}
