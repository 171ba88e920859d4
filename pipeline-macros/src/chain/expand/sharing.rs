//! Checks on the values that several calls use.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};

use super::common::{check_at, fork_value, mode_variable};
use crate::chain::dataflow::{SharedUse, Use};
use crate::codegen::hygienic;
use crate::crate_path::CratePath;

/// Checks that the uses of a value can share it. If they cannot, the type of the fork is unknown.
pub(super) fn sharing_checks(
    shared_uses: &[SharedUse],
    edges: &[(usize, Ident)],
    span: &dyn Fn(Use) -> Span,
    crate_path: &CratePath,
) -> TokenStream {
    let (private, fork) = (crate_path.private(), fork_value());
    let edge = |value: usize| edges.iter().find(|(edge_of, _)| *edge_of == value).map(|(_, edge)| edge);
    let mode_of = |used: Use| match used.capture {
        Some(_) => quote!(#private::borrow()),
        None => mode_variable(used).into_token_stream(),
    };
    let (copied, copied_arg) = (hygienic("copied", 0), hygienic("copied", 1));
    let mut checks = TokenStream::new();
    for SharedUse { value, uses, used_later } in shared_uses {
        let Some(edge) = edge(*value) else { continue };
        let mut check_share = |used: &Use| {
            if used.capture.is_none() {
                let mode_variable = mode_variable(*used);
                let share = quote!(#private::CloneToShare::<_>::__share);
                let check = check_at(span(*used), &share, &[&copied, &copied_arg, edge, &fork]);
                checks.extend(quote! {
                    let #copied = #edge.copied(#mode_variable);
                    let #copied_arg = #private::single_arg(#copied);
                    let (#fork, #edge) = #check;
                });
            }
        };
        let Some((last, others)) = uses.split_last() else { continue };
        others.iter().for_each(&mut check_share);
        if *used_later {
            check_share(last);
        } else if last.capture.is_none() && !others.is_empty() {
            let mode_variable = mode_variable(*last);
            let others = others.iter().rev().fold(quote!(()), |rest, used| {
                let mode = mode_of(*used);
                quote!((#mode, #rest))
            });
            let check = check_at(
                span(*last),
                &quote!(#private::CloneWhileBorrowed::<_>::__take),
                &[&copied, &copied_arg, &fork],
            );
            checks.extend(quote! {
                let #copied = #edge.borrowed(#others).copied(#mode_variable);
                let #copied_arg = #private::single_arg(#copied);
                let #fork = #check;
            });
        }
    }
    checks
}
