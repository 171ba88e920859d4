use pipeline::{pipeline, stage};

#[stage]
fn add(x: u32) -> u32 {
    x + 1
}

#[stage]
fn double(x: u32) -> u32 {
    2 * x
}

#[stage]
fn label(x: u64) -> u32 {
    x.count_ones()
}

fn main() {
    let sum = pipeline![
        add => double => add => double => add => double => label => add => double => add => double => add
    ];
    println!("{:?}", sum.run_blocking(1));
}
