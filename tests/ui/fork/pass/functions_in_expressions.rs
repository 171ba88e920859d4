// What an expression calls may be any function that is no stage.

use pipeline::{pipeline, stage};

mod tools {
    pub fn halve<T: Copy + Into<u64>>(x: T) -> u32 {
        (x.into() / 2) as u32
    }
}

#[stage]
fn add(x: u32, y: u32) -> u32 {
    x + y
}

fn plain(x: u32) -> u32 {
    x
}

fn main() {
    fn inner(x: u32) -> u32 {
        x + 1
    }
    let local = |x: u32| x * 2;
    let graph = pipeline!(|x: u32| {
        let a = add(x, plain(*x));
        let b = add(a, u32::from(true));
        let c = add(inner(*b), tools::halve::<u32>(*b));
        (local(c), std::cmp::min(plain(c), u32::MAX), Some(c).map_or(0, plain))
    });
    assert_eq!(graph.run_blocking(2).unwrap(), (16, 8, 8));
    let closure = pipeline![add => |x| {
        let y = plain(x);
        inner(y)
    }];
    assert_eq!(closure.run_blocking((1, 2)).unwrap(), 4);
}
