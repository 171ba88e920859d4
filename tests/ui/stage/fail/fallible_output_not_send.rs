use std::num::ParseIntError;
use std::rc::Rc;

use pipeline::{pipeline, stage};

#[stage]
async fn parse(line: &str) -> Result<Rc<u32>, ParseIntError> {
    line.parse().map(Rc::new)
}

fn main() {
    println!("{:?}", pipeline![parse].run_blocking("42".to_owned()).is_ok());
}
