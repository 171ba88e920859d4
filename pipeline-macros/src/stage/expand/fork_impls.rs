//! The impls through which a fork calls a stage, with values that other calls use too.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse_quote;

use super::generics::{generics_with_state, inputs_are_send, split_bounds, type_arguments, value_type};
use crate::arity::MAX_ARITY;
use crate::stage::model::{Input, Stage};
use crate::stage::passing::PassMode;

/// A list of arguments that the stage accepts.
struct ArgList {
    /// A tuple of their types.
    types: TokenStream,
    /// A tuple of how each is passed.
    modes: TokenStream,
    /// Turns `args` into `input`.
    bind_input: TokenStream,
}

pub(crate) fn fork_impls(stage: &Stage) -> TokenStream {
    if stage.inputs().count() > MAX_ARITY {
        return TokenStream::new();
    }
    let arg_list_impls = arg_lists(stage).into_iter().map(|arg_list| {
        let (takes_args_impl, call_args_impl, call_with_policy_impl) = (
            takes_args_impl(stage, &arg_list),
            call_args_impl(stage, &arg_list),
            call_with_policy_impl(stage, &arg_list),
        );
        quote!(#takes_args_impl #call_args_impl #call_with_policy_impl)
    });
    let parameter_impls = parameter_impls(stage);
    quote!(#(#arg_list_impls)* #parameter_impls)
}

fn arg_lists(stage: &Stage) -> Vec<ArgList> {
    let at = stage.name.span();
    let private = stage.crate_path.private();
    let types = stage.inputs().map(|input| &input.owned);
    let modes = stage.inputs().map(|input| pass_mode(stage, input));
    let variables: Vec<_> = stage.inputs().map(|input| &input.variable).collect();
    let input = stage.input_pattern();
    let separate = ArgList {
        types: quote_spanned!(at=> (#(#types,)*)),
        modes: quote_spanned!(at=> (#(#modes,)*)),
        bind_input: quote_spanned!(at=> let (#(#variables,)*) = args; let input = #input;),
    };
    if variables.len() == 1 {
        return vec![separate];
    }
    // Several inputs are also one, a tuple.
    let tuple = stage.input_type();
    let all_borrowed = stage.can_borrow() && !variables.is_empty() && stage.moved().next().is_none();
    let (pass_mode, bind_input) = if all_borrowed {
        (quote!(Borrow), quote_spanned!(at=> let (#input,) = args; let input = #input;))
    } else {
        (quote!(Move), quote_spanned!(at=> let (input,) = args;))
    };
    let as_tuple = ArgList {
        types: quote_spanned!(at=> (#tuple,)),
        modes: quote_spanned!(at=> (#private::#pass_mode,)),
        bind_input,
    };
    vec![separate, as_tuple]
}

fn pass_mode(stage: &Stage, Input { pass_mode, .. }: &Input) -> TokenStream {
    let private = stage.crate_path.private();
    match pass_mode {
        PassMode::Borrow if stage.can_borrow() => quote!(#private::Borrow),
        PassMode::Borrow | PassMode::Move => quote!(#private::Move),
    }
}

fn takes_args_impl(stage: &Stage, ArgList { types, modes, .. }: &ArgList) -> TokenStream {
    let Stage { name, .. } = stage;
    let at = name.span();
    let private = stage.crate_path.private();
    let (input, output) = (stage.input_type(), value_type(stage));
    let mut generics = stage.generics.clone();
    generics.make_where_clause().predicates.extend(inputs_are_send(stage));
    let (generics, _, clause) = generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    quote_spanned! {at=>
        impl #generics #private::TakesArgs<#types> for #name #arguments #clause {
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

fn call_args_impl(stage: &Stage, ArgList { types, bind_input, .. }: &ArgList) -> TokenStream {
    let Stage { name, .. } = stage;
    let at = name.span();
    let private = stage.crate_path.private();
    let input = stage.input_type();
    let call = if stage.policy.is_bare() {
        quote_spanned!(at=> #bind_input #private::bare(self, self.__stage.step, input, cx))
    } else {
        let attempts = quote_spanned!(at=> <Self as #private::Attempts<#input>>::own());
        let call_context = quote_spanned! {at=>
            const { &<Self as #private::StageFn>::__POLICY }, self.__stage.step, &self.__stage.limits, input, cx
        };
        if stage.policy.splits() {
            quote_spanned!(at=> #bind_input #private::splitting(self, #attempts, #call_context))
        } else {
            quote_spanned!(at=> #bind_input #private::Strategy::call(#attempts, self, #call_context))
        }
    };
    let generics = generics_with_state(stage);
    let (generics, _, clause) = generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    let splits = split_clause(stage, clause);
    quote_spanned! {at=>
        impl #generics #private::CallArgs<#types, __S> for #name #arguments #splits {
            #[inline]
            fn call_with<'__args>(
                &self,
                args: #private::Args<'__args, #types, Self>,
                cx: &#private::StageContext<'_, __S>,
            ) -> impl #private::Future<Output = #private::Result<Self::Out, #private::StageError>> + #private::Send
            where
                #types: '__args,
            {
                #call
            }
        }
    }
}

fn call_with_policy_impl(stage: &Stage, ArgList { types, bind_input, .. }: &ArgList) -> TokenStream {
    let Stage { name, .. } = stage;
    let at = name.span();
    let private = stage.crate_path.private();
    let moved = stage.moved().map(|input| &input.owned);
    let moved = quote_spanned!(at=> (#(#moved,)*));
    let mut generics = generics_with_state(stage);
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
        impl #generics #private::CallWithPolicy<#types, __S, #attempts> for #name #arguments #splits {
            #[inline]
            fn call_with_policy<'__args, __Gate: #private::Gate>(
                &self,
                attempts: #attempts,
                policy: &#private::Policy,
                step: #private::StepId,
                gate: &__Gate,
                args: #private::Args<'__args, #types, Self>,
                cx: &#private::StageContext<'_, __S>,
            ) -> impl #private::Future<Output = #private::Result<Self::Out, #private::StageError>> + #private::Send
            where
                #types: '__args,
            {
                #bind_input
                #call
            }
        }
    }
}

fn split_clause(stage: &Stage, clause: Option<&syn::WhereClause>) -> Option<syn::WhereClause> {
    let mut clause = clause.cloned()?;
    clause.predicates.extend(split_bounds(stage));
    Some(clause)
}

/// The number of inputs and their types, for errors.
fn parameter_impls(stage: &Stage) -> TokenStream {
    let Stage { name, .. } = stage;
    let at = name.span();
    let private = stage.crate_path.private();
    let (generics, _, clause) = stage.generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    let count = stage.inputs().count();
    let parameter_impls = stage.inputs().enumerate().map(|(index, input)| {
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
        #(#parameter_impls)*
    }
}
