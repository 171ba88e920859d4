//! The struct and its impls.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote};

use super::generator::Generator;
use super::names::{
    call_field, call_type, expression_field, expression_function, expression_type, mode_type, value_type,
    value_variable,
};
use crate::chain::dataflow::{Argument, Output, Use, ValuePattern};

/// Fields and types of the struct.
struct StructParts {
    fields: Vec<Ident>,
    /// The types of the fields.
    types: Vec<Ident>,
    /// The types of the values between the calls.
    values: Vec<Ident>,
    input: TokenStream,
    output: TokenStream,
}

/// The name of the struct. Its fields: `calls`, `expressions`, `tail`, `branch_ids`, `end` and `code_site`.
pub(crate) fn struct_name() -> Ident {
    Ident::new("Graph", Span::mixed_site())
}

impl Generator<'_> {
    /// The struct, the input that it accepts, and how it is called.
    pub(super) fn items(&self, body: &TokenStream) -> TokenStream {
        let private = self.crate_path.private();
        let graph = struct_name();
        let StructParts { fields, types, values, input, output } = self.parts();
        let (type_bounds, callable_bounds) = self.call_bounds();
        let modes = self.modes();
        let bounds = &self.bounds;
        let call_count = Literal::usize_unsuffixed(self.dataflow.calls.len());
        let (input_pattern, cells) = self.bind(&self.dataflow.input);
        let output_value = self.output_value();
        quote! {
            #[allow(non_camel_case_types, dead_code)]
            struct #graph<#(#types),*> {
                #(#fields: #types,)*
                branch_ids: [#private::StepId; #call_count],
                end: #private::StepId,
                code_site: #private::CodeSite,
            }
            #[allow(non_camel_case_types)]
            impl<#(#types,)* #(#values),*> #private::Branches<#input> for #graph<#(#types),*>
            where
                #(#values: #private::Send,)*
                #type_bounds
            {
                type Out = #output;
            }
            #[allow(non_camel_case_types, unused_mut, unused_variables, clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction)]
            impl<__State, __C, #(#types,)* #(#values,)* #(#modes),*> #private::Branching<#input, __State, __C> for #graph<#(#types),*>
            where
                __State: #private::Send + #private::Sync,
                __C: #private::Mechanism,
                #(#types: #private::Send + #private::Sync,)*
                #(#values: #private::Send,)*
                #type_bounds
                #callable_bounds
                #(#bounds,)*
            {
                fn go<'__r, __O: #private::Observe>(
                    &'__r self,
                    observe: __O,
                    input: #input,
                    cx: #private::StageContext<'__r, __State, __C>,
                ) -> impl #private::Future<Output = #private::Result<#output, #private::StageError>> + #private::Send {
                    async move {
                        let cx = &cx;
                        let #input_pattern = input;
                        #cells
                        #body
                        let output = #output_value;
                        cx.__passes(self.end);
                        #private::Result::Ok(output)
                    }
                }
            }
        }
    }

    fn parts(&self) -> StructParts {
        let calls = 0..self.dataflow.calls.len();
        let expressions: Vec<_> = self.expressions().map(|(number, _)| number).collect();
        let last = matches!(self.dataflow.output, Output::Expression(_));
        let mut fields: Vec<_> = calls.clone().map(call_field).collect();
        let mut types: Vec<_> = calls.map(call_type).collect();
        let mut patterns = vec![&self.dataflow.input];
        patterns.extend(self.dataflow.calls.iter().map(|call| &call.output));
        let mut values = Vec::new();
        for pattern in patterns {
            pattern_types(pattern, &mut values);
        }
        for &number in &expressions {
            fields.push(expression_field(number));
            types.push(expression_function(number));
            values.push(expression_type(number));
        }
        if last {
            fields.push(Ident::new("tail", Span::mixed_site()));
            types.push(Ident::new("__Tail", Span::mixed_site()));
            values.push(Ident::new("__Output", Span::mixed_site()));
        }
        let inputs = self.dataflow.output.values().into_iter().map(value_type);
        let output = match &self.dataflow.output {
            Output::Value(_) => quote!(#(#inputs)*),
            Output::Tuple(_) => quote!((#(#inputs,)*)),
            Output::Expression(_) => quote!(__Output),
        };
        StructParts { fields, types, values, input: pattern_type(&self.dataflow.input), output }
    }

    /// Bounds on what the calls take and return, and bounds on calling them.
    fn call_bounds(&self) -> (TokenStream, TokenStream) {
        let private = self.crate_path.private();
        let (mut types, mut calls) = (TokenStream::new(), TokenStream::new());
        for (index, call) in self.dataflow.calls.iter().enumerate() {
            let (ty, output) = (call_type(index), pattern_type(&call.output));
            let values = call.arguments.iter().map(|argument| match argument {
                Argument::Value(value) => value_type(*value),
                Argument::Expression(number, _) => expression_type(*number),
            });
            let values = quote!((#(#values,)*));
            let modes = (0..call.arguments.len())
                .map(|argument| mode_type(Use { call: index, argument, capture: None }));
            types.extend(quote!(#ty: #private::TakesArgs<#values, Out = #output>,));
            calls.extend(
                quote!(#ty: #private::CallArgs<#values, __State, __C> + #private::TakesArgs<#values, ArgModes = (#(#modes,)*)>,),
            );
        }
        for (number, captures) in self.expressions() {
            let (function, value) = (expression_function(number), expression_type(number));
            let captures = captures.iter().map(|value| value_type(*value));
            types.extend(quote!(#function: #private::Fn(#(&#captures),*) -> #value,));
        }
        if let Output::Expression(values) = &self.dataflow.output {
            let values = values.iter().map(|value| value_type(*value));
            types.extend(quote!(__Tail: #private::Fn(#(#values),*) -> __Output,));
        }
        (types, calls)
    }

    fn expressions(&self) -> impl Iterator<Item = (usize, &[usize])> {
        let arguments = self.dataflow.calls.iter().flat_map(|call| &call.arguments);
        arguments.filter_map(|argument| match argument {
            Argument::Expression(number, captures) => Some((*number, captures.as_slice())),
            Argument::Value(_) => None,
        })
    }

    fn modes(&self) -> Vec<Ident> {
        let calls = self.dataflow.calls.iter().enumerate();
        let uses = calls.flat_map(|(call, used)| {
            (0..used.arguments.len()).map(move |argument| Use { call, argument, capture: None })
        });
        uses.map(mode_type).collect()
    }

    /// The output, after all calls.
    fn output_value(&self) -> TokenStream {
        let private = self.crate_path.private();
        let taken = self.dataflow.output.values().into_iter().map(|value| {
            let value_variable = value_variable(value);
            quote!(#private::ValueCell::take(&mut #value_variable))
        });
        match &self.dataflow.output {
            Output::Value(_) => quote!(#(#taken)*),
            Output::Tuple(_) => quote!((#(#taken,)*)),
            Output::Expression(_) => {
                quote!(#private::guard_user_code(self.code_site, cx, || (self.tail)(#(#taken),*)))
            }
        }
    }
}

/// The types of the values in a pattern, ignored ones too.
fn pattern_types(pattern: &ValuePattern, types: &mut Vec<Ident>) {
    match pattern {
        ValuePattern::Value(value) | ValuePattern::Ignored(value) => types.push(value_type(*value)),
        ValuePattern::Tuple(parts) => parts.iter().for_each(|part| pattern_types(part, types)),
    }
}

fn pattern_type(pattern: &ValuePattern) -> TokenStream {
    match pattern {
        ValuePattern::Value(value) | ValuePattern::Ignored(value) => value_type(*value).into_token_stream(),
        ValuePattern::Tuple(parts) => {
            let parts = parts.iter().map(pattern_type);
            quote!((#(#parts,)*))
        }
    }
}
