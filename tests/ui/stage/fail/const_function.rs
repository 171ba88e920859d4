use pipeline::{pipeline, stage};

#[stage]
const fn feet(metres: u32) -> u32 {
    metres * 3281 / 1000
}

#[stage]
fn label(feet: u32) -> String {
    format!("{feet} ft")
}

fn main() {
    println!("{:?}", pipeline![feet => label].run_blocking(37));
}
