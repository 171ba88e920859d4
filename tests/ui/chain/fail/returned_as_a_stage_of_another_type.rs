use pipeline::{Pipeline, Stage, pipeline, stage};

#[stage]
fn parse(line: &str) -> Result<u32, std::num::ParseIntError> {
    line.parse()
}

#[stage]
fn double(x: u32) -> u32 {
    2 * x
}

fn doubled() -> Pipeline<String, impl Stage<String, (), Out = u64>> {
    pipeline![parse => double]
}

fn main() {
    println!("{:?}", doubled().run_blocking("42".to_owned()));
}
