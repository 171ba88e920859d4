use std::borrow::Cow;

use pipeline::{pipeline, stage};

#[stage]
fn label(code: Cow<'_, str>) -> String {
    format!("airport {code}")
}

fn main() {
    println!("{:?}", pipeline![label].run_blocking(Cow::Borrowed("BER")));
}
