use pipeline::{Provide, pipeline, stage};

struct Client;

#[derive(Provide)]
enum App {
    Online(Client),
    Offline,
}

#[stage]
async fn fetch(url: String) -> String {
    url
}

fn main() {
    let ingest = pipeline![fetch].with(App::Online(Client));
    println!("{:?}", ingest.run_blocking("airports.csv".to_owned()));
    drop(App::Offline);
}
