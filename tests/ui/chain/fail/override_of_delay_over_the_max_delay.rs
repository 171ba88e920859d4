use pipeline::{pipeline, stage};

#[stage]
fn parse(line: &str) -> Result<u32, std::num::ParseIntError> {
    line.parse()
}

#[stage(retries = 3, max_delay = "2s")]
async fn check(x: u32) -> Result<u32, std::num::ParseIntError> {
    Ok(x)
}

#[stage]
fn double(x: u32) -> u32 {
    2 * x
}

fn main() {
    let checked = pipeline![parse => check.delay("10s") => double];
    println!("{:?}", checked.run_blocking("42".to_owned()));
}
