use pipeline::{pipeline, stage};

#[stage]
fn half(x: u64) -> u64 {
    x / 2
}

#[stage]
fn quarter(x: u64) -> u64 {
    x / 4
}

fn main() {
    let many = pipeline![(half | half | half | half | half | half | half | half | quarter)];
    println!("{:?}", many.run_blocking(7));
}
