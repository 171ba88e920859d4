use pipeline::{Provide, pipeline, stage};

struct Client {
    base: String,
}

struct Cache {
    size: usize,
}

#[derive(Provide)]
struct App {
    client: Client,
}

#[stage]
async fn fetch(path: &str, #[state] client: &Client) -> String {
    format!("{}/{path}", client.base)
}

#[stage]
async fn look_up(path: &str, #[state] cache: &Cache) -> String {
    path.chars().take(cache.size).collect()
}

fn main() {
    let page = pipeline!(|path: String| {
        fetch(path, path)
    });
    println!("{:?}", page.run_blocking(String::new()));
}
