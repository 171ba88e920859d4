use pipeline::{pipeline, stage};

#[stage]
fn double(x: u32) -> u32 {
    x * 2
}

fn main() {
    let numbers = vec![1, 2, 3];
    let _ = pipeline![double].stream(numbers.iter().copied());
}
