//! The calls, in rows and columns.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;

use super::names::{argument, call_field, expression_field, expression_type, hygienic, value_type, variable};
use super::net::{Argument, Use};
use super::{Meeting, Ready, Weaver, nested};
use crate::chain::schedule::Schedule;

impl Weaver<'_> {
    /// Statements that run these calls. Behind them the values of `later` are there.
    pub(super) fn part(&mut self, schedule: &Schedule, later: &[usize], ready: &Ready) -> TokenStream {
        match schedule {
            Schedule::Call(call) => self.call(*call, later, ready),
            Schedule::Series(parts) => {
                let wanted = |part: &Schedule| self.wanted(&part.calls());
                let wanted: Vec<_> = parts.iter().map(wanted).collect();
                let parts = parts.iter().enumerate().map(|(index, part)| {
                    let mut later = later.to_vec();
                    later.extend(wanted[index + 1..].iter().flatten().map(|(value, _)| value));
                    self.part(part, &later, ready)
                });
                parts.collect()
            }
            Schedule::Parallel(parts) => {
                let groups: Vec<_> = parts.iter().map(Schedule::calls).collect();
                let (meet, ready) = self.meet(&groups, later, ready);
                let blocks = parts.iter().map(|part| {
                    let statements = self.part(part, later, &ready);
                    (statements, self.given(&part.calls(), later))
                });
                let blocks: Vec<_> = blocks.collect();
                let run = self.side_by_side(blocks);
                quote!(#meet #run)
            }
            Schedule::Tangle(calls) => self.tangle(calls, later, ready),
        }
    }

    /// The values that these calls want, and do not give themselves.
    pub(super) fn wanted(&self, calls: &[usize]) -> Vec<(usize, Use)> {
        let given: Vec<_> = calls.iter().flat_map(|&call| self.net.calls[call].output.values()).collect();
        let uses = calls.iter().flat_map(|&call| self.net.calls[call].uses(call));
        uses.filter(|(value, _)| !given.contains(value)).collect()
    }

    /// The values of `later` that these calls give.
    fn given(&self, calls: &[usize], later: &[usize]) -> Vec<usize> {
        let given = calls.iter().flat_map(|&call| self.net.calls[call].output.values());
        given.filter(|value| later.contains(value)).collect()
    }

    /// Hands out what several groups want, or what is wanted again, before they begin.
    ///
    /// What only one of them wants, and nobody later, goes into it as it is.
    pub(super) fn meet(
        &mut self,
        groups: &[Vec<usize>],
        later: &[usize],
        ready: &Ready,
    ) -> (TokenStream, Vec<Use>) {
        let mut all = self.wanted(&groups.concat());
        all.retain(|(_, it)| !ready.contains(it));
        all.sort_by_key(|(value, it)| (*value, it.call, it.argument, it.look));
        let mut ready = ready.to_vec();
        let mut statements = TokenStream::new();
        for uses in all.chunk_by(|(one, _), (other, _)| one == other) {
            let value = uses[0].0;
            let wants = |calls: &&Vec<usize>| uses.iter().any(|(_, it)| calls.contains(&it.call));
            if groups.iter().filter(wants).count() > 1 || later.contains(&value) {
                let uses: Vec<_> = uses.iter().map(|(_, it)| *it).collect();
                ready.extend(&uses);
                statements.extend(self.hand_out(value, uses, later));
            }
        }
        (statements, ready)
    }

    /// Gives a value to all that want it now.
    fn hand_out(&mut self, value: usize, uses: Vec<Use>, later: &[usize]) -> TokenStream {
        let private = self.crate_path.private();
        let again = later.contains(&value);
        let (variable, ty) = (variable(value), value_type(value));
        let modes: Vec<_> = uses.iter().map(|it| self.mode(*it)).collect();
        let arguments: Vec<_> = uses.iter().map(|it| argument(*it)).collect();
        let statement = match (modes.split_last(), arguments.split_last()) {
            (Some((last, modes)), Some((last_argument, arguments))) if !again => {
                let (list, pattern) = (nested(modes), nested(arguments));
                let Some((last_use, others)) = uses.split_last() else { return TokenStream::new() };
                self.asks(others, "SharedInput", &ty);
                if others.is_empty() {
                    self.asks(&[*last_use], "Input", &ty);
                } else {
                    self.asks(&[*last_use], "PassMode", &ty);
                    self.clauses
                        .push(quote!(<#list as #private::Consumers<#ty>>::JointMode: #private::JointMode<#ty, #last>));
                }
                quote!(let (#pattern, #last_argument) = #variable.give::<#list, #last>();)
            }
            _ => {
                let (list, pattern) = (nested(&modes), nested(&arguments));
                self.asks(&uses, "SharedInput", &ty);
                quote!(let #pattern = #variable.share::<#list>();)
            }
        };
        self.meetings.push(Meeting { value, uses, again });
        statement
    }

    /// Asks of a value that it can be had in these ways.
    pub(super) fn asks(&mut self, uses: &[Use], what: &str, ty: &Ident) {
        let private = self.crate_path.private();
        let what = Ident::new(what, Span::mixed_site());
        for it in uses {
            let mode = self.mode(*it);
            self.clauses.push(match it.look {
                // Known to be lent.
                Some(_) => quote!(#ty: #private::Sync),
                None => quote!(#mode: #private::#what<#ty>),
            });
        }
    }

    /// One call.
    ///
    /// What it has of its values is bound anew behind the places of all values, so that it is let go before any of them.
    pub(super) fn call(&mut self, index: usize, later: &[usize], ready: &Ready) -> TokenStream {
        let private = self.crate_path.private();
        let call = &self.net.calls[index];
        let direct = (0..call.arguments.len()).map(|argument| Use { call: index, argument, look: None });
        let direct: Vec<_> = direct.collect();
        let mut statements = self.anew(direct.iter().filter(|it| ready.contains(it)));
        let mut uses: Vec<_> = call.uses(index).into_iter().filter(|(_, it)| !ready.contains(it)).collect();
        uses.sort_by_key(|(value, _)| *value);
        for uses in uses.chunk_by(|(one, _), (other, _)| one == other) {
            let value = uses[0].0;
            statements.extend(self.hand_out(value, uses.iter().map(|(_, it)| *it).collect(), later));
        }
        let (made, given) = self.expressions_of(index);
        if !made.is_empty() {
            let values = call.arguments.iter().zip(&direct);
            let values = values.filter(|(what, _)| matches!(what, Argument::Value(_))).map(|(_, it)| it);
            let values = self.anew(values);
            statements.extend(quote!(#made #values #given));
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
    fn anew<'u>(&self, uses: impl Iterator<Item = &'u Use>) -> TokenStream {
        let private = self.crate_path.private();
        let arguments = uses.map(|it| {
            let (argument, mode) = (argument(*it), self.mode(*it));
            let Argument::Value(value) = &self.net.calls[it.call].arguments[it.argument] else {
                return TokenStream::new();
            };
            let ty = value_type(*value);
            quote!(let #argument = <#mode as #private::PassMode<#ty>>::shorten(#argument);)
        });
        arguments.collect()
    }

    /// Statements that evaluate the expressions among the arguments of a call, and that give it what they made.
    fn expressions_of(&mut self, index: usize) -> (TokenStream, TokenStream) {
        let private = self.crate_path.private();
        let (mut made, mut given) = (TokenStream::new(), TokenStream::new());
        for (position, what) in self.net.calls[index].arguments.iter().enumerate() {
            let Argument::Expression(number, looks) = what else { continue };
            let it = Use { call: index, argument: position, look: None };
            let looks = (0..looks.len()).map(|look| argument(Use { look: Some(look), ..it }));
            let (place, function) = (hygienic("made", *number), expression_field(*number));
            let (argument, mode) = (argument(it), self.mode(it));
            made.extend(quote! {
                let mut #place = #private::ValueCell::new(
                    #private::guard_user_code(self.place, cx, || (self.#function)(#(#looks),*))
                );
            });
            given.extend(quote!(let ((), #argument) = #place.give::<(), #mode>();));
            self.asks(&[it], "Input", &expression_type(*number));
        }
        (made, given)
    }

    /// Futures side by side; what they give is there behind them.
    pub(super) fn side_by_side(&self, blocks: Vec<(TokenStream, Vec<usize>)>) -> TokenStream {
        let private = self.crate_path.private();
        let blocks = blocks.into_iter().map(|(statements, given)| {
            let given: Vec<_> = given.into_iter().map(variable).collect();
            let future = quote! {
                async move {
                    #statements
                    #private::Result::<_, #private::StageError>::Ok((#(#given,)*))
                }
            };
            (future, quote!((#(mut #given,)*)))
        });
        let joined = blocks.rev().reduce(|(rest, rest_pattern), (future, pattern)| {
            (quote!(#private::try_join2(#future, #rest)), quote!((#pattern, #rest_pattern)))
        });
        let Some((future, pattern)) = joined else { return TokenStream::new() };
        quote!(let #pattern = #future.await?;)
    }
}
