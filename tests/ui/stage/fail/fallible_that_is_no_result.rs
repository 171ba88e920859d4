use pipeline::{pipeline, stage};

#[stage(fallible, retries = 2)]
async fn length(text: &str) -> usize {
    text.len()
}

fn main() {
    let measured = pipeline![length => |length| length + 1].run_blocking("four".to_owned());
    println!("{measured:?}");
}
