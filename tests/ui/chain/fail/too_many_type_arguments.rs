use pipeline::{pipeline, stage};

#[stage]
fn parse(line: &str) -> Result<u32, std::num::ParseIntError> {
    line.parse()
}

fn main() {
    println!("{:?}", pipeline![parse::<u32>].run_blocking("42".to_owned()));
}
