#![deny(warnings)]

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
    let parse = pipeline![parse => double];
    let double = 1;
    let doubled = pipeline![{ parse.clone() } => double => |x| x + double];
    assert_eq!(doubled.run_blocking("10".to_owned()).unwrap(), 41);

    // What the macro calls its own variables by is nobody's business.
    let (stage, port, spec, attempts, value) = (1, 2, 3, 4, 5);
    let summed =
        pipeline![|x: u32| x + stage + port => double.name("twice") => |x| x + spec + attempts + value];
    assert_eq!(summed.run_blocking(0).unwrap(), 18);
    assert_eq!(parse.run_blocking("10".to_owned()).unwrap(), 20);
}
