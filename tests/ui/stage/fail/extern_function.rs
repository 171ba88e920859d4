use pipeline::{pipeline, stage};

#[stage]
extern "C" fn checksum(bytes: Vec<u8>) -> u32 {
    bytes.iter().copied().map(u32::from).sum()
}

#[stage]
fn is_even(sum: u32) -> bool {
    sum % 2 == 0
}

fn main() {
    println!("{:?}", pipeline![checksum => is_even].run_blocking(vec![1, 2, 3]));
}
