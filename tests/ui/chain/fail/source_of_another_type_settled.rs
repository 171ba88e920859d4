use pipeline::{pipeline, stage};

#[stage]
fn double(x: u64) -> u64 {
    x * 2
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let report = pipeline![double].settle(0..3_u32).await;
    println!("{}", report.len());
}
