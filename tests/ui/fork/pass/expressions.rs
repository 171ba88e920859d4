#![deny(warnings)]

use pipeline::{pipeline, stage};

#[derive(Debug, Clone, Default, PartialEq)]
struct Page {
    name: String,
    orders: Vec<u32>,
    total: u32,
}

#[stage]
async fn name(id: u32) -> String {
    format!("user {id}")
}

#[stage]
async fn orders(id: &u32) -> Vec<u32> {
    (0..*id).collect()
}

#[stage]
fn sum(orders: &[u32]) -> u32 {
    orders.iter().sum()
}

#[stage]
fn largest(orders: Vec<u32>, least: usize) -> Option<u32> {
    orders.into_iter().max().filter(|order| *order as usize >= least)
}

#[stage]
fn narrow(wide: u64) -> Option<u8> {
    u8::try_from(wide).ok()
}

fn main() {
    // A function of a type is no stage, also where the type is a primitive one.
    let wide = pipeline!(|id: u32| {
        let all = orders(id);
        let small = narrow(u64::from(all[0]));
        u32::from(small.unwrap_or(0))
    });
    assert_eq!(wide.run_blocking(3).unwrap(), 0);
    let page = pipeline!(|id: u32| {
        // A `;` alone is nothing, as in Rust.
        let user = name(id);;
        let all = orders(id);
        let count = sum(vec![1; all.len()]);
        // Values in ranges, in fields, in closures, in macros and in texts.
        let some = orders(all[0..*count as usize].len() as u32 - 1);
        let total = sum(some);
        let most = largest(some.iter().map(|order| order + total).collect::<Vec<_>>(), user.len());
        let shown = sum(vec![format!("{user}: {}", all.len()).len() as u32]);
        let base = { pipeline![|text: String| Page { name: text, ..Page::default() }] }(user);
        (
            Page {
                orders: all,
                total,
                ..base
            },
            [most.unwrap_or(shown); 2],
            ..=count,
        )
    });
    let (page, most, range) = page.run_blocking(4).unwrap();
    let expected = Page {
        name: "user 4".to_owned(),
        orders: vec![0, 1, 2, 3],
        total: 3,
    };
    assert_eq!((page, most, range), (expected, [9, 9], ..=4));
}
