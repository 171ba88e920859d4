//! What was understood of a chain with a mistake, for the editor in which it is being written.
//!
//! An editor expands what is typed. There the steps before the mistake keep their types and paths, and after `fetch.` it knows
//! the policies. rustc sees the mistake alone.

use proc_macro2::TokenStream;
use quote::quote;

use super::expand;
use super::model::{Callee, Pipeline, StageUse, Step};
use crate::compiler;
use crate::crate_path::CratePath;

/// The steps before the mistake, as a statement, unless rustc expands it.
pub(super) fn understood(pipeline: &Pipeline) -> TokenStream {
    if pipeline.steps.is_empty() || compiler::arguments().is_some() {
        return TokenStream::new();
    }
    let private = pipeline.crate_path.as_ref().map(CratePath::new).unwrap_or_default().private();
    let mut stages = Vec::new();
    push_stages(&pipeline.steps, &mut stages);
    let overrides = stages.iter().map(|stage| &stage.written).filter(|written| !written.is_empty());
    let value = expand::pipeline(pipeline);
    quote! {
        let _ = || {
            #(let _ = #private::Overrides #overrides;)*
            #value
        };
    }
}

fn push_stages<'a>(steps: &'a [Step], stages: &mut Vec<&'a StageUse>) {
    for step in steps {
        match step {
            Step::Stage(stage) => stages.push(stage),
            Step::All(branches) | Step::First(branches) => {
                for steps in branches {
                    push_stages(steps, stages);
                }
            }
            Step::Route { arms, .. } => {
                for arm in arms {
                    push_stages(&arm.steps, stages);
                }
            }
            Step::Graph(graph) => stages.extend(graph.calls.iter().filter_map(|call| match &call.callee {
                Callee::Stage(stage) => Some(stage),
                Callee::Value(_) => None,
            })),
            Step::Closure(_) | Step::Inspect(_) | Step::Value(_) | Step::Boundary(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::{Group, TokenTree};

    use super::*;
    use crate::chain;

    /// All inputs that end before a token of this one, with its groups closed.
    fn truncated(tokens: &TokenStream) -> Vec<TokenStream> {
        let tokens: Vec<_> = tokens.clone().into_iter().collect();
        let mut inputs = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            let before: Vec<_> = tokens[..index].to_vec();
            inputs.push(before.iter().cloned().collect());
            if let TokenTree::Group(group) = token {
                let within = truncated(&group.stream()).into_iter().map(|inside| {
                    let group = TokenTree::Group(Group::new(group.delimiter(), inside));
                    before.iter().cloned().chain([group]).collect::<TokenStream>()
                });
                inputs.extend(within);
            }
        }
        inputs
    }

    fn understood_in(input: &str) -> String {
        let tokens = input.parse().expect("the input is made of tokens");
        let expanded = chain::expand(tokens);
        syn::parse2::<syn::Expr>(expanded.clone()).unwrap_or_else(|error| panic!("{input}: {error}"));
        expanded.to_string()
    }

    #[test]
    fn the_steps_before_a_mistake_are_kept() {
        for (input, kept) in [
            ("fetch =>", &["use fetch"][..]),
            ("fetch => parse.ret", &["use fetch", "use parse", ":: Overrides . ret ;"]),
            ("fetch => parse.retries(3).ret", &["use parse", ":: Overrides . retries (3) . ret ;"]),
            ("fetch.retrys(3) => parse", &["use fetch", "use parse", ":: Overrides . retrys (3) ;"]),
            ("fetch => parse.", &["use fetch", "use parse"]),
            ("fetch => (parse,", &["use fetch", "use parse"]),
            ("fetch => (parse, check.ti)", &["use fetch", "use parse", "use check", ":: Overrides . ti ;"]),
            ("fetch => (parse => | mirror)", &["use fetch", "use parse"]),
            (
                "fetch => match { A => a => one, B => b => two.ti }",
                &["use one", "use two", ":: Overrides . ti ;"],
            ),
            ("fetch => |x| x.", &["use fetch"]),
            ("fetch => each => batch(", &["use fetch", "each ()"]),
            ("|x: u32| { let y = fetch(x); for z in y {} y }", &["fetch (x)"]),
        ] {
            // An open parenthesis is closed by the editor.
            let open = input.matches('(').count() - input.matches(')').count();
            let found = understood_in(&format!("{input}{}", ")".repeat(open)));
            for part in kept {
                assert!(found.contains(part), "{input}: no {part} in {found}");
            }
        }
    }

    #[test]
    fn every_truncated_input_keeps_the_stages_before_its_end() {
        let whole = "Url: fetch.retries(5).timeout(\"1s\") => (parse => check, size | other) => |x| x + 1 \
            => match { Some(x) if x > 1 => x => store => wake, _ => () => idle } => each => batch(3, \"1s\") => { sub }";
        let tokens: TokenStream = whole.parse().expect("the input is made of tokens");
        let inputs = truncated(&tokens);
        assert!(inputs.len() > 60, "{}", inputs.len());
        for input in inputs {
            let text = input.to_string();
            let expanded = chain::expand(input).to_string();
            for name in ["fetch", "parse"] {
                // A stage is understood once something stands behind it.
                let is_there = text.split_once(name).is_some_and(|(_, rest)| !rest.trim().is_empty());
                assert!(
                    !is_there || expanded.contains(&format!("use {name} as")),
                    "{text}: no {name} in {expanded}"
                );
            }
        }
    }

    #[test]
    fn an_editor_offers_the_policies_that_can_be_overridden() {
        let source = include_str!("../../../pipeline/src/policy/editor.rs");
        let methods =
            source.lines().filter_map(|line| line.trim().strip_prefix("pub fn ")?.split('(').next());
        let offered: Vec<_> = methods.collect();
        let overridable: Vec<_> = crate::policy::overridable().collect();
        assert_eq!(offered, overridable);
    }
}
