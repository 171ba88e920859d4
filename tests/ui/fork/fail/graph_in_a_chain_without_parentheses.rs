use pipeline::{pipeline, stage};

#[stage(concurrency = 2)]
fn checksum(x: u32) -> u32 {
    x ^ 0xff
}

fn main() {
    let _ = pipeline![checksum => |x: u32| {
        let y = checksum(x);
        y + 1
    }];
}
