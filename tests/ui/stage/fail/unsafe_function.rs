use pipeline::{pipeline, stage};

#[stage]
unsafe fn decode(bytes: Vec<u8>) -> String {
    unsafe { String::from_utf8_unchecked(bytes) }
}

#[stage]
fn length(text: &str) -> usize {
    text.len()
}

fn main() {
    println!("{:?}", pipeline![decode => length].run_blocking(b"BER".to_vec()));
}
