use pipeline::{pipeline, stage};

#[stage]
fn double(x: u64) -> u64 {
    x * 2
}

fn half(x: u64) -> u64 {
    x / 2
}

fn main() {
    let _ = pipeline![|x: u64| {
        let y = double(x);
        (half)(y)
    }];
}
