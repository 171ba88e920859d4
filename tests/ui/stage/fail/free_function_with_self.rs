use pipeline::{pipeline, stage};

struct Client {
    base: String,
}

#[stage]
async fn fetch(self: &Client, path: &str) -> String {
    format!("{}/{path}", self.base)
}

fn main() {
    let body = pipeline![fetch].run_blocking("airports.csv".to_owned());
    println!("{body:?}");
}
