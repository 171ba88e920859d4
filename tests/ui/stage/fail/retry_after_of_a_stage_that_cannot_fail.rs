use pipeline::stage;

#[stage(retries = 3, retry_after = |_| Some(std::time::Duration::from_secs(1)))]
async fn fetch(url: &str) -> String {
    url.to_owned()
}

fn main() {}
