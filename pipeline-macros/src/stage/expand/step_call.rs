//! The call of a step: the function under its policy, given to the caller.

use proc_macro2::TokenStream;
use quote::quote_spanned;

use crate::stage::model::Stage;

/// Gives the caller a call of the function under the stage's own policy. In scope: `self`, `__observe`, `__input`, `__cx`.
pub(super) fn function_call(stage: &Stage) -> TokenStream {
    let private = stage.crate_path.private();
    let at = stage.name.span();
    let stage_use = quote_spanned! {at=>
        #private::StageUse {
            stage: self,
            policy: const { &<Self as #private::StageFn>::__POLICY },
            step: &self.__stage.step,
            gate: &self.__stage.limits,
        }
    };
    let input = stage.input_type();
    let strategy = if stage.policy.is_bare() {
        quote_spanned!(at=> #private::Bare)
    } else {
        quote_spanned!(at=> <Self as #private::Attempts<#input>>::own())
    };
    call_by_caller(stage, &stage_use, &strategy)
}

/// Gives the caller a call of a use of the stage, by a strategy.
pub(super) fn call_by_caller(stage: &Stage, stage_use: &TokenStream, strategy: &TokenStream) -> TokenStream {
    let private = stage.crate_path.private();
    let at = stage.name.span();
    let input = stage.input_type();
    quote_spanned! {at=>
        <__C as #private::Caller<Self, #input, <Self as #private::Accepts<#input>>::Out>>::call(
            __cx.__handle(),
            #private::FunctionCall::new(#stage_use, #strategy, __observe, __input, __cx),
        )
    }
}
