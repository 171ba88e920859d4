use pipeline::{pipeline, stage};

#[stage]
fn parse(line: &str) -> Result<u32, std::num::ParseIntError> {
    line.parse()
}

#[stage]
async fn check(x: u32) -> Result<u32, std::num::ParseIntError> {
    Ok(x)
}

#[stage]
fn double(x: u32) -> u32 {
    2 * x
}

fn main() {
    let checked = pipeline![parse => check.retries(attempts) => double];
    println!("{:?}", checked.run_blocking("42".to_owned()));
}
