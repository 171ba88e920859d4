//! The impls through which the runtime calls the function of a stage: once, and again.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse_quote;
use syn::spanned::Spanned;

use super::generics::{generics_with_state, type_arguments, value_type};
use crate::codegen::respan;
use crate::policy::{Asyncness, Predicate};
use crate::stage::model::{Argument, Input, OutputKind, Stage, one_or_tuple};
use crate::stage::passing::PassMode;

/// The first call.
pub(crate) fn function_impl(stage: &Stage) -> TokenStream {
    let at = stage.name.span();
    let Stage { name, policy, .. } = stage;
    let private = stage.crate_path.private();
    let input = call_input_type(stage);
    let (generics, clause) = call_generics(stage);
    let arguments = type_arguments(&stage.generics);
    let pattern = stage.input_pattern();
    let body = function_call(
        stage,
        &FunctionCall {
            in_future: quote_spanned!(at=> let #pattern = __input;),
            eager: TokenStream::new(),
            borrow_from: BorrowFrom::Value,
        },
    );
    let (future_type, value) = (future_type(stage), value_type(stage));
    // The parameter of the predicates. A predicate may come from another macro than the function.
    let error = Ident::new("__error", at);
    let retry_if = policy.retry_if.as_ref().map(|path| {
        let call = predicate_call(&path.value, &quote!(#private::bool), stage);
        quote_spanned!(at=> fn retry_if(&self, #error: &<Self as #private::StageFn>::Error) -> #private::bool { #call })
    });
    let retry_after = policy.retry_after.as_ref().map(|path| {
        let call = predicate_call(&path.value, &quote!(#private::Option<#private::Duration>), stage);
        quote_spanned!(at=> fn retry_after(&self, #error: &<Self as #private::StageFn>::Error) -> #private::Option<#private::Duration> { #call })
    });
    let split_if = policy.splits().then(|| {
        let (path, not) = match (&policy.split_if, &policy.retry_if) {
            (Some(path), _) => (path, TokenStream::new()),
            // What is transient is retried whole.
            (None, Some(path)) => (path, quote_spanned!(at=> !)),
            (None, None) => return None,
        };
        let call = predicate_call(&path.value, &quote!(#private::bool), stage);
        Some(quote_spanned!(at=> fn split_if(&self, #error: &<Self as #private::StageFn>::Error) -> #private::bool { #not #call }))
    });
    let split_if = split_if.flatten();
    quote_spanned! {at=>
        impl #generics #private::Function<#input, __S> for #name #arguments #clause {
            type Value = #value;
            #[inline]
            fn call_once(&self, __input: #input, __cx: #private::StageContext<'_, __S>, __call_site: #private::CallSite) -> #future_type { #body }
            #retry_if
            #retry_after
            #split_if
        }
    }
}

/// What a predicate says of the variable `__error`. It may come from another macro than the function.
fn predicate_call(predicate: &Predicate, result: &TokenStream, stage: &Stage) -> TokenStream {
    let error_at = |at: Span| Ident::new("__error", stage.name.span().located_at(at));
    match predicate {
        Predicate::Function(path) => {
            let error = error_at(path.span());
            quote_spanned!(path.span()=> #path(#error))
        }
        // Through a function, from which rustc infers the parameter.
        Predicate::Closure(closure) => {
            let at = closure.inputs_begin.span();
            let (private, error) = (stage.crate_path.respanned(at).private(), error_at(at));
            quote_spanned!(at=> #private::decide::<_, #result, _>(#error, #closure))
        }
    }
}

/// Further calls, with clones of the inputs that the function takes by value.
pub(crate) fn repeat_impl(stage: &Stage) -> TokenStream {
    let at = stage.name.span();
    let Stage { name, .. } = stage;
    let private = stage.crate_path.private();
    let input = call_input_type(stage);
    let borrowed_types = borrowed_types(stage);
    let future_type = future_type(stage);
    let arguments = type_arguments(&stage.generics);
    let (generics, clause) = call_generics(stage);
    let pattern = stage.input_pattern();
    let moved: Vec<_> = stage.moved().map(|input| &input.variable).collect();
    let types = stage.moved().map(|input| &input.owned);
    let borrowed: Vec<_> = stage.borrowed().map(|input| &input.variable).collect();
    let (wrap, share, borrow_from) = if stage.is_blocking() {
        // A blocking call moves its input to another thread, which may keep it after a timeout.
        let wrap = quote_spanned!(at=> #(let #borrowed = #private::Arc::new(#borrowed);)*);
        (wrap, quote_spanned!(at=> #(let #borrowed = #private::Clone::clone(#borrowed);)*), BorrowFrom::Arc)
    } else {
        (TokenStream::new(), TokenStream::new(), BorrowFrom::Reference)
    };
    let split = quote_spanned!(at=> let #pattern = __input; #wrap ((#(#borrowed,)*), (#(#moved,)*)));
    let eager = quote_spanned!(at=> let (#(#borrowed,)*) = __borrowed; let (#(#moved,)*) = __moved; #share);
    let call_again =
        function_call(stage, &FunctionCall { eager, in_future: TokenStream::new(), borrow_from });
    quote_spanned! {at=>
        impl #generics #private::Repeat<#input, __S> for #name #arguments #clause {
            type Borrowed = #borrowed_types;
            type Moved = (#(#types,)*);
            #[inline]
            fn split(__input: #input) -> (Self::Borrowed, Self::Moved) { #split }
            #[inline]
            fn call_again(&self, __borrowed: &Self::Borrowed, __moved: Self::Moved, __cx: #private::StageContext<'_, __S>, __call_site: #private::CallSite) -> #future_type { #call_again }
        }
    }
}

/// Whether the attribute asks for further attempts, and how an override can.
pub(crate) fn attempts_impls(stage: &Stage) -> TokenStream {
    let at = stage.name.span();
    let Stage { name, policy, .. } = stage;
    let private = stage.crate_path.private();
    let input = stage.input_type();
    let arguments = type_arguments(&stage.generics);
    let types = stage.moved().map(|input| &input.owned);
    let types = quote_spanned!(at=> (#(#types,)*));
    let moved = stage.moved().map(|input| &input.variable);
    let pattern = quote_spanned!(at=> (#(#moved,)*));

    let strategy = if policy.splits() { quote!(Split) } else { quote!(Retry) };
    let own = if policy.retries() || policy.splits() {
        // A missing `Clone` is reported at the type of the parameter.
        let copies = stage.moved().map(|Input { variable, owned, .. }| {
            let parameter_span = owned.span();
            let input = Ident::new("__input", parameter_span);
            let copy = respan(
                quote_spanned!(parameter_span=> #private::RetryInput::<()>::__clone_input),
                parameter_span,
            );
            quote_spanned!(parameter_span=> { let #input = #variable; #copy(#input) })
        });
        quote! {
            type Own = #private::#strategy<#types>;
            fn own() -> Self::Own {
                #private::#strategy(|__moved: &#types| { let #pattern = __moved; (#(#copies,)*) })
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

    let mut retryable_generics = stage.generics.clone();
    let asked = unused_name(stage, "Asked");
    retryable_generics.params.push(parse_quote!(#asked));
    for Input { owned, .. } in stage.moved() {
        let bound = quote_spanned!(at=> #owned: #private::RetryInput<#asked>);
        retryable_generics.make_where_clause().predicates.push(parse_quote!(#bound));
    }
    let (retryable_generics, _, retryable_clause) = retryable_generics.split_for_impl();
    let copies = stage.moved().map(
        |Input { variable, .. }| quote_spanned!(at=> #private::RetryInput::<#asked>::__clone_input(#variable)),
    );
    let (generics, _, clause) = stage.generics.split_for_impl();
    quote_spanned! {at=>
        impl #generics #private::Attempts<#input> for #name #arguments #clause { #own #single }
        impl #retryable_generics #private::Retryable<#input, #asked> for #name #arguments #retryable_clause {
            type __Moved = #types;
            fn __copy(__moved: &Self::__Moved) -> Self::__Moved { let #pattern = __moved; (#(#copies,)*) }
            type __Strategy = #private::#strategy<#types>;
            fn __strategy(_: #private::EdgeType<#input>, _: &Self) -> Self::__Strategy {
                #private::#strategy(<Self as #private::Retryable<#input, #asked>>::__copy)
            }
        }
    }
}

/// A name for a type parameter that errors show, and that the function does not use itself.
fn unused_name(stage: &Stage, name: &str) -> Ident {
    let generics = &stage.generics;
    let types = stage.inputs().map(|input| &input.owned);
    let used = quote!(#generics #(#types)*).to_string();
    let mut name = name.to_owned();
    while used.contains(&name) {
        name.push('_');
    }
    Ident::new(&name, stage.name.span())
}

/// The borrowed arguments between attempts. A blocking call shares them with its thread.
fn borrowed_types(stage: &Stage) -> TokenStream {
    let at = stage.name.span();
    let private = stage.crate_path.private();
    let borrowed = stage.borrowed().map(|input| {
        let call_input = call_input(stage, input);
        if stage.is_blocking() { quote_spanned!(at=> #private::Arc<#call_input>) } else { call_input }
    });
    quote_spanned!(at=> (#(#borrowed,)*))
}

/// The type of an input in a call. For a borrowed input that is a type parameter: the value, or a reference to it.
fn call_input(stage: &Stage, Input { variable, owned, pass_mode }: &Input) -> TokenStream {
    let at = stage.name.span();
    if *pass_mode == PassMode::Borrow && stage.can_borrow() {
        let parameter = Ident::new(&variable.to_string().replace("__input", "__Borrowed"), at);
        quote_spanned!(at=> #parameter)
    } else {
        quote_spanned!(at=> #owned)
    }
}

fn call_input_type(stage: &Stage) -> TokenStream {
    one_or_tuple(stage.inputs().map(|input| call_input(stage, input)))
}

/// The generics of the stage, and a type parameter for each input that may be a reference.
fn call_generics(stage: &Stage) -> (TokenStream, TokenStream) {
    let private = stage.crate_path.private();
    let at = stage.name.span();
    let mut generics = generics_with_state(stage);
    if stage.can_borrow() {
        for input in stage.borrowed() {
            let (call_input, owned) = (call_input(stage, input), &input.owned);
            generics.params.push(parse_quote!(#call_input));
            let bound = quote_spanned!(at=> #call_input: #private::Borrowed<#owned> + #private::Send + #private::Sync);
            generics.make_where_clause().predicates.push(parse_quote!(#bound));
        }
    }
    let (generics, _, clause) = generics.split_for_impl();
    (quote!(#generics), quote!(#clause))
}

/// One call of the function, as a future.
struct FunctionCall {
    /// Runs at once.
    eager: TokenStream,
    /// Runs in the future, or on the blocking thread, before the function is called.
    in_future: TokenStream,
    borrow_from: BorrowFrom,
}

/// What the variable of a borrowed input holds.
#[derive(Clone, Copy)]
enum BorrowFrom {
    Value,
    Reference,
    Arc,
}

fn function_call(
    stage: &Stage,
    FunctionCall { eager, in_future, borrow_from }: &FunctionCall,
) -> TokenStream {
    let at = stage.name.span();
    let private = stage.crate_path.private();
    let call = plain_call(stage, *borrow_from);
    let own_future = stage.borrowed().next().is_none() && !stage.uses_context() && !stage.output.is_checked();
    if stage.asyncness == Asyncness::Async && own_future {
        // The function's own future, if nothing has to outlive it.
        let future_type = if stage.output.is_fallible() {
            call
        } else {
            quote_spanned!(at=> #private::NeverFails::new(#call))
        };
        return quote_spanned!(at=> #eager #in_future #future_type);
    }
    let value = match stage.asyncness {
        Asyncness::Async => quote_spanned!(at=> #call.await),
        Asyncness::Sync => call,
    };
    let result = result(stage, &value);
    if !stage.is_blocking() {
        return quote_spanned!(at=> #eager async move { #in_future #result });
    }
    let state = stage.uses_state().then(|| quote_spanned!(at=> let __state = __cx.__shared_state();));
    let context =
        stage.uses_context().then(|| quote_spanned!(at=> let __context = __cx.__context(__call_site);));
    quote_spanned!(at=> #eager #state #context #private::blocking(move || { #in_future #result }))
}

/// The call without a future, of a function that is not async and has no policy. In scope: `self`, `__watch`, `__input`, `__cx`.
///
/// The context of an item is not there: what calls many items in a loop makes it once for all.
pub(crate) fn call_now_items(stage: &Stage) -> Option<TokenStream> {
    if stage.asyncness == Asyncness::Async || !stage.policy.is_bare() || stage.uses_context() {
        return None;
    }
    let at = stage.name.span();
    let private = stage.crate_path.private();
    let (input, pattern) = (stage.input_type(), stage.input_pattern());
    let call = plain_call(stage, BorrowFrom::Value);
    let now = if stage.output.is_fallible() { quote!(MayFail) } else { quote!(NeverFails) };
    let result = result(stage, &call);
    Some(quote_spanned! {at=>
        const __NOW: #private::Now = #private::Now::#now;
        #[inline]
        fn __call_now<__W: #private::Watch>(
            &self,
            __watch: __W,
            __input: #input,
            __cx: &#private::StageContext<'_, __S, __C>,
        ) -> #private::Result<Self::Out, #private::StageError> {
            #private::call_now(self, self.__stage.step, __watch, __cx, move || { let #pattern = __input; #result })
        }
    })
}

/// What the function returned, as a `Result`.
fn result(stage: &Stage, returned: &TokenStream) -> TokenStream {
    let at = stage.name.span();
    let private = stage.crate_path.private();
    match stage.output.kind {
        OutputKind::Infallible => quote_spanned!(at=> #private::Result::Ok(#returned)),
        OutputKind::Fallible => returned.clone(),
        OutputKind::CheckedFallible => quote_spanned!(at=> <__Returned>::result(#returned)),
    }
}

/// The call of the function itself.
fn plain_call(stage: &Stage, borrow_from: BorrowFrom) -> TokenStream {
    let at = stage.name.span();
    let Stage { name, .. } = stage;
    let private = stage.crate_path.private();
    let arguments = stage.arguments.iter().map(|argument| match argument {
        Argument::Input(Input { variable, owned, pass_mode }) => match (pass_mode, borrow_from) {
            (PassMode::Borrow, BorrowFrom::Reference) if stage.can_borrow() => {
                quote_spanned!(at=> #private::Borrowed::<#owned>::borrowed(#variable))
            }
            (PassMode::Borrow, BorrowFrom::Value) if stage.can_borrow() => {
                quote_spanned!(at=> #private::Borrowed::<#owned>::borrowed(&#variable))
            }
            (PassMode::Move, _) | (PassMode::Borrow, BorrowFrom::Reference) => quote_spanned!(at=> #variable),
            (PassMode::Borrow, BorrowFrom::Value) => quote_spanned!(at=> &#variable),
            (PassMode::Borrow, BorrowFrom::Arc) => quote_spanned!(at=> &*#variable),
        },
        Argument::State { ty } => {
            let state = if stage.is_blocking() {
                quote_spanned!(at=> &*__state)
            } else {
                quote_spanned!(at=> #private::StageContext::state(&__cx))
            };
            quote_spanned!(ty.span()=> #private::Provide::<#ty>::provide(#state))
        }
        Argument::Context { at: ty } => {
            let context = if stage.is_blocking() {
                quote_spanned!(at=> __context)
            } else {
                quote_spanned!(at=> __cx.__context(__call_site))
            };
            quote_spanned!(*ty=> &#context)
        }
    });
    let parameters = type_arguments(&stage.generics);
    let turbofish = (!parameters.is_empty()).then(|| quote_spanned!(at=> ::#parameters));
    quote_spanned!(at=> #name #turbofish (#(#arguments),*))
}

fn future_type(stage: &Stage) -> TokenStream {
    let at = stage.name.span();
    let private = stage.crate_path.private();
    // A future that is not `Send` is reported at the function's name.
    let send = quote_spanned!(stage.name.span()=> #private::Send);
    let output = quote_spanned!(at=> #private::Result<Self::Value, <Self as #private::StageFn>::Error>);
    quote_spanned!(stage.name.span()=> impl #private::Future<Output = #output> + #send)
}
