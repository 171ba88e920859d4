use pipeline::{pipeline, stage};

struct Client;

#[stage]
async fn fetch(
    url: &str,
    #[state]
    #[state]
    client: &Client,
) -> String {
    let Client = client;
    url.to_owned()
}

fn main() {
    let ingest = pipeline![fetch].with(Client);
    println!("{:?}", ingest.run_blocking("airports.csv".to_owned()));
}
