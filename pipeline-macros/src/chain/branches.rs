//! Forks → the expressions that build them, and a check on each edge.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

use super::expand::{call_at, hygienic, nest, plan, step};
use super::model::Step;
use super::weave::{self, Argument, Call, Meeting, Net, Output, Shape, Use};
use crate::paths::CratePath;

/// A row of steps that is checked, behind a port.
pub(super) struct Row {
    /// Binds the stages.
    pub(super) statements: TokenStream,
    pub(super) stages: Vec<TokenStream>,
    pub(super) end: Ident,
}

pub(super) fn row(steps: &[Step], port: &TokenStream, crate_path: &CratePath) -> Row {
    let first = hygienic("port", 0);
    let mut statements = quote!(let #first = #port;);
    let mut stages = Vec::new();
    let mut end = first;
    for (index, step) in steps.iter().enumerate() {
        let (stage, next) = (hygienic("stage", index), hygienic("port", index + 1));
        statements.extend(self::step(step, &stage, &end, &next, crate_path));
        stages.push(stage.into_token_stream());
        end = next;
    }
    Row { statements, stages, end }
}

/// A branch whose input others take, too: binds `branch` and the port behind it.
fn branch(steps: &[Step], branch: &Ident, end: &Ident, port: &Ident, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let Row { statements, mut stages, end: last } = row(steps, &port.to_token_stream(), crate_path);
    let mut first = stages.remove(0);
    // Only stage functions can borrow what they take.
    if !matches!(steps.first(), Some(Step::Stage { .. })) {
        first = quote!(#private::ByValue(#first));
    }
    if !stages.is_empty() {
        let rest = nest(stages, crate_path);
        first = quote!(#private::branch(#first, #rest));
    }
    quote! {
        let (#branch, #end) = {
            #statements
            (#first, #last)
        };
    }
}

/// Opens a branch in the plan.
pub(crate) fn head(index: usize, name: &str, needs: &[usize]) -> TokenStream {
    let (head, plan) = (hygienic("head", index), plan());
    let needs = needs.iter().map(|need| Literal::usize_unsuffixed(*need));
    quote!(let #head = #plan.branch(#name, &[#(#needs),*]);)
}

pub(crate) fn heads(count: usize) -> TokenStream {
    let heads = (0..count).map(|index| hygienic("head", index));
    quote!([#(#heads),*])
}

/// What the branches of a fork have in common: from the head of each to the end of all.
struct Branches {
    statements: TokenStream,
    names: Vec<Ident>,
    ends: Vec<Ident>,
    heads: TokenStream,
}

fn branches(kind: &str, rows: &[Vec<Step>], port: &Ident, crate_path: &CratePath) -> Branches {
    let (private, plan) = (crate_path.private(), plan());
    let kind = Ident::new(kind, Span::mixed_site());
    let mut statements = quote!(let _ = #plan.open(#private::ForkKind::#kind););
    let names: Vec<_> = (0..rows.len()).map(|index| hygienic("branch", index)).collect();
    let ends: Vec<_> = (0..rows.len()).map(|index| hygienic("end", index)).collect();
    for (index, steps) in rows.iter().enumerate() {
        statements.extend(head(index, "", &[]));
        statements.extend(branch(steps, &names[index], &ends[index], port, crate_path));
    }
    let end = end();
    statements.extend(quote!(let #end = #plan.close(&[]);));
    Branches { statements, names, ends, heads: heads(rows.len()) }
}

/// The mark where a fork ends.
pub(crate) fn end() -> Ident {
    Ident::new("__end", Span::mixed_site())
}

/// What a fork's own code goes by.
pub(crate) fn place() -> Ident {
    Ident::new("__place", Span::mixed_site())
}

/// A fork, until it is checked.
pub(crate) fn made() -> Ident {
    Ident::new("__made", Span::mixed_site())
}

pub(crate) fn entry() -> Ident {
    Ident::new("__in", Span::mixed_site())
}

/// `(a, b)`
pub(crate) fn all(rows: &[Vec<Step>], port: &Ident, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let (entry, end, made) = (entry(), end(), made());
    let Branches { statements, names, heads, .. } = branches("All", rows, &entry, crate_path);
    let calls = (0..rows.len())
        .map(|index| Call { arguments: vec![Argument::Value(0)], output: Shape::Value(index + 1) });
    let net = Net {
        input: Shape::Value(0),
        calls: calls.collect(),
        output: Output::Tuple((1..=rows.len()).collect()),
    };
    let woven = weave::weave(&net, crate_path);
    let checks = sharing(&woven.meetings, &[(0, entry.clone())], &|it| rows[it.call][0].span(), crate_path);
    let modes = names.iter().enumerate().map(|(index, name)| {
        let mode = mode(Use { call: index, argument: 0, look: None });
        quote!(let (#mode,) = #private::modes(&#name, #private::single_arg(#entry));)
    });
    let items = &woven.items;
    let graph = weave::structure();
    let fields = (0..rows.len()).map(weave::call_field);
    quote! {{
        let #entry = #port;
        #statements
        #(#modes)*
        let #made = {
            // No code of the user's sees these.
            #items
            #graph {
                #(#fields: #names,)*
                heads: #heads,
                end: #end,
                place: #private::code_site("", #end),
            }
        };
        #checks
        #private::finish_fork(#port, #made)
    }}
}

/// `(a | b)`
pub(crate) fn first(rows: &[Vec<Step>], port: &Ident, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let (entry, end, made) = (entry(), end(), made());
    let Branches { statements, names, ends, heads } = branches("First", rows, &entry, crate_path);
    let use_of = |call| Use { call, argument: 0, look: None };
    let modes = names.iter().enumerate().map(|(index, name)| {
        let mode = mode(use_of(index));
        quote!(let (#mode,) = #private::modes(&#name, #private::single_arg(#entry));)
    });
    let alternatives = (0..rows.len() - 1)
        .map(|call| Meeting { value: 0, uses: vec![use_of(call)], again: true })
        .collect::<Vec<_>>();
    let sharing = sharing(&alternatives, &[(0, entry.clone())], &|it| rows[it.call][0].span(), crate_path);
    let agreement = ends_as_first(rows, &ends, crate_path);
    quote! {{
        let #entry = #port;
        #statements
        #(#modes)*
        let #made = #private::first((#(#names,)*), #heads, #end);
        #agreement
        #sharing
        #private::finish_fork(#port, #made)
    }}
}

/// All ends have the type of the first.
pub(super) fn ends_as_first<S: AsRef<[Step]>>(
    rows: &[S],
    ends: &[Ident],
    crate_path: &CratePath,
) -> TokenStream {
    let (private, made) = (crate_path.private(), made());
    let Some((first, others)) = ends.split_first() else { return TokenStream::new() };
    let checks = others.iter().zip(&rows[1..]).map(|(end, steps)| {
        let at = steps.as_ref().last().map_or_else(Span::call_site, Step::span);
        let check = check(at, &quote!(#private::EndsAs::<_>::__ends_as), &[first, end, &made]);
        quote!(let (#made, #first) = #check;)
    });
    checks.collect()
}

/// The variable that says how a call has a value.
pub(crate) fn mode(Use { call, argument, .. }: Use) -> Ident {
    Ident::new(&format!("__mode{call}_{argument}"), Span::mixed_site())
}

/// Whether those who want a value together can have it. Where they cannot, the fork that was made is not known.
pub(crate) fn sharing(
    meetings: &[Meeting],
    ports: &[(usize, Ident)],
    span: &dyn Fn(Use) -> Span,
    crate_path: &CratePath,
) -> TokenStream {
    let (private, made) = (crate_path.private(), made());
    let port = |value: usize| ports.iter().find(|(it, _)| *it == value).map(|(_, port)| port);
    let witness = |it: Use| match it.look {
        Some(_) => quote!(#private::borrow()),
        None => mode(it).into_token_stream(),
    };
    let (copied, alone) = (hygienic("copied", 0), hygienic("copied", 1));
    let mut checks = TokenStream::new();
    for Meeting { value, uses, again } in meetings {
        let Some(port) = port(*value) else { continue };
        let mut share = |it: &Use| {
            if it.look.is_none() {
                let mode = mode(*it);
                let shared = quote!(#private::CloneToShare::<_>::__share);
                let check = check(span(*it), &shared, &[&copied, &alone, port, &made]);
                checks.extend(quote! {
                    let #copied = #port.copied(#mode);
                    let #alone = #private::single_arg(#copied);
                    let (#made, #port) = #check;
                });
            }
        };
        let Some((last, others)) = uses.split_last() else { continue };
        others.iter().for_each(&mut share);
        if *again {
            share(last);
        } else if last.look.is_none() && !others.is_empty() {
            let mode = mode(*last);
            let others = others.iter().rev().fold(quote!(()), |rest, it| {
                let witness = witness(*it);
                quote!((#witness, #rest))
            });
            let check = check(
                span(*last),
                &quote!(#private::CloneWhileBorrowed::<_>::__take),
                &[&copied, &alone, &made],
            );
            checks.extend(quote! {
                let #copied = #port.borrowed(#others).copied(#mode);
                let #alone = #private::single_arg(#copied);
                let #made = #check;
            });
        }
    }
    checks
}

/// A check of what these variables stand for, all of whose tokens stand at one place: there rustc reports what fails, and once.
pub(crate) fn check(at: Span, function: &TokenStream, variables: &[&Ident]) -> TokenStream {
    // The user's own tokens as far as rustc can see.
    let here: Vec<_> = (0..variables.len()).map(|index| Ident::new(&format!("value{index}"), at)).collect();
    let call = call_at(at, function, &quote_spanned!(at=> #(#here),*));
    quote! {{
        #(let #here = #variables;)*
        #call
    }}
}
