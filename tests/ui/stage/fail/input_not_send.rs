use std::rc::Rc;

use pipeline::{pipeline, stage};

#[stage]
fn length(code: Rc<str>) -> usize {
    code.len()
}

fn main() {
    println!("{:?}", pipeline![length].run_blocking(Rc::from("BER")));
}
