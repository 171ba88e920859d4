//! The calls, in rows and columns.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;

use super::names::{
    argument, call_field, expression_field, expression_type, hygienic, value_type, value_variable,
};
use super::{GraphCodegen, Prepared, nested_tuple};
use crate::chain::dataflow::{Argument, SharedUse, Use};
use crate::chain::schedule::Schedule;

impl GraphCodegen<'_> {
    /// Statements that run these calls. Behind them the values of `later` are there.
    pub(super) fn statements(
        &mut self,
        schedule: &Schedule,
        later_values: &[usize],
        prepared: &Prepared,
    ) -> TokenStream {
        match schedule {
            Schedule::Call(call) => self.call(*call, later_values, prepared),
            Schedule::Series(parts) => {
                let inputs = |part: &Schedule| self.inputs(&part.calls());
                let inputs: Vec<_> = parts.iter().map(inputs).collect();
                let parts = parts.iter().enumerate().map(|(index, part)| {
                    let mut later_values = later_values.to_vec();
                    later_values.extend(inputs[index + 1..].iter().flatten().map(|(value, _)| value));
                    self.statements(part, &later_values, prepared)
                });
                parts.collect()
            }
            Schedule::Parallel(parts) => {
                let groups: Vec<_> = parts.iter().map(Schedule::calls).collect();
                let (share_inputs, prepared) = self.share_inputs(&groups, later_values, prepared);
                let blocks = parts.iter().map(|part| {
                    let statements = self.statements(part, later_values, &prepared);
                    (statements, self.outputs(&part.calls(), later_values))
                });
                let blocks: Vec<_> = blocks.collect();
                let run = self.join(blocks);
                quote!(#share_inputs #run)
            }
            Schedule::NonSeriesParallel(calls) => self.non_series_parallel(calls, later_values, prepared),
        }
    }

    /// The values that these calls want, and do not give themselves.
    pub(super) fn inputs(&self, calls: &[usize]) -> Vec<(usize, Use)> {
        let outputs: Vec<_> =
            calls.iter().flat_map(|&call| self.dataflow.calls[call].output.values()).collect();
        let uses = calls.iter().flat_map(|&call| self.dataflow.calls[call].uses(call));
        uses.filter(|(value, _)| !outputs.contains(value)).collect()
    }

    /// The values of `later` that these calls give.
    fn outputs(&self, calls: &[usize], later_values: &[usize]) -> Vec<usize> {
        let outputs = calls.iter().flat_map(|&call| self.dataflow.calls[call].output.values());
        outputs.filter(|value| later_values.contains(value)).collect()
    }

    /// Hands out what several groups want, or what is wanted again, before they begin.
    ///
    /// What only one of them wants, and nobody later, goes into it as it is.
    pub(super) fn share_inputs(
        &mut self,
        groups: &[Vec<usize>],
        later_values: &[usize],
        prepared: &Prepared,
    ) -> (TokenStream, Vec<Use>) {
        let mut all = self.inputs(&groups.concat());
        all.retain(|(_, it)| !prepared.contains(it));
        all.sort_by_key(|(value, it)| (*value, it.call, it.argument, it.capture));
        let mut prepared = prepared.to_vec();
        let mut statements = TokenStream::new();
        for uses in all.chunk_by(|(one, _), (other, _)| one == other) {
            let value = uses[0].0;
            let wants = |calls: &&Vec<usize>| uses.iter().any(|(_, it)| calls.contains(&it.call));
            if groups.iter().filter(wants).count() > 1 || later_values.contains(&value) {
                let uses: Vec<_> = uses.iter().map(|(_, it)| *it).collect();
                prepared.extend(&uses);
                statements.extend(self.pass_value(value, uses, later_values));
            }
        }
        (statements, prepared)
    }

    /// Gives a value to all that want it now.
    fn pass_value(&mut self, value: usize, uses: Vec<Use>, later_values: &[usize]) -> TokenStream {
        let private = self.crate_path.private();
        let used_later = later_values.contains(&value);
        let (value_variable, ty) = (value_variable(value), value_type(value));
        let modes: Vec<_> = uses.iter().map(|it| self.mode(*it)).collect();
        let arguments: Vec<_> = uses.iter().map(|it| argument(*it)).collect();
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
                quote!(let (#pattern, #last_argument) = #value_variable.give::<#list, #last>();)
            }
            _ => {
                let (list, pattern) = (nested_tuple(&modes), nested_tuple(&arguments));
                self.require(&uses, "SharedInput", &ty);
                quote!(let #pattern = #value_variable.share::<#list>();)
            }
        };
        self.shared_uses.push(SharedUse { value, uses, used_later });
        statement
    }

    /// Asks of a value that it can be had in these ways.
    pub(super) fn require(&mut self, uses: &[Use], what: &str, ty: &Ident) {
        let private = self.crate_path.private();
        let what = Ident::new(what, Span::mixed_site());
        for it in uses {
            let mode = self.mode(*it);
            self.bounds.push(match it.capture {
                // Known to be lent.
                Some(_) => quote!(#ty: #private::Sync),
                None => quote!(#mode: #private::#what<#ty>),
            });
        }
    }

    /// One call.
    ///
    /// What it has of its values is bound anew behind the places of all values, so that it is let go before any of them.
    pub(super) fn call(&mut self, index: usize, later_values: &[usize], prepared: &Prepared) -> TokenStream {
        let private = self.crate_path.private();
        let call = &self.dataflow.calls[index];
        let direct = (0..call.arguments.len()).map(|argument| Use { call: index, argument, capture: None });
        let direct: Vec<_> = direct.collect();
        let mut statements = self.shorten_borrows(direct.iter().filter(|it| prepared.contains(it)));
        let mut uses: Vec<_> =
            call.uses(index).into_iter().filter(|(_, it)| !prepared.contains(it)).collect();
        uses.sort_by_key(|(value, _)| *value);
        for uses in uses.chunk_by(|(one, _), (other, _)| one == other) {
            let value = uses[0].0;
            statements.extend(self.pass_value(value, uses.iter().map(|(_, it)| *it).collect(), later_values));
        }
        let (made, outputs) = self.evaluate_expressions(index);
        if !made.is_empty() {
            let values = call.arguments.iter().zip(&direct);
            let values = values.filter(|(what, _)| matches!(what, Argument::Value(_))).map(|(_, it)| it);
            let values = self.shorten_borrows(values);
            statements.extend(quote!(#made #values #outputs));
        }
        let field = call_field(index);
        let arguments = direct.iter().map(|it| argument(*it));
        let head = Literal::usize_unsuffixed(index);
        let (pattern, values) = self.bind(&call.output);
        quote! {
            #statements
            cx.__passes(self.heads[#head]);
            let #pattern = #private::Caller::call_with(caller, &self.#field, (#(#arguments,)*), cx).await?;
            #values
        }
    }

    /// Binds arguments anew, behind whatever was bound since, and for as long as the call takes.
    fn shorten_borrows<'u>(&self, uses: impl Iterator<Item = &'u Use>) -> TokenStream {
        let private = self.crate_path.private();
        let arguments = uses.map(|it| {
            let (argument, mode) = (argument(*it), self.mode(*it));
            let Argument::Value(value) = &self.dataflow.calls[it.call].arguments[it.argument] else {
                return TokenStream::new();
            };
            let ty = value_type(*value);
            quote!(let #argument = <#mode as #private::PassMode<#ty>>::shorten(#argument);)
        });
        arguments.collect()
    }

    /// Statements that evaluate the expressions among the arguments of a call, and that give it what they made.
    fn evaluate_expressions(&mut self, index: usize) -> (TokenStream, TokenStream) {
        let private = self.crate_path.private();
        let (mut made, mut outputs) = (TokenStream::new(), TokenStream::new());
        for (position, what) in self.dataflow.calls[index].arguments.iter().enumerate() {
            let Argument::Expression(number, captures) = what else { continue };
            let it = Use { call: index, argument: position, capture: None };
            let captures = (0..captures.len()).map(|capture| argument(Use { capture: Some(capture), ..it }));
            let (place, function) = (hygienic("made", *number), expression_field(*number));
            let (argument, mode) = (argument(it), self.mode(it));
            made.extend(quote! {
                let mut #place = #private::ValueCell::new(
                    #private::guard_user_code(self.place, cx, || (self.#function)(#(#captures),*))
                );
            });
            outputs.extend(quote!(let ((), #argument) = #place.give::<(), #mode>();));
            self.require(&[it], "Input", &expression_type(*number));
        }
        (made, outputs)
    }

    /// Futures side by side; what they give is there behind them.
    pub(super) fn join(&self, blocks: Vec<(TokenStream, Vec<usize>)>) -> TokenStream {
        let private = self.crate_path.private();
        let blocks = blocks.into_iter().map(|(statements, outputs)| {
            let outputs: Vec<_> = outputs.into_iter().map(value_variable).collect();
            let future = quote! {
                async move {
                    #statements
                    #private::Result::<_, #private::StageError>::Ok((#(#outputs,)*))
                }
            };
            (future, quote!((#(mut #outputs,)*)))
        });
        let joined = blocks.rev().reduce(|(rest, rest_pattern), (future, pattern)| {
            (quote!(#private::try_join2(#future, #rest)), quote!((#pattern, #rest_pattern)))
        });
        let Some((future, pattern)) = joined else { return TokenStream::new() };
        quote!(let #pattern = #future.await?;)
    }
}
