//! The struct and its impls.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote};

use super::names::{
    call_field, call_type, expression_field, expression_function, expression_type, mode_type, value_type,
    variable,
};
use super::net::{Argument, Output, Shape, Use};
use super::{Weaver, structure};

/// What the struct and its impls are about.
struct Parts {
    fields: Vec<Ident>,
    /// The types of the fields.
    types: Vec<Ident>,
    /// The types of the values between them.
    values: Vec<Ident>,
    input: TokenStream,
    output: TokenStream,
}

impl Weaver<'_> {
    /// The struct, what it accepts, and how it is called.
    pub(super) fn items(&self, body: &TokenStream) -> TokenStream {
        let private = self.crate_path.private();
        let graph = structure();
        let Parts { fields, types, values, input, output } = self.parts();
        let (types_clauses, calls_clauses) = self.clauses_of_calls();
        let modes = self.modes();
        let clauses = &self.clauses;
        let heads = Literal::usize_unsuffixed(self.net.calls.len());
        let (open, places) = self.bind(&self.net.input);
        let give = self.give();
        quote! {
            #[allow(non_camel_case_types, dead_code)]
            struct #graph<#(#types),*> {
                #(#fields: #types,)*
                heads: [#private::StepId; #heads],
                end: #private::StepId,
                place: #private::CodeSite,
            }
            #[allow(non_camel_case_types)]
            impl<#(#types,)* #(#values),*> #private::Branches<#input> for #graph<#(#types),*>
            where
                #(#values: #private::Send,)*
                #types_clauses
            {
                type Out = #output;
            }
            #[allow(non_camel_case_types, unused_mut, unused_variables, clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction)]
            impl<__State, #(#types,)* #(#values,)* #(#modes),*> #private::Branching<#input, __State> for #graph<#(#types),*>
            where
                __State: #private::Send + #private::Sync,
                #(#types: #private::Send + #private::Sync,)*
                #(#values: #private::Send,)*
                #types_clauses
                #calls_clauses
                #(#clauses,)*
            {
                fn go<__Caller: #private::Caller>(
                    &self,
                    caller: __Caller,
                    input: #input,
                    cx: &#private::StageContext<'_, __State>,
                ) -> impl #private::Future<Output = #private::Result<#output, #private::StageError>> + #private::Send {
                    async move {
                        let #open = input;
                        #places
                        #body
                        let output = #give;
                        cx.__passes(self.end);
                        #private::Result::Ok(output)
                    }
                }
            }
        }
    }

    /// The names and types that the struct and its impls are about.
    fn parts(&self) -> Parts {
        let calls = 0..self.net.calls.len();
        let expressions: Vec<_> = self.expressions().map(|(number, _)| number).collect();
        let last = matches!(self.net.output, Output::Expression(_));
        let mut fields: Vec<_> = calls.clone().map(call_field).collect();
        let mut types: Vec<_> = calls.map(call_type).collect();
        let mut shapes = vec![&self.net.input];
        shapes.extend(self.net.calls.iter().map(|call| &call.output));
        let mut values = Vec::new();
        for shape in shapes {
            shape_types(shape, &mut values);
        }
        for &number in &expressions {
            fields.push(expression_field(number));
            types.push(expression_function(number));
            values.push(expression_type(number));
        }
        if last {
            fields.push(Ident::new("last", Span::mixed_site()));
            types.push(Ident::new("__Last", Span::mixed_site()));
            values.push(Ident::new("__Output", Span::mixed_site()));
        }
        let wanted = self.net.output.values().into_iter().map(value_type);
        let output = match &self.net.output {
            Output::Value(_) => quote!(#(#wanted)*),
            Output::Tuple(_) => quote!((#(#wanted,)*)),
            Output::Expression(_) => quote!(__Output),
        };
        Parts { fields, types, values, input: shape_type(&self.net.input), output }
    }

    /// What the calls take and give; and that they can be called.
    fn clauses_of_calls(&self) -> (TokenStream, TokenStream) {
        let private = self.crate_path.private();
        let (mut types, mut calls) = (TokenStream::new(), TokenStream::new());
        for (index, call) in self.net.calls.iter().enumerate() {
            let (ty, output) = (call_type(index), shape_type(&call.output));
            let values = call.arguments.iter().map(|argument| match argument {
                Argument::Value(value) => value_type(*value),
                Argument::Expression(number, _) => expression_type(*number),
            });
            let values = quote!((#(#values,)*));
            let modes = (0..call.arguments.len())
                .map(|argument| mode_type(Use { call: index, argument, look: None }));
            types.extend(quote!(#ty: #private::TakesArgs<#values, Out = #output>,));
            calls.extend(
                quote!(#ty: #private::CallArgs<#values, __State> + #private::TakesArgs<#values, ArgModes = (#(#modes,)*)>,),
            );
        }
        for (number, looks) in self.expressions() {
            let (function, made) = (expression_function(number), expression_type(number));
            let looks = looks.iter().map(|value| value_type(*value));
            types.extend(quote!(#function: #private::Fn(#(&#looks),*) -> #made,));
        }
        if let Output::Expression(values) = &self.net.output {
            let values = values.iter().map(|value| value_type(*value));
            types.extend(quote!(__Last: #private::Fn(#(#values),*) -> __Output,));
        }
        (types, calls)
    }

    fn expressions(&self) -> impl Iterator<Item = (usize, &[usize])> {
        let arguments = self.net.calls.iter().flat_map(|call| &call.arguments);
        arguments.filter_map(|argument| match argument {
            Argument::Expression(number, looks) => Some((*number, looks.as_slice())),
            Argument::Value(_) => None,
        })
    }

    fn modes(&self) -> Vec<Ident> {
        let calls = self.net.calls.iter().enumerate();
        let uses = calls.flat_map(|(call, it)| {
            (0..it.arguments.len()).map(move |argument| Use { call, argument, look: None })
        });
        uses.map(mode_type).collect()
    }

    /// The output, when all calls are done.
    fn give(&self) -> TokenStream {
        let private = self.crate_path.private();
        let taken = self.net.output.values().into_iter().map(|value| {
            let variable = variable(value);
            quote!(#variable.take())
        });
        match &self.net.output {
            Output::Value(_) => quote!(#(#taken)*),
            Output::Tuple(_) => quote!((#(#taken,)*)),
            Output::Expression(_) => {
                quote!(#private::guard_user_code(self.place, cx, || (self.last)(#(#taken),*)))
            }
        }
    }
}

/// The types of the values in a shape; what is let go has one, too.
fn shape_types(shape: &Shape, types: &mut Vec<Ident>) {
    match shape {
        Shape::Value(value) | Shape::Nothing(value) => types.push(value_type(*value)),
        Shape::Tuple(parts) => parts.iter().for_each(|part| shape_types(part, types)),
    }
}

fn shape_type(shape: &Shape) -> TokenStream {
    match shape {
        Shape::Value(value) | Shape::Nothing(value) => value_type(*value).into_token_stream(),
        Shape::Tuple(parts) => {
            let parts = parts.iter().map(shape_type);
            quote!((#(#parts,)*))
        }
    }
}
