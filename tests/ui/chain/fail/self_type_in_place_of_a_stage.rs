use pipeline::{pipeline, stage};

#[stage]
fn double(x: u64) -> u64 {
    x * 2
}

struct App;

impl App {
    fn run() {
        let _ = pipeline![double => Self];
    }
}

fn main() {
    App::run();
}
