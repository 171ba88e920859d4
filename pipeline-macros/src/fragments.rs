//! Fragments of `macro_rules!`, which arrive in groups without delimiters.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::Expr;

/// Opens the fragments in the input of a macro, so that `$timeout` or `$stage` is read like what was written for it.
///
/// An expression with operators, or a closure, is put in parentheses, and stays one operand. What is no expression, such as a type, stays as
/// it is.
pub(crate) fn open(tokens: TokenStream) -> TokenStream {
    tokens.into_iter().flat_map(open_token).collect()
}

fn open_token(token: TokenTree) -> TokenStream {
    let TokenTree::Group(group) = &token else { return token.into() };
    let inside = open(group.stream());
    let delimiter = match group.delimiter() {
        Delimiter::None => match syn::parse2::<Expr>(inside.clone()) {
            // The body of a closure would go on behind it.
            Ok(Expr::Binary(_) | Expr::Cast(_) | Expr::Range(_) | Expr::Assign(_) | Expr::Closure(_)) => {
                Delimiter::Parenthesis
            }
            Ok(_) => return inside,
            Err(_) => Delimiter::None,
        },
        delimiter => delimiter,
    };
    let mut opened = Group::new(delimiter, inside);
    opened.set_span(group.span());
    TokenTree::Group(opened).into()
}
