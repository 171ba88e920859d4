use std::io;
use std::time::Duration;

use pipeline::{pipeline, stage};

#[stage(retry_after = server_wait)]
async fn fetch(url: &str) -> Result<String, io::Error> {
    std::fs::read_to_string(url)
}

#[stage]
fn count(body: String) -> usize {
    body.lines().count()
}

fn server_wait(error: &io::Error) -> Option<Duration> {
    (error.kind() == io::ErrorKind::WouldBlock).then_some(Duration::from_secs(1))
}

fn main() {
    let lines = pipeline![fetch => count].run_blocking("airports.csv".to_owned());
    println!("{lines:?}");
}
