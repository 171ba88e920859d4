//! One call, and how values are passed to several.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;

use super::generator::{Generator, nested_tuple};
use super::names::{argument, call_field, expression_field, expression_type, value_type, value_variable};
use crate::chain::dataflow::{Argument, SharedUse, Use, ValuePattern};
use crate::codegen::hygienic;

impl Generator<'_> {
    /// The values that these calls use, and do not produce themselves.
    pub(super) fn inputs(&self, calls: &[usize]) -> Vec<(usize, Use)> {
        let outputs: Vec<_> =
            calls.iter().flat_map(|&call| self.dataflow.calls[call].output.values()).collect();
        let uses = calls.iter().flat_map(|&call| self.dataflow.calls[call].uses(call));
        uses.filter(|(value, _)| !outputs.contains(value)).collect()
    }

    /// The values of `later_values` that these calls produce.
    pub(super) fn outputs(&self, calls: &[usize], later_values: &[usize]) -> Vec<usize> {
        let outputs = calls.iter().flat_map(|&call| self.dataflow.calls[call].output.values());
        outputs.filter(|value| later_values.contains(value)).collect()
    }

    /// Prepares the values that several groups use, or that are used later, before the groups start.
    ///
    /// A value that only one group uses, and nothing later, moves into that group as it is.
    pub(super) fn share_inputs(
        &mut self,
        groups: &[Vec<usize>],
        later_values: &[usize],
        prepared: &[Use],
    ) -> (TokenStream, Vec<Use>) {
        let mut all = self.inputs(&groups.concat());
        all.retain(|(_, used)| !prepared.contains(used));
        all.sort_by_key(|(value, used)| (*value, used.call, used.argument, used.capture));
        let mut prepared = prepared.to_vec();
        let mut statements = TokenStream::new();
        for uses in all.chunk_by(|(one, _), (other, _)| one == other) {
            let value = uses[0].0;
            let uses_value = |calls: &&Vec<usize>| uses.iter().any(|(_, used)| calls.contains(&used.call));
            if groups.iter().filter(uses_value).count() > 1 || later_values.contains(&value) {
                let uses: Vec<_> = uses.iter().map(|(_, used)| *used).collect();
                prepared.extend(&uses);
                statements.extend(self.pass_value(value, uses, later_values));
            }
        }
        (statements, prepared)
    }

    /// Passes a value to these uses.
    fn pass_value(&mut self, value: usize, uses: Vec<Use>, later_values: &[usize]) -> TokenStream {
        let private = self.crate_path.private();
        let used_later = later_values.contains(&value);
        let (value_variable, ty) = (value_variable(value), value_type(value));
        let modes: Vec<_> = uses.iter().map(|used| self.mode(*used)).collect();
        let arguments: Vec<_> = uses.iter().map(|used| argument(*used)).collect();
        let statement = match (modes.split_last(), arguments.split_last()) {
            (Some((last, modes)), Some((last_argument, arguments))) if !used_later => {
                let (list, pattern) = (nested_tuple(modes), nested_tuple(arguments));
                let Some((last_use, others)) = uses.split_last() else { return TokenStream::new() };
                self.require(others, "SharedInput", &ty);
                if others.is_empty() {
                    self.require(&[*last_use], "Input", &ty);
                } else {
                    self.require(&[*last_use], "PassMode", &ty);
                    self.bounds
                        .push(quote!(<#list as #private::Consumers<#ty>>::JointMode: #private::JointMode<#ty, #last>));
                }
                quote!(let (#pattern, #last_argument) = #private::ValueCell::give::<#list, #last>(&mut #value_variable);)
            }
            _ => {
                let (list, pattern) = (nested_tuple(&modes), nested_tuple(&arguments));
                self.require(&uses, "SharedInput", &ty);
                quote!(let #pattern = #private::ValueCell::share::<#list>(&#value_variable);)
            }
        };
        self.shared_uses.push(SharedUse { value, uses, used_later });
        statement
    }

    /// Requires that a value can be passed to these uses.
    pub(super) fn require(&mut self, uses: &[Use], what: &str, ty: &Ident) {
        let private = self.crate_path.private();
        let what = Ident::new(what, Span::mixed_site());
        for used in uses {
            let mode = self.mode(*used);
            self.bounds.push(match used.capture {
                // A capture, which is always borrowed.
                Some(_) => quote!(#ty: #private::Sync),
                None => quote!(#mode: #private::#what<#ty>),
            });
        }
    }

    /// One call.
    ///
    /// Its arguments are bound again after the cells of all values, so that they are dropped before any of them.
    pub(super) fn call(&mut self, index: usize, later_values: &[usize], prepared: &[Use]) -> TokenStream {
        let call = &self.dataflow.calls[index];
        let direct = (0..call.arguments.len()).map(|argument| Use { call: index, argument, capture: None });
        let direct: Vec<_> = direct.collect();
        let mut statements = self.shorten_borrows(direct.iter().filter(|used| prepared.contains(used)));
        let mut uses: Vec<_> =
            call.uses(index).into_iter().filter(|(_, used)| !prepared.contains(used)).collect();
        uses.sort_by_key(|(value, _)| *value);
        for uses in uses.chunk_by(|(one, _), (other, _)| one == other) {
            let value = uses[0].0;
            statements.extend(self.pass_value(
                value,
                uses.iter().map(|(_, used)| *used).collect(),
                later_values,
            ));
        }
        let (evaluated, passed) = self.evaluate_expressions(index);
        if !evaluated.is_empty() {
            let values = call.arguments.iter().zip(&direct);
            let values = values.filter(|(what, _)| matches!(what, Argument::Value(_))).map(|(_, used)| used);
            let values = self.shorten_borrows(values);
            statements.extend(quote!(#evaluated #values #passed));
        }
        let (enter, run) = self.enter_and_run(index);
        let (pattern, values) = self.bind(&call.output);
        quote! {
            #statements
            #enter;
            let #pattern = #run.await?;
            #values
        }
    }

    /// An expression that counts the item in the branch of this call, and the call.
    fn enter_and_run(&self, index: usize) -> (TokenStream, TokenStream) {
        let private = self.crate_path.private();
        let (field, branch) = (call_field(index), Literal::usize_unsuffixed(index));
        let arguments = (0..self.dataflow.calls[index].arguments.len()).map(|argument| Use {
            call: index,
            argument,
            capture: None,
        });
        let arguments = arguments.map(argument);
        (
            quote!(cx.__passes(self.branch_ids[#branch])),
            quote!(#private::CallArgs::call_with(&self.#field, observe, (#(#arguments,)*), cx)),
        )
    }

    /// The one call of a block, if nothing else happens in it: all arguments are there, and the output is one value.
    pub(super) fn lone_call(&self, index: usize, later_values: &[usize], prepared: &[Use]) -> Option<Block> {
        let call = &self.dataflow.calls[index];
        let ValuePattern::Value(output) = call.output else { return None };
        let values_only = call.arguments.iter().all(|argument| matches!(argument, Argument::Value(_)));
        let uses: Vec<_> = call.uses(index).into_iter().map(|(_, used)| used).collect();
        if !later_values.contains(&output) || !values_only || !uses.iter().all(|used| prepared.contains(used))
        {
            return None;
        }
        let arguments = self.shorten_borrows(uses.iter());
        let (enter, run) = self.enter_and_run(index);
        Some(Block::Call { enter, future: quote!({ #arguments #run }), output })
    }

    /// Binds arguments again, after the cells, for the time of the call.
    fn shorten_borrows<'u>(&self, uses: impl Iterator<Item = &'u Use>) -> TokenStream {
        let private = self.crate_path.private();
        let arguments = uses.map(|used| {
            let (argument, mode) = (argument(*used), self.mode(*used));
            let Argument::Value(value) = &self.dataflow.calls[used.call].arguments[used.argument] else {
                return TokenStream::new();
            };
            let ty = value_type(*value);
            quote!(let #argument = <#mode as #private::PassMode<#ty>>::shorten(#argument);)
        });
        arguments.collect()
    }

    /// Statements that evaluate the argument expressions of a call, and statements that pass it their values.
    fn evaluate_expressions(&mut self, index: usize) -> (TokenStream, TokenStream) {
        let private = self.crate_path.private();
        let (mut evaluated, mut passed) = (TokenStream::new(), TokenStream::new());
        for (position, what) in self.dataflow.calls[index].arguments.iter().enumerate() {
            let Argument::Expression(number, captures) = what else { continue };
            let used = Use { call: index, argument: position, capture: None };
            let captures =
                (0..captures.len()).map(|capture| argument(Use { capture: Some(capture), ..used }));
            let (cell, function) = (hygienic("expression_value", *number), expression_field(*number));
            let (argument, mode) = (argument(used), self.mode(used));
            evaluated.extend(quote! {
                let mut #cell = #private::ValueCell::new(
                    #private::guard_user_code(self.code_site, cx, || (self.#function)(#(#captures),*))
                );
            });
            passed.extend(quote!(let ((), #argument) = #private::ValueCell::give::<(), #mode>(&mut #cell);));
            self.require(&[used], "Input", &expression_type(*number));
        }
        (evaluated, passed)
    }

    /// Runs blocks concurrently, and binds their outputs.
    pub(super) fn join(&self, blocks: Vec<Block>) -> TokenStream {
        let private = self.crate_path.private();
        let mut cells = TokenStream::new();
        let uncounted = quote!(());
        let sides = blocks.into_iter().map(|block| match block {
            Block::Call { enter, future, output } => {
                let output = value_variable(output);
                cells.extend(quote!(let mut #output = #private::ValueCell::new(#output);));
                (enter, future, quote!(#output))
            }
            Block::Statements { statements, outputs } => {
                let outputs: Vec<_> = outputs.into_iter().map(value_variable).collect();
                let future = quote! {
                    async move {
                        #statements
                        #private::Result::<_, #private::StageError>::Ok((#(#outputs,)*))
                    }
                };
                (uncounted.clone(), future, quote!((#(mut #outputs,)*)))
            }
        });
        let joined = join_all(sides.collect(), &private);
        let Some((enter, future, pattern)) = joined else { return TokenStream::new() };
        quote!(#enter; let #pattern = #future.await?; #cells)
    }
}

/// What a side of a join does first, its future, and the pattern of its output.
type Side = (TokenStream, TokenStream, TokenStream);

/// Joins sides in pairs, and the pairs in pairs: each join is a future within a future, of which rustc allows so many.
fn join_all(mut sides: Vec<Side>, private: &TokenStream) -> Option<Side> {
    if sides.len() < 2 {
        return sides.pop();
    }
    let second = sides.split_off(sides.len().div_ceil(2));
    let (first, second) = (join_all(sides, private)?, join_all(second, private)?);
    let ((enter, first, first_pattern), (enter_second, second, second_pattern)) = (first, second);
    let joined = quote!(#private::try_join2(#first, || #enter_second, #second));
    // To poll the two for the first time is to poll the first of them.
    Some((enter, joined, quote!((#first_pattern, #second_pattern))))
}

/// What runs beside other blocks.
pub(super) enum Block {
    /// One call. The block needs no future of its own.
    Call { enter: TokenStream, future: TokenStream, output: usize },
    /// Statements that bind these values.
    Statements { statements: TokenStream, outputs: Vec<usize> },
}
