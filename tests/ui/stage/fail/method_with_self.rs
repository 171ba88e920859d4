use pipeline::stage;

struct Client {
    base: String,
}

impl Client {
    #[stage]
    async fn fetch(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }
}

fn main() {
    let client = Client {
        base: "https://example.org".to_owned(),
    };
    drop(client.fetch("airports.csv"));
}
