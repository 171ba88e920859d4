use pipeline::{pipeline, stage};

#[stage]
fn charge(cents: u32) -> String {
    format!("paid {cents}")
}

fn main() {
    let handle = pipeline![charge => match];
    println!("{:?}", handle.run_blocking(7));
}
