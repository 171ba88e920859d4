use pipeline::{StageError, pipeline, stage};

#[stage]
fn parse(line: &str) -> Result<u32, std::num::ParseIntError> {
    line.parse()
}

#[stage]
fn double(x: u32) -> u32 {
    2 * x
}

fn main() -> Result<(), StageError> {
    let doubled: String = pipeline![parse => double].run_blocking("42".to_owned())?;
    println!("{doubled}");
    Ok(())
}
