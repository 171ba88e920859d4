use pipeline::{pipeline, stage};

#[stage]
fn sum(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64, i: u64) -> u64 {
    a + b + c + d + e + f + g + h + i
}

fn main() {
    let page = pipeline!(|x: u64| {
        sum(x, x, x, x, x, x, x, x, x)
    });
    println!("{:?}", page.run_blocking(7));
}
