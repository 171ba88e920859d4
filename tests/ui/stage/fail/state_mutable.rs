use pipeline::{Provide, pipeline, stage};

#[derive(Provide)]
struct App {
    seen: Vec<String>,
}

#[stage]
async fn remember(code: String, #[state] seen: &mut Vec<String>) -> usize {
    seen.push(code);
    seen.len()
}

fn main() {
    let count = pipeline![remember].with(App { seen: Vec::new() });
    println!("{:?}", count.run_blocking("BER".to_owned()));
}
