use pipeline::{pipeline, stage};

#[stage]
async fn double(x: u32) -> u32 {
    x * 2
}

fn main() {
    let _ = pipeline![double.retries(3)];
}
