//! How a fork calls a stage: with values that others want, too.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse_quote;

use super::expand::{bounds_of_a_split, full_generics, inputs_are_send, type_arguments, value_type};
use super::lend::Lending;
use super::model::{Input, Stage};

/// The longest list of values that the runtime knows.
const LONGEST: usize = 8;

/// A list of values that the stage can be called with.
struct Form {
    /// The list, as a tuple of types.
    values: TokenStream,
    /// How the stage has each.
    modes: TokenStream,
    /// Turns `args`, what it has of them, into `input`.
    open: TokenStream,
}

pub(crate) fn forked(stage: &Stage) -> TokenStream {
    if stage.inputs().count() > LONGEST {
        return TokenStream::new();
    }
    let called = forms(stage).into_iter().map(|form| {
        let (takes, callable, under) = (takes(stage, &form), callable(stage, &form), under(stage, &form));
        quote!(#takes #callable #under)
    });
    let parameters = parameters(stage);
    quote!(#(#called)* #parameters)
}

fn forms(stage: &Stage) -> Vec<Form> {
    let at = stage.name.span();
    let private = stage.runtime.private();
    let types = stage.inputs().map(|input| &input.owned);
    let modes = stage.inputs().map(|input| mode(stage, input));
    let variables: Vec<_> = stage.inputs().map(|input| &input.variable).collect();
    let input = stage.input_pattern();
    let apart = Form {
        values: quote_spanned!(at=> (#(#types,)*)),
        modes: quote_spanned!(at=> (#(#modes,)*)),
        open: quote_spanned!(at=> let (#(#variables,)*) = args; let input = #input;),
    };
    if variables.len() == 1 {
        return vec![apart];
    }
    // Several inputs are also one, a tuple.
    let one = stage.input_type();
    let all_lent = stage.can_borrow() && !variables.is_empty() && stage.moved().next().is_none();
    let (mode, open) = if all_lent {
        (quote!(Borrow), quote_spanned!(at=> let (#input,) = args; let input = #input;))
    } else {
        (quote!(Move), quote_spanned!(at=> let (input,) = args;))
    };
    let whole =
        Form { values: quote_spanned!(at=> (#one,)), modes: quote_spanned!(at=> (#private::#mode,)), open };
    vec![apart, whole]
}

fn mode(stage: &Stage, Input { lending, .. }: &Input) -> TokenStream {
    let private = stage.runtime.private();
    match lending {
        Lending::Lent if stage.can_borrow() => quote!(#private::Borrow),
        Lending::Lent | Lending::Moved => quote!(#private::Move),
    }
}

fn takes(stage: &Stage, Form { values, modes, .. }: &Form) -> TokenStream {
    let Stage { name, .. } = stage;
    let at = name.span();
    let private = stage.runtime.private();
    let (input, output) = (stage.input_type(), value_type(stage));
    let mut generics = stage.generics.clone();
    generics.make_where_clause().predicates.extend(inputs_are_send(stage));
    let (generics, _, clause) = generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    quote_spanned! {at=>
        impl #generics #private::TakesArgs<#values> for #name #arguments #clause {
            type Out = #output;
            type ArgModes = #modes;
            fn register(&mut self, plan: &mut #private::Plan) {
                <Self as #private::Accepts<#input>>::__register(self, plan)
            }
            fn label(&self) -> #private::Option<(&'static #private::str, #private::StepId)> {
                <Self as #private::Accepts<#input>>::__label(self)
            }
        }
    }
}

fn callable(stage: &Stage, Form { values, open, .. }: &Form) -> TokenStream {
    let Stage { name, .. } = stage;
    let at = name.span();
    let private = stage.runtime.private();
    let input = stage.input_type();
    let call = if stage.policy.is_bare() {
        quote_spanned!(at=> #open #private::bare(self, self.__stage.step, input, cx))
    } else {
        let attempts = quote_spanned!(at=> <Self as #private::Attempts<#input>>::own());
        let rest = quote_spanned! {at=>
            const { &<Self as #private::StageFn>::__POLICY }, self.__stage.step, &self.__stage.limits, input, cx
        };
        if stage.policy.splits() {
            quote_spanned!(at=> #open #private::splitting(self, #attempts, #rest))
        } else {
            quote_spanned!(at=> #open #private::Strategy::call(#attempts, self, #rest))
        }
    };
    let generics = full_generics(stage);
    let (generics, _, clause) = generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    let splits = split_clause(stage, clause);
    quote_spanned! {at=>
        impl #generics #private::CallArgs<#values, __S> for #name #arguments #splits {
            #[inline]
            fn call_with<'__args>(
                &self,
                args: #private::Args<'__args, #values, Self>,
                cx: &#private::StageContext<'_, __S>,
            ) -> impl #private::Future<Output = #private::Result<Self::Out, #private::StageError>> + #private::Send
            where
                #values: '__args,
            {
                #call
            }
        }
    }
}

fn under(stage: &Stage, Form { values, open, .. }: &Form) -> TokenStream {
    let Stage { name, .. } = stage;
    let at = name.span();
    let private = stage.runtime.private();
    let moved = stage.moved().map(|input| &input.owned);
    let moved = quote_spanned!(at=> (#(#moved,)*));
    let mut generics = full_generics(stage);
    let (attempts, call) = if stage.policy.splits() {
        (
            quote_spanned!(at=> #private::Split<#moved>),
            quote_spanned!(at=> #private::splitting(self, attempts, policy, step, gate, input, cx)),
        )
    } else {
        let attempts = Ident::new("__Attempts", at);
        generics.params.push(parse_quote!(#attempts: #private::Strategy<#moved>));
        (quote!(#attempts), quote_spanned!(at=> attempts.call(self, policy, step, gate, input, cx)))
    };
    let (generics, _, clause) = generics.split_for_impl();
    let splits = split_clause(stage, clause);
    let arguments = type_arguments(&stage.generics);
    quote_spanned! {at=>
        impl #generics #private::CallWithPolicy<#values, __S, #attempts> for #name #arguments #splits {
            #[inline]
            fn call_with_policy<'__args, __Gate: #private::Gate>(
                &self,
                attempts: #attempts,
                policy: &#private::Policy,
                step: #private::StepId,
                gate: &__Gate,
                args: #private::Args<'__args, #values, Self>,
                cx: &#private::StageContext<'_, __S>,
            ) -> impl #private::Future<Output = #private::Result<Self::Out, #private::StageError>> + #private::Send
            where
                #values: '__args,
            {
                #open
                #call
            }
        }
    }
}

fn split_clause(stage: &Stage, clause: Option<&syn::WhereClause>) -> Option<syn::WhereClause> {
    let mut clause = clause.cloned()?;
    clause.predicates.extend(bounds_of_a_split(stage));
    Some(clause)
}

/// How many inputs there are, and of which types: for the errors.
fn parameters(stage: &Stage) -> TokenStream {
    let Stage { name, .. } = stage;
    let at = name.span();
    let private = stage.runtime.private();
    let (generics, _, clause) = stage.generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    let count = stage.inputs().count();
    let parameters = stage.inputs().enumerate().map(|(index, input)| {
        let owned = &input.owned;
        quote_spanned! {at=>
            impl #generics #private::Parameter<#index, #owned> for #name #arguments #clause {
                type __Same = #owned;
            }
        }
    });
    quote_spanned! {at=>
        impl #generics #private::Arity<#count> for #name #arguments #clause {
            type __This = Self;
            fn __arity(self) -> Self { self }
        }
        #(#parameters)*
    }
}
