use pipeline::{pipeline, stage};

#[stage]
fn sort(codes: &mut Vec<String>) -> usize {
    codes.sort();
    codes.len()
}

#[stage]
fn is_empty(count: usize) -> bool {
    count == 0
}

fn main() {
    println!(
        "{:?}",
        pipeline![sort => is_empty].run_blocking(vec!["BER".to_owned()])
    );
}
