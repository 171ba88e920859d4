use pipeline::{pipeline, stage};

#[stage]
fn double(x: u64) -> u64 {
    x * 2
}

fn main() {
    for doubled in pipeline![double].iter(0..3_i32) {
        println!("{doubled:?}");
    }
}
