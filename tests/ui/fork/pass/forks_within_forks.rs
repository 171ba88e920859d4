#![deny(warnings)]

use pipeline::{pipeline, stage};

#[stage]
async fn half(x: u64) -> u64 {
    x / 2
}

#[stage]
async fn odd(x: &u64) -> Result<u64, std::fmt::Error> {
    if x % 2 == 1 { Ok(*x) } else { Err(std::fmt::Error) }
}

fn main() {
    // The type of a closure comes from any of its siblings.
    let tuples = pipeline![(|x| x + 1, half, (odd | half => half), ((half, (odd | |x| x)), |x| x) => |((a, b), c)| a + b + c)];
    assert_eq!(tuples.run_blocking(4).unwrap(), (5, 2, 1, 10));

    let routed = pipeline![half => match {
        0 => 0 => half,
        1 => 1 => half,
        2 => 2 => half,
        3 => 3 => half,
        4 => 4 => (half, half) => |(a, b)| a * b,
        5 => 5 => match {
            x if x > 5 => x => half,
            x => x => (|x: u64| {
                let y = half(x);
                let z = half(y);
                y + z
            }),
        },
        6 => 6 => half,
        7 => 7 => half,
        8 => 8 => half,
        x => x => half => |x| x,
    } => |x| x + 100];
    assert_eq!(routed.run_blocking(8).unwrap(), 104);
    assert_eq!(routed.run_blocking(10).unwrap(), 103);
    assert_eq!(routed.run_blocking(40).unwrap(), 110);

    let graphs = pipeline![(
        |x: u64| {
            let y = half(x);
            let (z, w) = { pipeline![(half, (odd | |x| x))] }(y);
            half(z + w)
        },
        half => (|x: u64| {
            let y = half(x);
            (x, y)
        }),
    )];
    assert_eq!(graphs.run_blocking(8).unwrap(), (3, (4, 2)));
}
