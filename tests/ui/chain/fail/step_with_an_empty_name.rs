use pipeline::pipeline;

fn main() {
    let _ = pipeline![step(" ") |x: u32| x + 1];
}
