//! A stage → its struct, and the impls that the runtime calls.

mod call_impls;
mod fallback;
mod fork_impls;
mod generics;
mod step_call;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

pub(super) use self::fallback::fallback;
use self::generics::{
    any_instance, cfgs, error_type, generics_with_caller, generics_with_state, phantom_type, returned_alias,
    returned_check, returns_future, split_bounds, struct_generics, type_arguments, value_type,
};
use super::model::Stage;
use crate::policy::{self, Asyncness, Qualities};

pub(crate) fn stage(stage: &Stage) -> TokenStream {
    let struct_definition = struct_definition(stage);
    let impls = [
        accepts_impl(stage),
        policy_impls(stage),
        stage_impl(stage),
        call_impls::function_impl(stage),
        call_impls::repeat_impl(stage),
        call_impls::attempts_impls(stage),
        fork_impls::fork_impls(stage),
    ];
    let cfgs = cfgs(&stage.attributes);
    let checks = [returned_alias(stage), returned_check(stage), returns_future(stage)].into_iter().flatten();
    quote! {
        #struct_definition
        #(#cfgs)*
        #[allow(deprecated, unused, unused_qualifications, clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction)]
        const _: () = { #(#checks)* #(#impls)* };
    }
}

fn struct_definition(stage: &Stage) -> TokenStream {
    let Stage { name, visibility, attributes, .. } = stage;
    let private = stage.crate_path.private();
    let generics = struct_generics(&stage.generics, &stage.crate_path);
    let phantom_type = phantom_type(&stage.generics);
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
        #[allow(non_camel_case_types, dead_code, missing_debug_implementations, clippy::type_complexity)]
        #visibility struct #name #generics {
            __stage: #private::Token<#phantom_type, #private::#limits>,
        }
        #(#cfgs)*
        #[allow(deprecated, dead_code)]
        impl #bounds #name #arguments {
            /// One use of the stage in a pipeline, with limits of its own.
            #[doc(hidden)]
            #[must_use]
            #visibility fn stage() -> Self {
                #name { __stage: #private::Default::default() }
            }
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

fn accepts_impl(stage: &Stage) -> TokenStream {
    let Stage { name, .. } = stage;
    let private = stage.crate_path.private();
    let any_instance = any_instance(name, &stage.generics);
    let any_instance = quote_spanned!(name.span()=> <#any_instance>);
    let input = stage.input_type();
    let output = value_type(stage);
    let (generics, _, clause) = stage.generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    let at = name.span();
    let can_start = stage.policy.is_limited().then(|| {
        quote_spanned! {at=>
            fn __can_start(&self) -> #private::bool {
                #private::Limited::can_start(&self.__stage.limits, &#any_instance::__POLICY)
            }
        }
    });
    quote_spanned! {at=>
        impl #generics #private::Accepts<#input> for #name #arguments #clause {
            type Out = #output;
            fn __register(&mut self, __plan: &mut #private::Plan) {
                self.__stage.step = #private::Plan::stage(__plan, #any_instance::__POLICY);
            }
            #can_start
        }
    }
}

fn policy_impls(stage: &Stage) -> TokenStream {
    let Stage { name, visibility, policy, .. } = stage;
    let private = stage.crate_path.private();
    let any_instance = any_instance(name, &stage.generics);
    let interruptible = stage.asyncness == Asyncness::Async || stage.is_blocking();
    let (fallible, may_return_future) = (stage.output.is_fallible(), returns_future(stage).is_some());
    let qualities = Qualities { interruptible, fallible, may_return_future };
    let constant = policy::policy_constant(policy, name, qualities, &stage.crate_path);
    let error = error_type(stage);
    let (generics, _, clause) = stage.generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    let at = name.span();
    quote_spanned! {at=>
        impl #any_instance {
            #[doc(hidden)]
            #visibility const __POLICY: #private::Policy = #constant;
        }
        impl #generics #private::StageFn for #name #arguments #clause {
            type Error = #error;
            type __This = Self;
            const __POLICY: #private::Policy = <#any_instance>::__POLICY;
            fn __this(self) -> Self { self }
        }
    }
}

/// The function under its policy.
fn stage_impl(stage: &Stage) -> TokenStream {
    let Stage { name, .. } = stage;
    let private = stage.crate_path.private();
    let input = stage.input_type();
    let mut generics = generics_with_caller(stage, generics_with_state(stage));
    generics.make_where_clause().predicates.extend(split_bounds(stage));
    let (generics, _, clause) = generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    let at = name.span();
    let call = step_call::function_call(stage);
    let call_now = call_impls::call_now_items(stage);
    quote_spanned! {at=>
        impl #generics #private::Stage<#input, __S, __C> for #name #arguments #clause {
            #[inline]
            fn call<'__r>(
                &'__r self,
                __input: #input,
                __cx: &'__r #private::StageContext<'_, __S, __C>,
            ) -> impl #private::Future<Output = #private::Result<Self::Out, #private::StageError>> + #private::Send {
                <Self as #private::Stage<#input, __S, __C>>::__call(self, #private::Unobserved, __input, __cx)
            }
            #[inline]
            fn __call<'__r, __O: #private::Observe>(
                &'__r self,
                __observe: __O,
                __input: #input,
                __cx: &'__r #private::StageContext<'_, __S, __C>,
            ) -> impl #private::Future<Output = #private::Result<Self::Out, #private::StageError>> + #private::Send {
                #call
            }
            #call_now
        }
    }
}
