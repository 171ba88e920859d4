use pipeline::{pipeline, stage};

#[stage]
fn half(x: u64) -> u64 {
    x / 2
}

fn main() {
    let handle = pipeline![half => match {
        0 => 0 => half,
        1..=9 => 1 => half,
    }];
    println!("{:?}", handle.run_blocking(7));
}
