use pipeline::stage;

#[stage(timeout = "36h", deadline = "1day")]
async fn fetch(path: &str) -> String {
    path.to_owned()
}

fn main() {}
