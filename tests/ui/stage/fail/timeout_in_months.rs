use pipeline::stage;

#[stage(timeout = "5M")]
async fn fetch(path: &str) -> String {
    path.to_owned()
}

fn main() {}
