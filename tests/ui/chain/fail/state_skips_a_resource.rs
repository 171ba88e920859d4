use std::sync::Mutex;

use pipeline::{Provide, pipeline, stage};

struct Client {
    base: String,
}

type Table = Mutex<Vec<String>>;

#[derive(Provide)]
struct App {
    client: Client,
    #[provide(skip)]
    table: Table,
}

#[stage]
async fn fetch(path: &str, #[state] client: &Client) -> String {
    format!("{}/{path}", client.base)
}

#[stage]
async fn store(body: String, #[state] table: &Table) -> usize {
    let mut rows = table.lock().expect("no stage panicked");
    rows.push(body);
    rows.len()
}

fn main() {
    let client = Client {
        base: "https://example.org".to_owned(),
    };
    let ingest = pipeline![fetch => store].with(App {
        client,
        table: Table::default(),
    });
    println!("{:?}", ingest.run_blocking("airports.csv".to_owned()));
}
