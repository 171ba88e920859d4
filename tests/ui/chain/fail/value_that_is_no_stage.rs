use pipeline::{pipeline, stage};

struct Scale(u32);

#[stage]
fn parse(line: &str) -> Result<u32, std::num::ParseIntError> {
    line.parse()
}

fn main() {
    let scaled = pipeline![parse => { Scale(10) }];
    println!("{:?}", scaled.run_blocking("42".to_owned()));
    println!("{}", Scale(1).0);
}
