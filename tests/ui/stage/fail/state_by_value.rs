use pipeline::{Provide, pipeline, stage};

#[derive(Clone)]
struct Client;

#[derive(Provide)]
struct App {
    client: Client,
}

#[stage]
async fn fetch(url: &str, #[state] client: Client) -> String {
    let Client = client;
    url.to_owned()
}

fn main() {
    let ingest = pipeline![fetch].with(App { client: Client });
    println!("{:?}", ingest.run_blocking("airports.csv".to_owned()));
}
