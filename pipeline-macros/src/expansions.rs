//! Snapshots of what the main forms expand to. `INSTA_UPDATE=always cargo test -p checked-pipeline-macros` updates them.

use proc_macro2::TokenStream;
use quote::quote;

fn items(tokens: &TokenStream) -> String {
    match syn::parse2(tokens.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        Err(error) => format!("{error}\n{tokens}"),
    }
}

fn expression(tokens: &TokenStream) -> String {
    items(&quote!(const _: () = #tokens;))
}

fn stage(attribute: TokenStream, item: &TokenStream) -> String {
    items(&crate::stage::expand(attribute, item))
}

#[test]
fn bare_stage() {
    insta::assert_snapshot!(stage(
        quote!(),
        &quote! {
            /// Halves.
            pub(crate) fn halve(x: u32) -> u32 {
                x / 2
            }
        }
    ));
}

#[test]
fn stage_with_a_policy() {
    insta::assert_snapshot!(stage(
        quote!(retries = 3, timeout = "5s", backoff = "linear", concurrency = 8, retry_if = is_transient),
        &quote! {
            #[cfg(unix)]
            pub async fn fetch<'a, T: Decode>(
                url: &'a str,
                page: Page<T>,
                #[state] http: &Client,
                #[context] cx: &Context,
            ) -> Result<T, Error> {
                http.get(url, page).await
            }
        }
    ));
}

#[test]
fn blocking_stage() {
    insta::assert_snapshot!(stage(
        quote!(blocking, retries = 1),
        &quote! {
            fn hash(body: &[u8], salt: u64) -> u64 {
                0
            }
        }
    ));
}

#[test]
fn stage_with_a_mistake_in_its_options() {
    insta::assert_snapshot!(stage(
        quote!(retrys = 3),
        &quote!(
            fn halve(x: u32) -> u32 {
                x / 2
            }
        )
    ));
}

#[test]
fn stage_with_a_mistake_in_its_signature() {
    insta::assert_snapshot!(stage(
        quote!(),
        &quote!(
            fn halve(x: impl Into<u32>) -> u32 {
                x.into() / 2
            }
        )
    ));
}

#[test]
fn chain() {
    insta::assert_snapshot!(expression(&crate::chain::expand(quote! {
        Url: fetch.retries(5).timeout("1s") => stages::decode::<Airport> => |x| x + 1 => inspect(|x: &u32| ()) => { sub }
    })));
}

#[test]
fn chain_with_a_mistake() {
    insta::assert_snapshot!(expression(&crate::chain::expand(quote!(fetch =>))));
}

#[test]
fn branches_side_by_side() {
    insta::assert_snapshot!(expression(&crate::chain::expand(quote!((parse => check, |x| x)))));
}

#[test]
fn alternatives() {
    insta::assert_snapshot!(expression(&crate::chain::expand(quote!((primary | mirror)))));
}

#[test]
fn route() {
    insta::assert_snapshot!(expression(&crate::chain::expand(quote! {
        match {
            Event::Click(x) if x > 1 => x => count,
            _ => () => idle => wake,
        }
    })));
}

#[test]
fn graph() {
    insta::assert_snapshot!(expression(&crate::chain::expand(quote! {
        |id: UserId| {
            let user = fetch_user(id);
            let orders = fetch_orders.retries(2)(id);
            let score = rank(user, orders);
            render(user, score, orders.len(), title)
        }
    })));
}

#[test]
fn graph_that_is_not_series_parallel() {
    insta::assert_snapshot!(expression(&crate::chain::expand(quote! {
        |x: u32| {
            let a = f(x);
            let b = g(x);
            let c = h(a);
            let d = i(a, b);
            (c, d)
        }
    })));
}

/// The stack of rustc's main thread has 8 MB, and a debug build of this crate needs the most of it.
#[test]
fn the_deepest_input_does_not_overflow_the_stack() {
    let deep = |open: &str, inside: &str, close: &str| {
        let text = format!("{}{inside}{}", open.repeat(60), close.repeat(60));
        text.parse::<TokenStream>().expect("the brackets match")
    };
    let expand = move || {
        let (ty, parentheses) = (deep("Vec<", "u8", ">"), deep("(", "fetch", ")"));
        let stage = stage(quote!(retries = 2), &quote!(fn deep(x: #ty) -> Result<#ty, String> { Ok(x) }));
        assert!(stage.contains("struct deep"));
        for input in
            [quote!(#parentheses), quote!(#ty: fetch), quote!(|x| #parentheses), quote!({ #parentheses })]
        {
            assert!(!crate::chain::expand(input).to_string().contains("compile_error"));
        }
    };
    let thread =
        std::thread::Builder::new().stack_size(8 << 20).spawn(expand).expect("a thread can be started");
    thread.join().expect("a message above says what failed");
}

/// Each macro looks first, wherever the nesting is.
#[test]
fn what_is_nested_too_deep_is_an_error_in_each_macro() {
    let deep = |open: &str, inside: &str, close: &str| {
        let text = format!("{}{inside}{}", open.repeat(200), close.repeat(200));
        text.parse::<TokenStream>().expect("the brackets match")
    };
    let (ty, value) = (deep("Vec<", "u8", ">"), deep("(", "f", ")"));
    for expanded in [
        crate::stage::expand(
            quote!(retries = 1, retry_if = #value),
            &quote!(
                fn a() -> Result<(), String> {
                    Ok(())
                }
            ),
        ),
        crate::stage::expand(quote!(), &quote!(fn a(x: #ty) {})),
        crate::provide::expand(quote!(struct App { rows: #ty })),
        crate::chain::expand(quote!(#value)),
    ] {
        assert!(expanded.to_string().contains("nested more than 64 levels"), "{expanded}");
    }
}

#[test]
fn provide() {
    insta::assert_snapshot!(items(&crate::provide::expand(quote! {
        struct App<T: Clone> {
            pool: Pool<T>,
            #[provide(skip)]
            name: String,
        }
    })));
}
