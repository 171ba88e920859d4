use std::io;

use pipeline::{pipeline, stage};

#[stage(concurrency = 4)]
async fn fetch(url: &str) -> Result<String, io::Error> {
    std::fs::read_to_string(url)
}

#[stage]
fn count(body: String) -> usize {
    body.lines().count()
}

fn main() {
    let lines = pipeline![fetch.burst(2) => count].run_blocking("airports.csv".to_owned());
    println!("{lines:?}");
}
