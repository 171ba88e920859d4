#![deny(warnings)]

use pipeline::{pipeline, stage};

#[derive(Clone)]
struct Thing {
    r#type: u32,
}

#[stage]
async fn r#match(r#in: u32) -> u32 {
    r#in + 1
}

#[stage]
fn r#use(r#ref: &u32, r#mut: u32) -> Thing {
    Thing {
        r#type: r#ref + r#mut,
    }
}

fn main() {
    let r#static = 100;
    let things = pipeline!(|r#in: u32| {
        let r#type = r#match(r#in);
        let r#fn = r#match.name("again")(r#type + r#in);
        let r#struct = r#use(r#fn, r#static);
        let (r#let, r#loop) = { pipeline![(r#match, r#match => |r#if| r#if)] }(r#type);
        (r#struct.r#type, r#let + r#loop)
    });
    assert_eq!(things.run_blocking(1).unwrap(), (104, 6));

    let routed = pipeline![match {
        Thing { r#type } if r#type > 3 => r#type => r#match,
        Thing { r#type: r#else } => r#else => (r#match | |r#fn| r#fn),
    }];
    assert_eq!(routed.run_blocking(Thing { r#type: 4 }).unwrap(), 5);
}
