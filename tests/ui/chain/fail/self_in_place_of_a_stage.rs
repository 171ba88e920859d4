use pipeline::{pipeline, stage};

#[stage]
fn double(x: u32) -> u32 {
    x * 2
}

fn main() {
    let _ = pipeline![double => self];
}
