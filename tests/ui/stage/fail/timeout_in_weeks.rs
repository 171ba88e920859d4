use pipeline::stage;

#[stage(timeout = "2w")]
async fn fetch(url: &str) -> String {
    url.to_owned()
}

fn main() {}
