use pipeline::{pipeline, stage};

mod fetch {
    pub(crate) const BASE: &str = "https://example.org";
}

#[stage]
async fn fetch(path: &str) -> String {
    format!("{}/{path}", fetch::BASE)
}

fn main() {
    println!("{:?}", pipeline![fetch].run_blocking("airports.csv".to_owned()));
}
