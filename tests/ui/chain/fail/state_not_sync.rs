use std::cell::RefCell;

use pipeline::{Provide, pipeline, stage};

#[derive(Default)]
struct Table(RefCell<Vec<String>>);

#[derive(Default, Provide)]
struct App {
    base: String,
    #[provide(skip)]
    table: Table,
}

#[stage]
async fn fetch(path: &str, #[state] base: &String) -> String {
    format!("{base}/{path}")
}

fn main() {
    let app = App::default();
    app.table.0.borrow_mut().clear();
    println!(
        "{:?}",
        pipeline![fetch].with(app).run_blocking("airports.csv".to_owned())
    );
}
