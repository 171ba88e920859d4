use pipeline::{pipeline, stage};

#[stage]
fn pairs(x: u32) -> Vec<(u32, String)> {
    vec![(x, x.to_string())]
}

#[stage]
fn add(a: u32, b: u32) -> u32 {
    a + b
}

fn main() {
    let _ = pipeline![pairs => each => add => batch(10)].collect([1]);
}
