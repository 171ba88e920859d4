use std::rc::Rc;

use pipeline::{pipeline, stage};

#[stage]
async fn fetch(url: String) -> String {
    let url: Rc<str> = url.into();
    tokio::task::yield_now().await;
    url.to_string()
}

#[stage]
fn length(body: &str) -> usize {
    body.len()
}

fn main() {
    println!(
        "{:?}",
        pipeline![fetch => length].run_blocking("airports.csv".to_owned())
    );
}
