use pipeline::{Provide, pipeline, stage};

#[derive(Provide)]
struct App {
    base: String,
    token: String,
}

#[stage]
async fn fetch(path: &str, #[state] base: &String) -> String {
    format!("{base}/{path}")
}

fn main() {
    let app = App {
        base: "https://example.org".to_owned(),
        token: "secret".to_owned(),
    };
    println!(
        "{:?}",
        pipeline![fetch].with(app).run_blocking("airports.csv".to_owned())
    );
}
