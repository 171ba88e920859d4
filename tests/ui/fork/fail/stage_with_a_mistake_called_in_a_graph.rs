use pipeline::{pipeline, stage};

#[stage]
fn broken(x: impl Into<u32>) -> u32 {
    x.into()
}

#[stage]
fn add(x: u32, y: u32) -> u32 {
    x + y
}

fn main() {
    let _ = pipeline!(|x: u32| {
        let y = broken(x);
        add(x, y)
    });
}
