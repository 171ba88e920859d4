use pipeline::{Provide, pipeline, stage};

#[derive(Provide)]
#[provide(skip)]
struct App {
    base: String,
}

#[stage]
async fn fetch(path: &str, #[state] base: &String) -> String {
    format!("{base}/{path}")
}

fn main() {
    let app = App {
        base: "https://example.org".to_owned(),
    };
    println!(
        "{:?}",
        pipeline![fetch].with(app).run_blocking("airports.csv".to_owned())
    );
}
