//! A stage → the struct that stands for it, and what the runtime needs to know of it.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, GenericParam, Generics, ItemFn, Token, WhereClause, parse_quote};

use super::lend::Lending;
use super::model::{Argument, Input, Output, Stage, shared_attributes};
use crate::paths::{Runtime, respan};
use crate::policy::{self, Body};

pub(crate) fn stage(stage: &Stage) -> TokenStream {
    let structure = structure(stage);
    let impls = [
        accepts(stage),
        policied(stage),
        called(stage),
        function(stage),
        repeat(stage),
        attempts(stage),
    ];
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
    let example = example(name, &sig.generics);
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
            impl #example {
                #vis const __POLICY: #private::Spec = #private::Spec::ANY;
            }
            impl #bounds #root::StageFn for #name #arguments {
                type Error = #private::Infallible;
                type __This = Self;
                const __SPEC: #private::Spec = #private::Spec::new("");
                fn __this(self) -> Self { self }
            }
        };
    }
}

fn structure(stage: &Stage) -> TokenStream {
    let Stage {
        name,
        visibility,
        attributes,
        ..
    } = stage;
    let private = stage.runtime.private();
    let generics = marker_generics(&stage.generics, &stage.runtime);
    let marker = marker(&stage.generics);
    let limits = if stage.policy.is_limited() {
        quote!(Limited)
    } else {
        quote!(Unlimited)
    };
    let documented = attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("doc"));
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
    let Stage {
        name,
        visibility,
        policy,
        ..
    } = stage;
    let (root, private) = (stage.runtime.root(), stage.runtime.private());
    let example = example(name, &stage.generics);
    let interruptible = stage.body == Body::Async || stage.is_blocking();
    let spec = policy::spec(policy, name, interruptible, &stage.runtime);
    let error = error_type(stage);
    let (generics, _, clause) = stage.generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    let at = name.span();
    quote_spanned! {at=>
        impl #example {
            #[doc(hidden)]
            #visibility const __POLICY: #private::Spec = #spec;
        }
        impl #generics #root::StageFn for #name #arguments #clause {
            type Error = #error;
            type __This = Self;
            const __SPEC: #private::Spec = <#example>::__POLICY;
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
        let attempts = quote!(<Self as #private::Attempts<#input>>::own());
        quote!(#private::retrying(self, #attempts, const { &#spec }, &self.__stage.limits, input, cx))
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
    let body = call(
        stage,
        &Call {
            open: quote!(let #pattern = input;),
            prepare: TokenStream::new(),
            lent_as: LentAs::Owned,
        },
    );
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

/// How to call it again, with copies of the inputs that move into it.
fn repeat(stage: &Stage) -> TokenStream {
    let Stage { name, .. } = stage;
    let (root, private) = (stage.runtime.root(), stage.runtime.private());
    let input = stage.input_type();
    let kept = kept_type(stage);
    let future = future(stage);
    let arguments = type_arguments(&stage.generics);
    let (generics, clause) = impl_generics(stage);
    let pattern = stage.input_pattern();
    let moved = stage.moved().map(|input| &input.variable);
    let types = stage.moved().map(|input| &input.owned);
    let lent = stage.lent().map(|input| &input.variable);
    let lent: Vec<_> = lent.collect();
    let (keep, share, lent_as) = if stage.is_blocking() {
        // A blocking call takes its input to another thread, which may hold on to it after a timeout.
        let keep = quote!(let #pattern = input; #(let #lent = #private::Arc::new(#lent);)* #pattern);
        (
            keep,
            quote!(#(let #lent = #private::Clone::clone(#lent);)*),
            LentAs::Shared,
        )
    } else {
        (quote!(input), TokenStream::new(), LentAs::Borrowed)
    };
    let prepare = quote!(let #pattern = kept; let (#(#moved,)*) = moved; #share);
    let again = call(
        stage,
        &Call {
            prepare,
            open: TokenStream::new(),
            lent_as,
        },
    );
    let lent_as = if stage.is_blocking() {
        LentAs::Shared
    } else {
        LentAs::Owned
    };
    let last = call(
        stage,
        &Call {
            open: quote!(let #pattern = kept;),
            lent_as,
            prepare: TokenStream::new(),
        },
    );
    let at = name.span();
    quote_spanned! {at=>
        impl #generics #private::Repeat<#input, __S> for #name #arguments #clause {
            type Kept = #kept;
            type Moved = (#(#types,)*);
            #[inline]
            fn keep(input: #input) -> Self::Kept { #keep }
            #[inline]
            fn again(&self, kept: &Self::Kept, moved: Self::Moved, cx: #root::Scope<'_, __S>) -> #future { #again }
            #[inline]
            fn last(&self, kept: Self::Kept, cx: #root::Scope<'_, __S>) -> #future { #last }
        }
    }
}

/// Whether the stage is attempted again by its own attribute, and how an override can have it so.
fn attempts(stage: &Stage) -> TokenStream {
    let Stage { name, policy, .. } = stage;
    let (root, private) = (stage.runtime.root(), stage.runtime.private());
    let input = stage.input_type();
    let kept = kept_type(stage);
    let pattern = stage.input_pattern();
    let arguments = type_arguments(&stage.generics);
    let types = stage.moved().map(|input| &input.owned);
    let types = quote!((#(#types,)*));

    let own = if policy.retries() {
        // A missing `Clone` is reported at the type of the parameter.
        let copies = stage.moved().map(|Input { variable, owned, .. }| {
            let at = owned.span();
            let input = Ident::new("input", at);
            let copy = respan(quote!(#root::RetryInput::__again), at);
            quote_spanned!(at=> { let #input = #variable; #copy(#input) })
        });
        quote! {
            type Own = #private::Again<#kept, #types>;
            fn own() -> Self::Own {
                #private::Again(|kept: &#kept| { let #pattern = kept; (#(#copies,)*) })
            }
        }
    } else {
        quote! {
            type Own = #private::Once;
            fn own() -> Self::Own { #private::Once }
        }
    };

    let mut any = stage.generics.clone();
    any.params.push(parse_quote!(__M));
    for Input { owned, .. } in stage.moved() {
        any.make_where_clause()
            .predicates
            .push(parse_quote!(#owned: #private::Repeated<__M>));
    }
    let (any, _, any_clause) = any.split_for_impl();
    let copies = stage
        .moved()
        .map(|Input { variable, .. }| quote!(#private::Repeated::<__M>::repeat(#variable)));
    let (generics, _, clause) = stage.generics.split_for_impl();
    let at = name.span();
    quote_spanned! {at=>
        impl #generics #private::Attempts<#input> for #name #arguments #clause { #own }
        #[diagnostic::do_not_recommend]
        impl #any #root::Retryable<#input, __M> for #name #arguments #any_clause {
            type __Kept = #kept;
            type __Moved = #types;
            fn __copy(kept: &Self::__Kept) -> Self::__Moved { let #pattern = kept; (#(#copies,)*) }
        }
    }
}

/// The input while attempts go on: what is lent to a blocking call is shared with its thread.
fn kept_type(stage: &Stage) -> TokenStream {
    let private = stage.runtime.private();
    let types = stage.inputs().map(|Input { owned, lending, .. }| match lending {
        Lending::Lent if stage.is_blocking() => quote!(#private::Arc<#owned>),
        _ => quote!(#owned),
    });
    match stage.inputs().count() {
        1 => quote!(#(#types)*),
        _ => quote!((#(#types),*)),
    }
}

/// One call of the function, as a future.
struct Call {
    /// What happens at once.
    prepare: TokenStream,
    /// What happens in the future, or on the blocking thread, before the function is called.
    open: TokenStream,
    lent_as: LentAs,
}

/// What the variable of a lent input is by then.
#[derive(Clone, Copy)]
enum LentAs {
    Owned,
    Borrowed,
    Shared,
}

fn call(
    stage: &Stage,
    Call {
        prepare,
        open,
        lent_as,
    }: &Call,
) -> TokenStream {
    let Stage { name, .. } = stage;
    let (root, private) = (stage.runtime.root(), stage.runtime.private());
    let arguments = stage.arguments.iter().map(|argument| match argument {
        Argument::Input(Input {
            variable, lending, ..
        }) => match (lending, lent_as) {
            (Lending::Moved, _) | (Lending::Lent, LentAs::Borrowed) => quote!(#variable),
            (Lending::Lent, LentAs::Owned) => quote!(&#variable),
            (Lending::Lent, LentAs::Shared) => quote!(&*#variable),
        },
        Argument::State { ty } => {
            let state = quote!(cx.state());
            quote_spanned!(ty.span()=> #root::Provide::<#ty>::provide(#state))
        }
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
    let output = quote!(#private::Result<Self::Out, <Self as #root::StageFn>::Error>);
    quote_spanned!(stage.name.span()=> impl #private::Future<Output = #output> + #send)
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
    let private = stage.runtime.private();
    let mut generics = stage.generics.clone();
    generics.params.push(parse_quote!(__S));
    let clause = generics.make_where_clause();
    clause
        .predicates
        .push(parse_quote!(__S: #private::Send + #private::Sync));
    if stage.is_blocking() && stage.uses_context() {
        clause.predicates.push(parse_quote!(__S: 'static));
    }
    for argument in &stage.arguments {
        if let Argument::State { ty } = argument {
            // Where the state lacks it, rustc shows these tokens: the parameter's type.
            let provide = stage.runtime.spanned(ty.span());
            let provide = provide.root();
            let provide = quote_spanned!(ty.span()=> __S: #provide::Provide<#ty>);
            clause.predicates.push(parse_quote!(#provide));
        }
    }
    let (generics, _, clause) = generics.split_for_impl();
    (quote!(#generics), clause.cloned())
}

/// The struct's own parameters: the function's types and constants, with no bounds. Lifetimes belong to inputs.
fn marker_generics(generics: &Generics, runtime: &Runtime) -> Generics {
    let private = runtime.private();
    let parameters = generics
        .params
        .iter()
        .filter_map(|parameter| -> Option<GenericParam> {
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

/// One instance of the struct, to ask for what is the same in all of them: a path without arguments finds it.
fn example(name: &Ident, generics: &Generics) -> TokenStream {
    let arguments = generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(_) => Some(quote!(())),
        // The types that constants can have today.
        GenericParam::Const(parameter) => Some(match parameter.ty.to_token_stream().to_string().as_str() {
            "bool" => quote!(false),
            "char" => quote!('_'),
            _ => quote!(0),
        }),
    });
    let mut arguments = arguments.peekable();
    match arguments.peek() {
        Some(_) => quote!(#name<#(#arguments),*>),
        None => quote!(#name),
    }
}

/// A type that mentions each type parameter, and holds none.
fn marker(generics: &Generics) -> TokenStream {
    let names = generics.type_params().map(|parameter| &parameter.ident);
    quote!((#(*const #names,)*))
}

fn cfgs(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .collect()
}
