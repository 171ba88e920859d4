use pipeline::stage;

#[stage(timeout = "18446744073709551615s 1000ms")]
async fn fetch(path: &str) -> String {
    path.to_owned()
}

fn main() {}
