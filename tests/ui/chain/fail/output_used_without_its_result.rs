use pipeline::{pipeline, stage};

#[stage]
fn parse(line: &str) -> Result<u32, std::num::ParseIntError> {
    line.parse()
}

#[stage]
fn double(x: u32) -> u32 {
    2 * x
}

fn main() {
    let doubled = pipeline![parse => double].run_blocking("42".to_owned());
    println!("{}", doubled + 1);
}
