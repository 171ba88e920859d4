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
    let client = Client {
        base: "https://example.org".to_owned(),
    };
    let fetched = pipeline![|path: String| path => match {
        path if path.is_empty() => path => look_up,
        path => path => fetch,
    }];
    println!("{:?}", fetched.with(App { client }).run_blocking("airports.csv".to_owned()));
}
