use std::sync::Mutex;

use pipeline::{pipeline, stage};

struct Client {
    base: String,
}

type Table = Mutex<Vec<String>>;

struct App {
    client: Client,
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
    let ingest = pipeline![fetch].with(App {
        client,
        table: Table::default(),
    });
    println!("{:?}", ingest.run_blocking("airports.csv".to_owned()));
    drop(pipeline![store].with(Table::default()));
}
