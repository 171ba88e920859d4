use pipeline::{pipeline, stage};

#[stage]
fn split(line: &str) -> Vec<String> {
    line.split(',').map(str::to_owned).collect()
}

#[stage]
async fn now() -> u64 {
    1_700_000_000
}

fn main() {
    let stamped = pipeline![split => now];
    println!("{:?}", stamped.run_blocking("BER".to_owned()));
}
