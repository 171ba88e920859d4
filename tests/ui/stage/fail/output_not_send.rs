use std::rc::Rc;

use pipeline::{pipeline, stage};

#[stage]
fn intern(code: String) -> Rc<str> {
    code.into()
}

fn main() {
    println!("{:?}", pipeline![intern].run_blocking("BER".to_owned()));
}
