use pipeline::pipeline;

fn main() {
    let length = pipeline![String: try |text| text.len()];
    let _ = length.run_blocking("four".to_owned());
}
