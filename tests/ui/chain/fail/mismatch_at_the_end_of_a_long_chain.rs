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
fn shout(text: &str) -> String {
    text.to_uppercase()
}

fn main() {
    let sum = pipeline![
        add => double => add => double => add => double => add => double => add => double => add => shout
    ];
    println!("{:?}", sum.run_blocking(1));
}
