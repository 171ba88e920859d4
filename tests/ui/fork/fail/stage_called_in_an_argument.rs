use pipeline::{pipeline, stage};

#[stage(concurrency = 2)]
fn checksum(x: u32) -> u32 {
    x ^ 0xff
}

#[stage]
fn add(x: u32, y: u32) -> u32 {
    x + y
}

fn main() {
    let _ = pipeline!(|x: u32| {
        let y = add(x, 1);
        add(checksum(*x), y)
    });
}
