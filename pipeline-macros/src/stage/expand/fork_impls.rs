//! The impls through which a fork calls a stage, with values that other calls use too.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse_quote;

use super::generics::{
    generics_with_caller, generics_with_state, inputs_are_send, split_bounds, type_arguments, value_type,
};
use super::step_call::{call_by_caller, function_call};
use crate::arity::MAX_ARITY;
use crate::stage::model::{Input, Stage, one_or_tuple};
use crate::stage::passing::PassMode;

/// A list of arguments that the stage accepts.
struct ArgList {
    /// A tuple of their types.
    types: TokenStream,
    /// A tuple of how each is passed.
    modes: TokenStream,
    /// Turns `__args` into `__input`.
    bind_input: TokenStream,
    /// The type of `__input`, with the lifetime `'__args` where it borrows.
    input: TokenStream,
    /// Whether any of `input` is borrowed.
    borrows: bool,
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
    let passed = one_or_tuple(stage.inputs().map(|input| {
        let owned = &input.owned;
        match input.pass_mode {
            PassMode::Borrow if stage.can_borrow() => quote_spanned!(at=> &'__args #owned),
            PassMode::Borrow | PassMode::Move => quote_spanned!(at=> #owned),
        }
    }));
    let separate = ArgList {
        types: quote_spanned!(at=> (#(#types,)*)),
        modes: quote_spanned!(at=> (#(#modes,)*)),
        bind_input: quote_spanned!(at=> let (#(#variables,)*) = __args; let __input = #input;),
        input: passed.clone(),
        borrows: stage.can_borrow()
            && stage.inputs().any(|input| matches!(input.pass_mode, PassMode::Borrow)),
    };
    if variables.len() == 1 {
        return vec![separate];
    }
    // Several inputs are also one, a tuple.
    let tuple = stage.input_type();
    let all_borrowed = stage.can_borrow() && !variables.is_empty() && stage.moved().next().is_none();
    let (pass_mode, bind_input, passed) = if all_borrowed {
        (quote!(Borrow), quote_spanned!(at=> let (#input,) = __args; let __input = #input;), passed)
    } else {
        (quote!(Move), quote_spanned!(at=> let (__input,) = __args;), tuple.clone())
    };
    let as_tuple = ArgList {
        types: quote_spanned!(at=> (#tuple,)),
        modes: quote_spanned!(at=> (#private::#pass_mode,)),
        bind_input,
        input: passed,
        borrows: all_borrowed,
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
            fn register(&mut self, __plan: &mut #private::Plan) {
                <Self as #private::Accepts<#input>>::__register(self, __plan)
            }
        }
    }
}

fn call_args_impl(stage: &Stage, ArgList { types, bind_input, .. }: &ArgList) -> TokenStream {
    let Stage { name, .. } = stage;
    let at = name.span();
    let private = stage.crate_path.private();
    let call = function_call(stage);
    let generics = generics_with_caller(stage, generics_with_state(stage));
    let (generics, _, clause) = generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    let clause = split_clause(stage, clause);
    quote_spanned! {at=>
        impl #generics #private::CallArgs<#types, __S, __C> for #name #arguments #clause {
            #[inline]
            fn call_with<'__args, __O: #private::Observe>(
                &self,
                __observe: __O,
                __args: #private::Args<'__args, #types, Self>,
                __cx: &#private::StageContext<'_, __S, __C>,
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

fn call_with_policy_impl(
    stage: &Stage,
    ArgList { types, bind_input, input, borrows, .. }: &ArgList,
) -> TokenStream {
    let Stage { name, .. } = stage;
    let at = name.span();
    let private = stage.crate_path.private();
    let call = call_by_caller(stage, &quote_spanned!(at=> __stage), &quote_spanned!(at=> __strategy));
    let mut generics = generics_with_caller(stage, generics_with_state(stage));
    let strategy = Ident::new("__Strategy", at);
    generics.params.push(parse_quote!(#strategy));
    let lifetimes = borrows.then(|| quote_spanned!(at=> for<'__args>));
    let bound = quote_spanned!(at=> #lifetimes #strategy: #private::Strategy<Self, #input, __S>);
    generics.make_where_clause().predicates.push(parse_quote!(#bound));
    let (generics, _, clause) = generics.split_for_impl();
    let clause = split_clause(stage, clause);
    let arguments = type_arguments(&stage.generics);
    quote_spanned! {at=>
        impl #generics #private::CallWithPolicy<#types, __S, __C, #strategy> for #name #arguments #clause {
            #[inline]
            fn call_with_policy<'__args, __G: #private::Gate, __O: #private::Observe>(
                __stage: #private::StageUse<'_, Self, __G>,
                __strategy: #strategy,
                __observe: __O,
                __args: #private::Args<'__args, #types, Self>,
                __cx: &#private::StageContext<'_, __S, __C>,
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
