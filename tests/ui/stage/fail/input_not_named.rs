use pipeline::{pipeline, stage};

#[stage]
async fn heartbeat(_: u64) -> &'static str {
    "alive"
}

#[stage]
fn log(line: &'static str) -> usize {
    line.len()
}

fn main() {
    println!("{:?}", pipeline![heartbeat => log].run_blocking(7));
}
