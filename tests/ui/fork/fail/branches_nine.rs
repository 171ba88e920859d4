use pipeline::{pipeline, stage};

#[stage]
fn half(x: u64) -> u64 {
    x / 2
}

fn main() {
    let many = pipeline![(|x: u64| x, |x| x, |x| x, |x| x, |x| x, |x| x, |x| x, |x| x, half)];
    println!("{:?}", many.run_blocking(7));
}
