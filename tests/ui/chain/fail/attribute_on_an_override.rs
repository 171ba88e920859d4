use pipeline::{pipeline, stage};

#[stage(concurrency = 2)]
async fn double(x: u32) -> u32 {
    x * 2
}

fn main() {
    let _ = pipeline![double #[cfg(debug_assertions)] .concurrency(4)];
}
