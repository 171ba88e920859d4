//! How deep an input is nested: what is nested deeper than anything that people write would overflow the stack of the compiler.

use proc_macro2::{Span, TokenStream, TokenTree};

const LIMIT: usize = 64;

/// The error about delimiters or type arguments within one another, if there are more than `LIMIT`.
pub(crate) fn check(tokens: &TokenStream) -> syn::Result<()> {
    match deepest(tokens.clone(), 0) {
        Some(at) => Err(syn::Error::new(
            at,
            format!(
                "this is nested more than {LIMIT} levels deep: give a part of it a name, such as `type Rows = …`"
            ),
        )),
        None => Ok(()),
    }
}

/// The place at which the limit is passed.
fn deepest(tokens: TokenStream, outer: usize) -> Option<Span> {
    let mut depth = outer;
    let mut is_arrow = false;
    for token in tokens {
        let mut joint_dash = false;
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '<' => depth += 1,
            TokenTree::Punct(punct) if punct.as_char() == '>' && !is_arrow => {
                depth = outer.max(depth.saturating_sub(1));
            }
            TokenTree::Punct(punct) => joint_dash = matches!(punct.as_char(), '-' | '='),
            TokenTree::Group(group) => {
                if let Some(at) = deepest(group.stream(), depth + 1) {
                    return Some(at);
                }
            }
            _ => {}
        }
        is_arrow = joint_dash;
        if depth > LIMIT {
            return Some(token.span());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(open: &str, close: &str, depth: usize) -> bool {
        let text = format!("{}u8{}", open.repeat(depth), close.repeat(depth));
        check(&text.parse().expect("the brackets match")).is_err()
    }

    #[test]
    fn each_kind_of_bracket_counts() {
        for (open, close) in [("Vec<", ">"), ("(", ")"), ("[", "]"), ("{", "}"), ("a::<(", ")>")] {
            let levels = open.matches(['<', '(', '[', '{']).count();
            assert!(!nested(open, close, 64 / levels), "{open}");
            assert!(nested(open, close, 64 / levels + 1), "{open}");
            assert!(nested(open, close, 200), "{open}");
        }
    }

    #[test]
    fn what_stands_side_by_side_is_not_nested() {
        let arrows = "fn f(x: Vec<u8>) -> Option<u8>; |x| x < 3 => a".to_owned();
        let many = format!("{}{}", "a::<u8> => ".repeat(500), arrows.repeat(20));
        assert!(check(&many.parse().expect("it is made of tokens")).is_ok());
    }
}
