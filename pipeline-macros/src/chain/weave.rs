//! Calls with needs → a stage of its own: a struct that holds what is called, and the calls in one async block.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote};

use super::schedule::Schedule;
use crate::paths::Runtime;

/// Calls, and the values between them. A value is a number: those of the input come first.
pub(crate) struct Net {
    pub(crate) input: Shape,
    pub(crate) calls: Vec<Call>,
    pub(crate) output: Output,
}

/// What a value is bound to.
#[derive(Clone)]
pub(crate) enum Shape {
    Value(usize),
    /// A value that is let go.
    Nothing(usize),
    Tuple(Vec<Shape>),
}

pub(crate) struct Call {
    pub(crate) arguments: Vec<Argument>,
    pub(crate) output: Shape,
}

pub(crate) enum Argument {
    Value(usize),
    /// An expression, by its number, and the values that it looks at.
    Expression(usize, Vec<usize>),
}

pub(crate) enum Output {
    Value(usize),
    Tuple(Vec<usize>),
    /// The last expression, of these values.
    Expression(Vec<usize>),
}

/// A place where a value is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Use {
    pub(crate) call: usize,
    pub(crate) argument: usize,
    /// Which of the values that an expression looks at.
    pub(crate) look: Option<usize>,
}

/// Who wants a value at the same time.
pub(crate) struct Meeting {
    pub(crate) value: usize,
    pub(crate) uses: Vec<Use>,
    /// Whether it is wanted again later.
    pub(crate) again: bool,
}

impl Shape {
    pub(crate) fn values(&self) -> Vec<usize> {
        match self {
            Self::Value(value) => vec![*value],
            Self::Nothing(_) => Vec::new(),
            Self::Tuple(parts) => parts.iter().flat_map(Self::values).collect(),
        }
    }
}

impl Call {
    /// The values that it wants, and where.
    fn uses(&self, call: usize) -> Vec<(usize, Use)> {
        let arguments = self.arguments.iter().enumerate();
        let uses = arguments.flat_map(|(argument, what)| match what {
            Argument::Value(value) => vec![(*value, Use { call, argument, look: None })],
            Argument::Expression(_, looks) => {
                let uses = looks.iter().enumerate();
                uses.map(|(look, value)| (*value, Use { call, argument, look: Some(look) })).collect()
            }
        });
        uses.collect()
    }
}

impl Output {
    pub(crate) fn values(&self) -> Vec<usize> {
        match self {
            Self::Value(value) => vec![*value],
            Self::Tuple(values) | Self::Expression(values) => values.clone(),
        }
    }
}

impl Net {
    /// For each value the call that gives it; none gives the input's.
    pub(crate) fn source(&self, value: usize) -> Option<usize> {
        self.calls.iter().position(|call| call.output.values().contains(&value))
    }

    /// For each call those that it waits for.
    pub(crate) fn needs(&self) -> Vec<Vec<usize>> {
        let calls = self.calls.iter().enumerate();
        let needs = calls.map(|(index, call)| {
            let values = call.uses(index).into_iter().map(|(value, _)| value);
            values.filter_map(|value| self.source(value)).collect()
        });
        needs.collect()
    }
}

/// What is written out, and what the values have to be for it.
pub(crate) struct Woven {
    /// The struct and its impls.
    pub(crate) items: TokenStream,
    pub(crate) meetings: Vec<Meeting>,
}

/// The name of the struct. Its fields: `calls`, `expressions`, `last`, `heads`, `end` and `place`.
pub(crate) fn structure() -> Ident {
    Ident::new("__Graph", Span::mixed_site())
}

pub(crate) fn weave(net: &Net, runtime: &Runtime) -> Woven {
    let mut weaver = Weaver { net, runtime, clauses: Vec::new(), meetings: Vec::new() };
    let body = if net.calls.is_empty() {
        TokenStream::new()
    } else {
        weaver.part(&Schedule::new(&net.needs()), &net.output.values(), &[])
    };
    let items = weaver.items(&body);
    Woven { items, meetings: weaver.meetings }
}

struct Weaver<'a> {
    net: &'a Net,
    runtime: &'a Runtime,
    /// What the calls ask of the values.
    clauses: Vec<TokenStream>,
    meetings: Vec<Meeting>,
}

/// Of the struct and its impls.
struct Parts {
    fields: Vec<Ident>,
    /// The types of the fields.
    types: Vec<Ident>,
    /// The types of the values between them.
    values: Vec<Ident>,
    input: TokenStream,
    output: TokenStream,
}

/// What was made ready for a use before the calls began.
type Ready = [Use];

impl Weaver<'_> {
    /// Statements that run these calls. Behind them the values of `later` are there.
    fn part(&mut self, schedule: &Schedule, later: &[usize], ready: &Ready) -> TokenStream {
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
    fn wanted(&self, calls: &[usize]) -> Vec<(usize, Use)> {
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
    fn meet(&mut self, groups: &[Vec<usize>], later: &[usize], ready: &Ready) -> (TokenStream, Vec<Use>) {
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
        let private = self.runtime.private();
        let again = later.contains(&value);
        let (variable, ty) = (variable(value), value_type(value));
        let modes: Vec<_> = uses.iter().map(|it| self.mode(*it)).collect();
        let arguments: Vec<_> = uses.iter().map(|it| argument(*it)).collect();
        let statement = match (modes.split_last(), arguments.split_last()) {
            (Some((last, modes)), Some((last_argument, arguments))) if !again => {
                let (list, pattern) = (nested(modes), nested(arguments));
                let Some((last_use, others)) = uses.split_last() else { return TokenStream::new() };
                self.asks(others, "Share", &ty);
                if others.is_empty() {
                    self.asks(&[*last_use], "Have", &ty);
                } else {
                    self.asks(&[*last_use], "Mode", &ty);
                    self.clauses
                        .push(quote!(<#list as #private::Uses<#ty>>::Company: #private::Company<#ty, #last>));
                }
                quote!(let (#pattern, #last_argument) = #variable.give::<#list, #last>();)
            }
            _ => {
                let (list, pattern) = (nested(&modes), nested(&arguments));
                self.asks(&uses, "Share", &ty);
                quote!(let #pattern = #variable.share::<#list>();)
            }
        };
        self.meetings.push(Meeting { value, uses, again });
        statement
    }

    /// Asks of a value that it can be had in these ways.
    fn asks(&mut self, uses: &[Use], what: &str, ty: &Ident) {
        let private = self.runtime.private();
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
    fn call(&mut self, index: usize, later: &[usize], ready: &Ready) -> TokenStream {
        let private = self.runtime.private();
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
        let private = self.runtime.private();
        let arguments = uses.map(|it| {
            let (argument, mode) = (argument(*it), self.mode(*it));
            let Argument::Value(value) = &self.net.calls[it.call].arguments[it.argument] else {
                return TokenStream::new();
            };
            let ty = value_type(*value);
            quote!(let #argument = <#mode as #private::Mode<#ty>>::shorten(#argument);)
        });
        arguments.collect()
    }

    /// Statements that evaluate the expressions among the arguments of a call, and that give it what they made.
    fn expressions_of(&mut self, index: usize) -> (TokenStream, TokenStream) {
        let private = self.runtime.private();
        let (mut made, mut given) = (TokenStream::new(), TokenStream::new());
        for (position, what) in self.net.calls[index].arguments.iter().enumerate() {
            let Argument::Expression(number, looks) = what else { continue };
            let it = Use { call: index, argument: position, look: None };
            let looks = (0..looks.len()).map(|look| argument(Use { look: Some(look), ..it }));
            let (place, function) = (hidden("made", *number), expression_field(*number));
            let (argument, mode) = (argument(it), self.mode(it));
            made.extend(quote! {
                let mut #place = #private::Value::new(
                    #private::evaluated(self.place, cx, || (self.#function)(#(#looks),*))
                );
            });
            given.extend(quote!(let ((), #argument) = #place.give::<(), #mode>();));
            self.asks(&[it], "Have", &expression_type(*number));
        }
        (made, given)
    }

    /// Futures side by side; what they give is there behind them.
    fn side_by_side(&self, blocks: Vec<(TokenStream, Vec<usize>)>) -> TokenStream {
        let (root, private) = (self.runtime.root(), self.runtime.private());
        let blocks = blocks.into_iter().map(|(statements, given)| {
            let given: Vec<_> = given.into_iter().map(variable).collect();
            let future = quote! {
                async move {
                    #statements
                    #private::Result::<_, #root::StageError>::Ok((#(#given,)*))
                }
            };
            (future, quote!((#(mut #given,)*)))
        });
        let joined = blocks.rev().reduce(|(rest, rest_pattern), (future, pattern)| {
            (quote!(#private::both(#future, #rest)), quote!((#pattern, #rest_pattern)))
        });
        let Some((future, pattern)) = joined else { return TokenStream::new() };
        quote!(let #pattern = #future.await?;)
    }

    /// Calls that begin each when the last value that it waits for is there, whichever that is.
    fn tangle(&mut self, calls: &[usize], later: &[usize], ready: &Ready) -> TokenStream {
        let private = self.runtime.private();
        let groups: Vec<_> = calls.iter().map(|&call| vec![call]).collect();
        let (meet, ready) = self.meet(&groups, later, ready);
        let wires: Vec<_> = calls.iter().flat_map(|&call| self.wires(call, calls, later)).collect();
        let laid = wires.iter().map(|&(value, owned)| {
            let (wire, place) = (wire(value), wire_place(value));
            let kind = if owned { quote!(Handover) } else { quote!(Wire) };
            quote! {
                let #place = #private::#kind::default();
                let #wire = &#place;
            }
        });
        let laid: TokenStream = laid.collect();
        let blocks = calls.iter().map(|&call| {
            let (waits, ready) = self.waits(call, &wires, &ready);
            let run = self.call(call, later, &ready);
            let (wired, given): (Vec<_>, Vec<_>) = self.net.calls[call]
                .output
                .values()
                .into_iter()
                .partition(|value| wires.iter().any(|(wired, _)| wired == value));
            let puts = wired.into_iter().map(|value| {
                let (wire, variable) = (wire(value), variable(value));
                quote!(#wire.put(#variable.take());)
            });
            (quote!(#waits #run #(#puts)*), given.into_iter().filter(|value| later.contains(value)).collect())
        });
        let blocks = blocks.collect();
        let run = self.side_by_side(blocks);
        let taken = wires.iter().filter(|(value, _)| later.contains(value)).map(|&(value, _)| {
            let (variable, place) = (variable(value), wire_place(value));
            quote!(let mut #variable = #place.into_value();)
        });
        quote!(#meet #laid #run #(#taken)*)
    }

    /// The values of a call that others of the tangle wait for, and whether the one that does may have it for its own.
    fn wires(&self, call: usize, tangle: &[usize], later: &[usize]) -> Vec<(usize, bool)> {
        let uses: Vec<_> = tangle.iter().flat_map(|&call| self.net.calls[call].uses(call)).collect();
        let values = self.net.calls[call].output.values().into_iter();
        let counted = values.map(|value| (value, uses.iter().filter(|(it, _)| *it == value).count()));
        let wired = counted.filter(|(_, uses)| *uses > 0);
        wired.map(|(value, uses)| (value, uses == 1 && !later.contains(&value))).collect()
    }

    /// Statements that wait for what a call wants of the others, and the uses that are ready then.
    fn waits(&mut self, call: usize, wires: &[(usize, bool)], ready: &Ready) -> (TokenStream, Vec<Use>) {
        let private = self.runtime.private();
        let mut ready = ready.to_vec();
        let mut waits = TokenStream::new();
        let all = self.net.calls[call].uses(call);
        for &(value, owned) in wires {
            let uses: Vec<_> = all.iter().filter(|(it, _)| *it == value).map(|(_, it)| *it).collect();
            let (wire, variable, ty) = (wire(value), variable(value), value_type(value));
            if uses.is_empty() {
                continue;
            }
            if owned {
                waits.extend(quote!(let mut #variable = #private::Value::new(#wire.wait().await);));
                continue;
            }
            let list = nested(&uses.iter().map(|it| self.mode(*it)).collect::<Vec<_>>());
            let pattern = nested(&uses.iter().map(|it| argument(*it)).collect::<Vec<_>>());
            self.asks(&uses, "Share", &ty);
            self.clauses.push(quote!(#ty: #private::Sync));
            waits.extend(quote!(let #pattern = #private::share::<#ty, #list>(#wire.wait().await);));
            ready.extend(&uses);
            self.meetings.push(Meeting { value, uses, again: true });
        }
        (waits, ready)
    }

    /// The struct, what it accepts, and how it is called.
    fn items(&self, body: &TokenStream) -> TokenStream {
        let (root, private) = (self.runtime.root(), self.runtime.private());
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
                heads: [#private::Slot; #heads],
                end: #private::Slot,
                place: #private::Named,
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
                    cx: &#root::Scope<'_, __State>,
                ) -> impl #private::Future<Output = #private::Result<#output, #root::StageError>> + #private::Send {
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
        shapes.iter().for_each(|shape| shape_types(shape, &mut values));
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
        let private = self.runtime.private();
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
            types.extend(quote!(#ty: #private::Takes<#values, Out = #output>,));
            calls.extend(
                quote!(#ty: #private::Callable<#values, __State> + #private::Takes<#values, Modes = (#(#modes,)*)>,),
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
        let private = self.runtime.private();
        let taken = self.net.output.values().into_iter().map(|value| {
            let variable = variable(value);
            quote!(#variable.take())
        });
        match &self.net.output {
            Output::Value(_) => quote!(#(#taken)*),
            Output::Tuple(_) => quote!((#(#taken,)*)),
            Output::Expression(_) => {
                quote!(#private::evaluated(self.place, cx, || (self.last)(#(#taken),*)))
            }
        }
    }

    /// The pattern that takes an output apart, and statements that put its values in their places.
    fn bind(&self, shape: &Shape) -> (TokenStream, TokenStream) {
        let private = self.runtime.private();
        let places = shape.values().into_iter().map(|value| {
            let variable = variable(value);
            quote!(let mut #variable = #private::Value::new(#variable);)
        });
        (pattern(shape), places.collect())
    }

    fn mode(&self, it: Use) -> TokenStream {
        let private = self.runtime.private();
        match it.look {
            Some(_) => quote!(#private::Lent),
            None => {
                let mode = mode_type(it);
                quote!(#mode)
            }
        }
    }
}

/// `[a, b]` as `(a, (b, ()))`.
fn nested<T: ToTokens>(parts: &[T]) -> TokenStream {
    parts.iter().rev().fold(quote!(()), |rest, part| quote!((#part, #rest)))
}

fn pattern(shape: &Shape) -> TokenStream {
    match shape {
        Shape::Value(value) => variable(*value).into_token_stream(),
        Shape::Nothing(_) => quote!(_),
        Shape::Tuple(parts) => {
            let parts = parts.iter().map(pattern);
            quote!((#(#parts,)*))
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

fn hidden(what: &str, number: usize) -> Ident {
    Ident::new(&format!("__{what}{number}"), Span::mixed_site())
}

fn variable(value: usize) -> Ident {
    hidden("value", value)
}

fn value_type(value: usize) -> Ident {
    hidden("Value", value)
}

fn wire(value: usize) -> Ident {
    hidden("wire", value)
}

fn wire_place(value: usize) -> Ident {
    hidden("wire_place", value)
}

pub(crate) fn call_field(call: usize) -> Ident {
    hidden("call", call)
}

fn call_type(call: usize) -> Ident {
    hidden("Call", call)
}

pub(crate) fn expression_field(number: usize) -> Ident {
    hidden("expression", number)
}

fn expression_function(number: usize) -> Ident {
    hidden("Expression", number)
}

fn expression_type(number: usize) -> Ident {
    hidden("Made", number)
}

fn argument(Use { call, argument, look }: Use) -> Ident {
    match look {
        None => Ident::new(&format!("__argument{call}_{argument}"), Span::mixed_site()),
        Some(look) => Ident::new(&format!("__look{call}_{argument}_{look}"), Span::mixed_site()),
    }
}

fn mode_type(Use { call, argument, .. }: Use) -> Ident {
    Ident::new(&format!("__Mode{call}_{argument}"), Span::mixed_site())
}
