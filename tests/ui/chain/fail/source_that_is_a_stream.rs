use pipeline::{pipeline, stage};

#[stage]
fn double(x: u64) -> u64 {
    x * 2
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let numbers = futures_util::stream::iter([1_u64, 2]);
    let _ = pipeline![double].drain(numbers).await;
}
