use pipeline::{pipeline, stage};

#[stage(retries = 2)]
async fn count(body: &str) -> Result<u64, std::io::Error> {
    Ok(body.lines().count())
}

#[stage]
fn double(x: u64) -> u64 {
    2 * x
}

fn main() {
    println!("{:?}", pipeline![count => double].run_blocking("BER".to_owned()));
}
