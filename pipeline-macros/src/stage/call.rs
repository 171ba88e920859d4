//! How the runtime calls a stage's function: once, and again.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse_quote;
use syn::spanned::Spanned;

use super::expand::{full_generics, type_arguments, value_type};
use super::lend::Lending;
use super::model::{Argument, Input, Output, Stage, one_or_tuple};
use crate::paths::respan;
use crate::policy::Body;

/// How to call the function once.
pub(crate) fn function(stage: &Stage) -> TokenStream {
    let at = stage.name.span();
    let Stage { name, policy, .. } = stage;
    let private = stage.runtime.private();
    let input = held_type(stage);
    let (generics, clause) = held_generics(stage);
    let arguments = type_arguments(&stage.generics);
    let pattern = stage.input_pattern();
    let body = call(
        stage,
        &Call {
            open: quote_spanned!(at=> let #pattern = input;),
            prepare: TokenStream::new(),
            lent_as: LentAs::Owned,
        },
    );
    let (future, value) = (future(stage), value_type(stage));
    let retry_if = policy.retry_if.as_ref().map(|path| {
        let function = &path.value;
        let call = quote_spanned!(path.value.span()=> #function(error));
        quote_spanned!(at=> fn retry_if(&self, error: &<Self as #private::StageFn>::Error) -> #private::bool { #call })
    });
    let retry_after = policy.retry_after.as_ref().map(|path| {
        let function = &path.value;
        let call = quote_spanned!(path.value.span()=> #function(error));
        quote_spanned!(at=> fn retry_after(&self, error: &<Self as #private::StageFn>::Error) -> #private::Option<#private::Duration> { #call })
    });
    quote_spanned! {at=>
        impl #generics #private::Function<#input, __S> for #name #arguments #clause {
            type Value = #value;
            #[inline]
            fn call_once(&self, input: #input, cx: #private::StageContext<'_, __S>, place: #private::CallSite) -> #future { #body }
            #retry_if
            #retry_after
        }
    }
}

/// How to call it again, with copies of the inputs that move into it.
pub(crate) fn repeat(stage: &Stage) -> TokenStream {
    let at = stage.name.span();
    let Stage { name, .. } = stage;
    let private = stage.runtime.private();
    let input = held_type(stage);
    let kept = kept_type(stage);
    let future = future(stage);
    let arguments = type_arguments(&stage.generics);
    let (generics, clause) = held_generics(stage);
    let pattern = stage.input_pattern();
    let moved: Vec<_> = stage.moved().map(|input| &input.variable).collect();
    let types = stage.moved().map(|input| &input.owned);
    let lent: Vec<_> = stage.lent().map(|input| &input.variable).collect();
    let (wrap, share, lent_as) = if stage.is_blocking() {
        // A blocking call takes its input to another thread, which may hold on to it after a timeout.
        let wrap = quote_spanned!(at=> #(let #lent = #private::Arc::new(#lent);)*);
        (wrap, quote_spanned!(at=> #(let #lent = #private::Clone::clone(#lent);)*), LentAs::Shared)
    } else {
        (TokenStream::new(), TokenStream::new(), LentAs::Borrowed)
    };
    let keep = quote_spanned!(at=> let #pattern = input; #wrap ((#(#lent,)*), (#(#moved,)*)));
    let prepare = quote_spanned!(at=> let ((#(#lent,)*), _) = kept; let (#(#moved,)*) = moved; #share);
    let again = call(stage, &Call { prepare, open: TokenStream::new(), lent_as });
    let lent_as = if stage.is_blocking() { LentAs::Shared } else { LentAs::Owned };
    let last = call(
        stage,
        &Call {
            open: quote_spanned!(at=> let ((#(#lent,)*), (#(#moved,)*)) = kept;),
            lent_as,
            prepare: TokenStream::new(),
        },
    );
    quote_spanned! {at=>
        impl #generics #private::Repeat<#input, __S> for #name #arguments #clause {
            type Kept = #kept;
            type Moved = (#(#types,)*);
            #[inline]
            fn keep(input: #input) -> Self::Kept { #keep }
            #[inline]
            fn moved(kept: &Self::Kept) -> &Self::Moved { &kept.1 }
            #[inline]
            fn call_again(&self, kept: &Self::Kept, moved: Self::Moved, cx: #private::StageContext<'_, __S>, place: #private::CallSite) -> #future { #again }
            #[inline]
            fn call_last(&self, kept: Self::Kept, cx: #private::StageContext<'_, __S>, place: #private::CallSite) -> #future { #last }
        }
    }
}

/// Whether the stage is attempted again by its own attribute, and how an override can have it so.
pub(crate) fn attempts(stage: &Stage) -> TokenStream {
    let at = stage.name.span();
    let Stage { name, policy, .. } = stage;
    let private = stage.runtime.private();
    let input = stage.input_type();
    let arguments = type_arguments(&stage.generics);
    let types = stage.moved().map(|input| &input.owned);
    let types = quote_spanned!(at=> (#(#types,)*));
    let moved = stage.moved().map(|input| &input.variable);
    let pattern = quote_spanned!(at=> (#(#moved,)*));

    let how = if policy.splits() { quote!(Split) } else { quote!(Retry) };
    let own = if policy.retries() || policy.splits() {
        // A missing `Clone` is reported at the type of the parameter.
        let copies = stage.moved().map(|Input { variable, owned, .. }| {
            let there = owned.span();
            let input = Ident::new("input", there);
            let copy = respan(quote_spanned!(there=> #private::RetryInput::<()>::__clone_input), there);
            quote_spanned!(there=> { let #input = #variable; #copy(#input) })
        });
        quote! {
            type Own = #private::#how<#types>;
            fn own() -> Self::Own {
                #private::#how(|moved: &#types| { let #pattern = moved; (#(#copies,)*) })
            }
        }
    } else {
        quote! {
            type Own = #private::Single;
            fn own() -> Self::Own { #private::Single }
        }
    };

    // Without retries a batch is still halved.
    let single = if policy.splits() {
        quote! {
            type Single = Self::Own;
            fn single() -> Self::Single { <Self as #private::Attempts<#input>>::own() }
        }
    } else {
        quote! {
            type Single = #private::Single;
            fn single() -> Self::Single { #private::Single }
        }
    };

    let mut any = stage.generics.clone();
    any.params.push(parse_quote!(Asked));
    for Input { owned, .. } in stage.moved() {
        let bound = quote_spanned!(at=> #owned: #private::RetryInput<Asked>);
        any.make_where_clause().predicates.push(parse_quote!(#bound));
    }
    let (any, _, any_clause) = any.split_for_impl();
    let copies = stage.moved().map(
        |Input { variable, .. }| quote_spanned!(at=> #private::RetryInput::<Asked>::__clone_input(#variable)),
    );
    let (generics, _, clause) = stage.generics.split_for_impl();
    quote_spanned! {at=>
        impl #generics #private::Attempts<#input> for #name #arguments #clause { #own #single }
        impl #any #private::Retryable<#input, Asked> for #name #arguments #any_clause {
            type __Moved = #types;
            fn __copy(moved: &Self::__Moved) -> Self::__Moved { let #pattern = moved; (#(#copies,)*) }
            type __Strategy = #private::#how<#types>;
            fn __strategy(_: #private::EdgeType<#input>, _: &Self) -> Self::__Strategy {
                #private::#how(<Self as #private::Retryable<#input, Asked>>::__copy)
            }
        }
    }
}

/// The input while attempts go on, what is lent and what moves: what is lent to a blocking call is shared with its thread.
fn kept_type(stage: &Stage) -> TokenStream {
    let at = stage.name.span();
    let private = stage.runtime.private();
    let lent = stage.lent().map(|input| {
        let held = held(stage, input);
        if stage.is_blocking() { quote_spanned!(at=> #private::Arc<#held>) } else { held }
    });
    let moved = stage.moved().map(|input| &input.owned);
    quote_spanned!(at=> ((#(#lent,)*), (#(#moved,)*)))
}

/// What a call has of an input: of one that is lent, the value or a reference to it, as a type parameter.
fn held(stage: &Stage, Input { variable, owned, lending }: &Input) -> TokenStream {
    let at = stage.name.span();
    if *lending == Lending::Lent && stage.can_borrow() {
        let parameter = Ident::new(&variable.to_string().replace("__input", "__Held"), at);
        quote_spanned!(at=> #parameter)
    } else {
        quote_spanned!(at=> #owned)
    }
}

fn held_type(stage: &Stage) -> TokenStream {
    one_or_tuple(stage.inputs().map(|input| held(stage, input)))
}

/// The generics of the stage, and a parameter for each input that it can have by reference.
fn held_generics(stage: &Stage) -> (TokenStream, TokenStream) {
    let private = stage.runtime.private();
    let at = stage.name.span();
    let mut generics = full_generics(stage);
    if stage.can_borrow() {
        for input in stage.lent() {
            let (held, owned) = (held(stage, input), &input.owned);
            generics.params.push(parse_quote!(#held));
            let bound =
                quote_spanned!(at=> #held: #private::Borrowed<#owned> + #private::Send + #private::Sync);
            generics.make_where_clause().predicates.push(parse_quote!(#bound));
        }
    }
    let (generics, _, clause) = generics.split_for_impl();
    (quote!(#generics), quote!(#clause))
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

fn call(stage: &Stage, Call { prepare, open, lent_as }: &Call) -> TokenStream {
    let at = stage.name.span();
    let Stage { name, .. } = stage;
    let private = stage.runtime.private();
    let arguments = stage.arguments.iter().map(|argument| match argument {
        Argument::Input(Input { variable, owned, lending }) => match (lending, lent_as) {
            (Lending::Lent, LentAs::Borrowed) if stage.can_borrow() => {
                quote_spanned!(at=> #private::Borrowed::<#owned>::borrowed(#variable))
            }
            (Lending::Lent, LentAs::Owned) if stage.can_borrow() => {
                quote_spanned!(at=> #private::Borrowed::<#owned>::borrowed(&#variable))
            }
            (Lending::Moved, _) | (Lending::Lent, LentAs::Borrowed) => quote_spanned!(at=> #variable),
            (Lending::Lent, LentAs::Owned) => quote_spanned!(at=> &#variable),
            (Lending::Lent, LentAs::Shared) => quote_spanned!(at=> &*#variable),
        },
        Argument::State { ty } => {
            let state = if stage.is_blocking() {
                quote_spanned!(at=> &*state)
            } else {
                quote_spanned!(at=> cx.state())
            };
            quote_spanned!(ty.span()=> #private::Provide::<#ty>::provide(#state))
        }
        Argument::Context { at: ty } => {
            let context = if stage.is_blocking() {
                quote_spanned!(at=> context)
            } else {
                quote_spanned!(at=> cx.__context(place))
            };
            quote_spanned!(*ty=> &#context)
        }
    });
    let parameters = type_arguments(&stage.generics);
    let turbofish = (!parameters.is_empty()).then(|| quote_spanned!(at=> ::#parameters));
    let called = quote_spanned!(at=> #name #turbofish (#(#arguments),*));
    let fallible = matches!(stage.output, Output::Fallible(_));
    let awaited = match stage.body {
        Body::Async => quote_spanned!(at=> #called.await),
        Body::Sync => called.clone(),
    };
    let result = if fallible { awaited } else { quote_spanned!(at=> #private::Result::Ok(#awaited)) };
    if stage.body == Body::Async && stage.lent().next().is_none() && !stage.uses_context() {
        // The function's own future: nothing has to live beside it.
        let future = if fallible { called } else { quote_spanned!(at=> #private::NeverFails::new(#called)) };
        return quote_spanned!(at=> #prepare #open #future);
    }
    if !stage.is_blocking() {
        return quote_spanned!(at=> #prepare async move { #open #result });
    }
    let state = stage.uses_state().then(|| quote_spanned!(at=> let state = cx.__shared_state();));
    let context = stage.uses_context().then(|| quote_spanned!(at=> let context = cx.__context(place);));
    quote_spanned!(at=> #prepare #state #context #private::blocking(move || { #open #result }))
}

fn future(stage: &Stage) -> TokenStream {
    let at = stage.name.span();
    let private = stage.runtime.private();
    // Should the future not be `Send`, the function's name is where to say so.
    let send = quote_spanned!(stage.name.span()=> #private::Send);
    let output = quote_spanned!(at=> #private::Result<Self::Value, <Self as #private::StageFn>::Error>);
    quote_spanned!(stage.name.span()=> impl #private::Future<Output = #output> + #send)
}
