use pipeline::{Provide, pipeline, stage};

#[derive(Provide)]
struct App {
    base: String,
    #[provide(ignore)]
    retries: u32,
}

#[stage]
async fn fetch(path: &str, #[state] base: &String) -> String {
    format!("{base}/{path}")
}

fn main() {
    let app = App {
        base: "https://example.org".to_owned(),
        retries: 3,
    };
    println!(
        "{:?}",
        pipeline![fetch].with(app).run_blocking("airports.csv".to_owned())
    );
}
