use pipeline::{pipeline, stage};

#[stage]
fn half(x: u64) -> u64 {
    x / 2
}

fn main() {
    let handle = pipeline![half => match {
        0 => 0 => half,
        1 => 1 => half,
        2 => 2 => half,
        3 => 3 => half,
        4 => 4 => half,
        5 => 5 => half,
        6 => 6 => half,
        7 => 7 => half,
        8 => 8 => half,
    }];
    println!("{:?}", handle.run_blocking(7));
}
